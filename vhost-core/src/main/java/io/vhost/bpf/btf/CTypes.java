package io.vhost.bpf.btf;

import io.vhost.bpf.btf.raw.BtfRaw;
import java.util.function.IntFunction;
import java.util.regex.Pattern;

/**
 * Writes types as C does: {@code struct xdp_md *ctx}, {@code int (*table[4])(void)}.
 *
 * <p>C cannot write every type that BTF can hold: a prototype may take a pointer to itself. Such a type is
 * cut with {@code void *}, after 32 steps in one direction, 128 with those of the structures around, for
 * which stacks have room, or 4,096 in all, where 64 characters of a name count as a step. Names are made C
 * identifiers: dots, and whatever else C does not know, turn into underscores, and after 512 characters they
 * end. So what a hostile blob says is short, and declares nothing but types.
 *
 * <p>Thread: not thread safe.
 */
public final class CTypes {
    private static final int MAX_DEPTH = 32;
    private static final int MAX_OPEN = 128;
    private static final int MAX_STEPS = 4096;
    private static final int MAX_NAME = BtfRaw.MAX_NAME_LENGTH;
    private static final int TEXT_PER_STEP = 64;
    private static final Pattern ATTRIBUTE = Pattern.compile("\\w+(\\([\\w, \"=.-]*\\))?");
    private static final Pattern NO_LITERAL = Pattern.compile("[^ -~]|[\"\\\\]");

    private final Btf btf;
    private final IntFunction<String> names;
    private int steps;
    /** Calls under way, those for the structures around this one with them. */
    private int open;

    /** A writer for the types of {@code btf}. */
    public CTypes(Btf btf) {
        this(btf, id -> identifier(btf, id));
    }

    /**
     * A writer that calls types what {@code names} calls them, for dumps that must keep equal names apart.
     */
    CTypes(Btf btf, IntFunction<String> names) {
        this.btf = btf;
        this.names = names;
    }

    /** The type alone, as in a cast. */
    public String name(int id) {
        return declare(id, "");
    }

    /** A function's head: what it returns, its name and its parameters. */
    public String function(int functionId) {
        return declare(btf.referred(functionId), identifier(btf, functionId));
    }

    /**
     * A declaration of {@code identifier} with type {@code id}, without the semicolon.
     */
    public String declare(int id, String identifier) {
        steps = 0;
        open = 0;
        return declare(id, identifier, 0);
    }

    /** A declaration inside another one, which shares its limit. */
    String nested(int id, String identifier) {
        return declare(id, identifier, 0);
    }

    private String declare(int id, String inner, int depth) {
        if (depth > MAX_DEPTH || open >= MAX_OPEN || ++steps > MAX_STEPS) {
            return join("void *", inner);
        }
        open++;
        BtfRaw raw = btf.raw();
        String text = switch (BtfKind.of(raw.kindId(id))) {
            case PTR -> declare(raw.size(id), pointer(raw.size(id), inner), depth + 1);
            case ARRAY -> declare(raw.trailing(id, 0),
                    inner + "[" + Integer.toUnsignedString(raw.trailing(id, 2)) + "]", depth + 1);
            case FUNC_PROTO -> declare(raw.size(id), inner + "(" + parameters(id, depth) + ")", depth + 1);
            case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG -> modified(id, inner, depth);
            case STRUCT -> join("struct " + orAnonymous(id), inner);
            case UNION -> join("union " + orAnonymous(id), inner);
            case FWD -> join((raw.kindFlag(id) ? "union " : "struct ") + orAnonymous(id), inner);
            case ENUM, ENUM64 -> join("enum " + orAnonymous(id), inner);
            case UNKNOWN -> join(id == 0 ? "void" : "/* kind " + raw.kindId(id) + " */ void", inner);
            default -> join(named(id), inner);
        };
        open--;
        return text;
    }

