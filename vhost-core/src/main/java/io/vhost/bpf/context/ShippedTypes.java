package io.vhost.bpf.context;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfBuilder;
import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes the BTF that is shipped: the programs' side of each context as linux/bpf.h has it, the kernel's side
 * as an empty struct of the right name, and the struct that pairs them.
 */
final class ShippedTypes {
    private static final long POINTER = 8;
    // The kernel's structs are its own business: their true size depends on how it was built.
    private static final long STAND_IN = 1;

    private final BtfBuilder builder = new BtfBuilder();
    private final Map<String, Integer> ids = new HashMap<>();
    private final Map<String, Integer> arrays = new HashMap<>();
    private final Map<String, Long> sizes = new HashMap<>();
    private final Deque<Open> open = new ArrayDeque<>();

    private record Open(int indent, String kind, String name, long size, long offset,
            List<BtfType.Member> members) {
    }

    private ShippedTypes() {
    }

    /**
     * Writes them.
     *
     * @param pairs name of the struct that pairs the two sides of each context
     */
    static Btf build(String pairs) {
        ShippedTypes types = new ShippedTypes();
        types.ids.put("void", 0);
        Resources.lines("context-types.txt").forEach(types::line);
        types.closeTo(0);
        types.convert(pairs);
        try {
            return Btf.parse(types.builder.build());
        } catch (BtfException e) {
            throw new IllegalStateException("context-types.txt makes broken BTF", e);
        }
    }

    private void line(String line) {
        int indent = line.length() - line.stripLeading().length();
        closeTo(indent);
        String[] words = line.strip().split(" ");
        switch (words[0]) {
            case "integer" -> {
                String name = String.join(" ", List.of(words).subList(4, words.length));
                int size = Integer.parseInt(words[2]);
                ids.put(words[1], builder.integer(name, size, Integer.parseInt(words[3])));
                sizes.put(words[1], (long) size);
            }
            case "typedef" -> {
                ids.put(words[1], builder.typedef(words[1], ids.get(words[2])));
                sizes.put(words[1], sizes.get(words[2]));
            }
            case "struct" ->
                    open.push(new Open(indent, "struct", words[1], Long.parseLong(words[2]), 0,
                            new ArrayList<>()));
            default -> member(indent, words);
        }
    }

    private void member(int indent, String[] words) {
        long offset = 8 * Long.parseLong(words[0]);
        if (words[1].equals("union")) {
            open.push(new Open(indent, "union", "", Long.parseLong(words[2]), offset, new ArrayList<>()));
        } else {
            open.getFirst().members.add(new BtfType.Member(words[2], typeOf(words[1]), offset, 0));
        }
    }

    /** Ends the structs and unions whose lines stand at {@code indent} or further right. */
    private void closeTo(int indent) {
        while (!open.isEmpty() && open.getFirst().indent >= indent) {
            Open done = open.pop();
            BtfKind kind = done.kind.equals("struct") ? BtfKind.STRUCT : BtfKind.UNION;
            int id = builder.add(new BtfType.Composite(kind, done.name, done.size, done.members, false));
            if (kind == BtfKind.STRUCT) {
                ids.put(done.name, id);
                sizes.put(done.name, done.size);
            } else {
                open.getFirst().members.add(new BtfType.Member("", id, done.offset, 0));
            }
        }
    }

    private int typeOf(String text) {
        if (text.endsWith("*")) {
            String target = text.substring(0, text.length() - 1);
            int id = target.startsWith("const-")
                    ? builder.add(new BtfType.Modifier(BtfKind.CONST, "", structOf(target.substring(6)),
                            false))
                    : structOf(target);
            return ids.computeIfAbsent(text, key -> builder.pointer(id));
        }
        int bracket = text.indexOf('[');
        if (bracket < 0) {
            return ids.get(text);
        }
        return arrays.computeIfAbsent(text, key -> builder.add(new BtfType.Array(
                ids.get(text.substring(0, bracket)),
                ids.get("uint"), Long.parseLong(text.substring(bracket + 1, text.length() - 1)))));
    }

    private int structOf(String name) {
        return ids.containsKey(name) ? ids.get(name) : ids.computeIfAbsent("announced " + name,
                key -> builder.add(new BtfType.Forward(name, false)));
    }

    private void convert(String name) {
        int pointer = typeOf("void*");
        List<BtfType.Member> members = new ArrayList<>();
        long offset = 0;
        for (ProgramType type : ProgramType.values()) {
            int program = idOf(type.programContext(), pointer);
            members.add(new BtfType.Member(type.kernelName() + "_prog", program, offset, 0));
            offset += 8 * sizeOf(type.programContext());
            int kernel = idOf(type.kernelContext(), pointer);
            members.add(new BtfType.Member(type.kernelName() + "_kern", kernel, offset, 0));
            offset += 8 * sizeOf(type.kernelContext());
        }
        builder.struct(name, offset / 8, members.toArray(BtfType.Member[]::new));
    }

    private int idOf(ContextType context, int pointer) {
        return context.kind() == ContextType.Kind.VOID_POINTER ? pointer
                : ids.computeIfAbsent(context.name(), name -> builder.struct(name, STAND_IN));
    }

    private long sizeOf(ContextType context) {
        return context.kind() == ContextType.Kind.VOID_POINTER ? POINTER
                : sizes.getOrDefault(context.name(), STAND_IN);
    }
}
