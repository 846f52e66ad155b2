package io.vhost.bpf.btf;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Writes types as a C header that a compiler takes: every definition after those that it needs, every struct
 * with the size and the offsets that the types say, by way of padding and {@code packed} where C would place
 * members otherwise.
 *
 * <p>Alignments are those of 64-bit machines. Of types with equal names the second is called
 * {@code name___2}. What C cannot express is cut: see {@link CTypes}. No more than 64 MiB are written, one
 * definition takes no more than 4 MiB, and what hangs below a type by more than 256 references is left out.
 *
 * <p>Thread: one use, one thread.
 */
public final class CDump {
    private static final int MAX_TEXT = 64 << 20;
    private static final int MAX_BODY = 4 << 20;
    private static final int MAX_DEPTH = 256;
    private static final int MAX_NESTING = 32;

    private final Btf btf;
    private final StringBuilder out = new StringBuilder();
    private final CLayout layout;
    private final CTypes types;
    private final boolean[] started;
    private final boolean[] announced;
    private final byte[] prepared;
    private final String[] names;
    private final Map<String, Integer> tags = new HashMap<>();
    private final Map<String, Integer> identifiers = new HashMap<>();
    private final Set<String> announcedTags = new HashSet<>();
    private int nesting;

    private CDump(Btf btf) {
        this.btf = btf;
        this.layout = new CLayout(btf);
        this.types = new CTypes(btf, this::reference);
        this.started = new boolean[btf.typeCount()];
        this.announced = new boolean[btf.typeCount()];
        this.prepared = new byte[btf.typeCount()];
        this.names = new String[btf.typeCount()];
    }

    /** All types that have a name, with what they need. */
    public static String all(Btf btf) {
        CDump dump = new CDump(btf);
        for (int id = 1; id < btf.typeCount(); id++) {
            if (btf.kind(id).isEnum() || !btf.name(id).isEmpty()) {
                dump.define(id, 0);
            }
        }
        return dump.out.toString();
    }

    /** One type, with what it needs. */
    public static String one(Btf btf, int id) {
        CDump dump = new CDump(btf);
        dump.define(id, 0);
        return dump.out.toString();
    }

    /** The name under which a struct, union, enum or typedef is defined; empty if it has none. */
    private String name(int id) {
        if (names[id] == null) {
            String name = CTypes.identifier(btf, id);
            Map<String, Integer> space = btf.kind(id) == BtfKind.TYPEDEF ? identifiers : tags;
            if (!name.isEmpty() && (btf.kind(id).isComposite() || btf.kind(id).isEnum()
                    || btf.kind(id) == BtfKind.TYPEDEF)) {
                int count = space.merge(name, 1, Integer::sum);
                name = count == 1 ? name : name + "___" + count;
            }
            names[id] = name;
        }
        return names[id];
    }

    /** How a declaration refers to a type: by its name, or by what stands between its braces. */
    private String reference(int id) {
        String name = name(id);
        if (!name.isEmpty() || nesting > MAX_NESTING || out.length() > MAX_TEXT) {
            return name.isEmpty() ? "{ }" : name;
        }
        nesting++;
        String body = switch (btf.type(id)) {
            case BtfType.Composite composite -> body(id, composite);
            case BtfType.Enumeration enumeration -> body(enumeration);
            default -> "";
        };
        nesting--;
        return body;
    }

    private void define(int id, int depth) {
        if (out.length() > MAX_TEXT || depth > MAX_DEPTH) {
            return;
        }
        switch (btf.type(id)) {
            case BtfType.Composite composite -> composite(id, composite, depth);
            case BtfType.Enumeration enumeration -> {
                if (!started[id] && !enumeration.values().isEmpty()) {
                    started[id] = true;
                    String tag = name(id);
                    out.append("enum ").append(tag.isEmpty() ? "" : tag + " ")
                            .append(body(enumeration)).append(";\n");
                }
            }
            case BtfType.Modifier modifier when modifier.kind() == BtfKind.TYPEDEF ->
                    typedef(id, modifier, depth);
            default -> prepare(id, true, depth);
        }
    }

    private void composite(int id, BtfType.Composite composite, int depth) {
        if (started[id]) {
            return;
        }
        started[id] = true;
        for (BtfType.Member member : composite.members()) {
            prepare(member.type(), true, depth + 1);
        }
        if (!composite.name().isEmpty()) {
            String tag = name(id);
            out.append(word(composite.kind())).append(tag).append(' ').append(body(id, composite))
                    .append(";\n");
        }
    }