    private String modified(int id, String inner, int depth) {
        int target = btf.raw().size(id);
        String word = switch (btf.kind(id)) {
            case CONST -> "const";
            case VOLATILE -> "volatile";
            case RESTRICT -> "restrict";
            case TYPE_TAG -> attribute(id);
            default -> "";
        };
        if (word.isEmpty()) {
            return join(named(id), inner);
        }
        // A qualifier of a pointer stands behind its star; that of anything else stands in front of all.
        return btf.kind(btf.strip(target)) == BtfKind.PTR && !typedefBefore(target)
                ? declare(target, join(word, inner), depth + 1)
                : word + " " + declare(target, inner, depth + 1);
    }

    private String attribute(int id) {
        String value = counted(btf.raw().name(btf.raw().nameOffset(id), MAX_NAME));
        if (!btf.raw().kindFlag(id)) {
            value = "btf_type_tag(\"" + NO_LITERAL.matcher(value).replaceAll("_") + "\")";
        } else if (!ATTRIBUTE.matcher(value).matches()) {
            value = identifier(value, false);
        }
        return "__attribute__((" + value + "))";
    }

    private boolean typedefBefore(int id) {
        int at = id;
        for (int i = 0; btf.kind(at).isModifier() && i < MAX_DEPTH; i++) {
            if (btf.kind(at) == BtfKind.TYPEDEF) {
                return true;
            }
            at = btf.referred(at);
        }
        return false;
    }

    private String pointer(int target, String inner) {
        int at = target;
        for (int i = 0; btf.kind(at).isModifier() && btf.kind(at) != BtfKind.TYPEDEF && i < MAX_DEPTH; i++) {
            at = btf.referred(at);
        }
        boolean bracketed = btf.kind(at) == BtfKind.ARRAY || btf.kind(at) == BtfKind.FUNC_PROTO;
        return bracketed ? "(*" + inner + ")" : "*" + inner;
    }

    private String parameters(int prototype, int depth) {
        BtfRaw raw = btf.raw();
        StringBuilder text = new StringBuilder();
        int count = raw.vlen(prototype);
        for (int i = 0; i < count; i++) {
            text.append(text.isEmpty() ? "" : ", ");
            int nameOffset = raw.trailing(prototype, 2 * i);
            int type = raw.trailing(prototype, 2 * i + 1);
            if (steps > MAX_STEPS || (type == 0 && raw.stringByte(nameOffset) == 0)) {
                return text.append("...").toString();
            }
            text.append(declare(type, counted(identifier(raw.name(nameOffset, MAX_NAME), false)),
                    depth + 1));
        }
        return text.isEmpty() ? "void" : text.toString();
    }

    private String orAnonymous(int id) {
        String name = named(id);
        return name.isEmpty() ? "{...}" : name;
    }

    private String named(int id) {
        return counted(names.apply(id));
    }

    private String counted(String text) {
        steps += text.length() / TEXT_PER_STEP;
        return text;
    }

    /** The name of type {@code id} as C takes it. */
    static String identifier(Btf btf, int id) {
        BtfRaw raw = btf.raw();
        BtfKind kind = btf.kind(id);
        boolean blanks = kind == BtfKind.INT || kind == BtfKind.FLOAT;
        return identifier(raw.name(raw.nameOffset(id), MAX_NAME), blanks);
    }

    /** {@code whole} with underscores for what C does not take; numbers may be of several words. */
    static String identifier(String whole, boolean blanks) {
        String name = whole.length() > MAX_NAME ? whole.substring(0, MAX_NAME) : whole;
        char[] text = null;
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            boolean legal = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                    || c == '_' || (blanks && c == ' ');
            if (!legal) {
                text = text == null ? name.toCharArray() : text;
                text[i] = '_';
            }
        }
        return text == null ? name : new String(text);
    }

    private static String join(String head, String inner) {
        return inner.isEmpty() || inner.startsWith("[") ? head + inner : head + " " + inner;
    }
}