    private void typedef(int id, BtfType.Modifier modifier, int depth) {
        if (started[id] || modifier.name().equals("__builtin_va_list")) {
            return;
        }
        started[id] = true;
        prepare(modifier.type(), false, depth + 1);
        out.append("typedef ").append(types.declare(modifier.type(), name(id))).append(";\n");
    }

    /**
     * Writes what must stand before {@code id} can be used; the whole of it where its size is needed. Each
     * type is looked at once for either need, so that the work is in proportion to the references.
     */
    private void prepare(int id, boolean whole, int depth) {
        int need = whole ? 2 : 1;
        if (prepared[id] >= need || depth > MAX_DEPTH || out.length() > MAX_TEXT) {
            return;
        }
        prepared[id] = (byte) need;
        switch (btf.type(id)) {
            case BtfType.Pointer pointer -> prepare(pointer.type(), false, depth + 1);
            case BtfType.Array array -> prepare(array.element(), true, depth + 1);
            case BtfType.Modifier modifier -> {
                if (modifier.kind() == BtfKind.TYPEDEF) {
                    typedef(id, modifier, depth);
                }
                prepare(modifier.type(), whole, depth + 1);
            }
            case BtfType.Composite composite -> {
                if (whole || composite.name().isEmpty()) {
                    composite(id, composite, depth);
                } else {
                    announce(id, word(composite.kind()));
                }
            }
            case BtfType.Forward forward -> announce(id, forward.union() ? "union " : "struct ");
            case BtfType.Enumeration enumeration -> {
                if (!enumeration.name().isEmpty()) {
                    define(id, depth);
                } else {
                    started[id] = true;
                }
            }
            case BtfType.Prototype prototype -> {
                prepare(prototype.returned(), false, depth + 1);
                prototype.parameters().forEach(parameter -> prepare(parameter.type(), false, depth + 1));
            }
            default -> { }
        }
    }

    private void announce(int id, String keyword) {
        if (!announced[id] && !started[id]) {
            announced[id] = true;
            String line = keyword + name(id) + ";\n";
            if (announcedTags.add(line)) {
                out.append(line);
            }
        }
    }

    private String body(int id, BtfType.Composite composite) {
        StringBuilder text = new StringBuilder("{\n");
        String indent = "\t".repeat(nesting + 1);
        boolean packed = layout.packed(id, composite);
        CLayout.Cursor cursor = layout.cursor(composite.kind(), packed);
        for (BtfType.Member member : composite.members()) {
            String name = CTypes.identifier(member.name(), false);
            cursor.fill(member, indent, text);
            text.append(indent).append(nesting == 0 ? types.declare(member.type(), name)
                    : types.nested(member.type(), name));
            if (member.bitField() > 0) {
                text.append(": ").append(member.bitField());
            }
            text.append(";\n");
            if (text.length() > MAX_BODY) {
                text.append(indent).append("/* and so on */\n");
                break;
            }
        }
        cursor.end(composite.size(), layout.alignment(id), indent, text);
        text.append("\t".repeat(nesting)).append('}');
        return packed ? text.append(" __attribute__((packed))").toString() : text.toString();
    }

    private String body(BtfType.Enumeration enumeration) {
        StringBuilder text = new StringBuilder("{\n");
        String indent = "\t".repeat(nesting + 1);
        for (BtfType.Value value : enumeration.values()) {
            String name = CTypes.identifier(value.name(), false);
            int count = identifiers.merge(name, 1, Integer::sum);
            text.append(indent).append(name).append(count == 1 ? "" : "___" + count).append(" = ")
                    .append(number(enumeration, value.value())).append(",\n");
            if (text.length() > MAX_BODY) {
                text.append(indent).append("/* and so on */\n");
                break;
            }
        }
        text.append("\t".repeat(nesting)).append('}');
        String mode = switch ((int) enumeration.size()) {
            case 1 -> " __attribute__((mode(byte)))";
            case 2 -> " __attribute__((mode(HI)))";
            case 8 -> " __attribute__((mode(DI)))";
            default -> "";
        };
        return text.append(mode).toString();
    }

    private static String number(BtfType.Enumeration enumeration, long value) {
        if (!enumeration.signed()) {
            return Long.toUnsignedString(value) + (value < 0 ? "ULL" : "");
        }
        // C has no literal for the least number: its minus sign is an operator.
        return value == Long.MIN_VALUE ? "(-" + Long.MAX_VALUE + "LL - 1)" : Long.toString(value);
    }

    private static String word(BtfKind kind) {
        return kind == BtfKind.UNION ? "union " : "struct ";
    }
}
