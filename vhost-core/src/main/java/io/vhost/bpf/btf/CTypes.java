package io.vhost.bpf.btf;

import java.util.function.IntFunction;

/**
 * Writes types as C does: {@code struct xdp_md *ctx}, {@code int (*table[4])(void)}.
 *
 * <p>C cannot write every type that BTF can hold: a prototype may take a pointer to itself. Such a type is
 * cut with {@code void *}, after 32 steps in one direction or 4,096 in all.
 *
 * <p>Thread: not thread safe.
 */
public final class CTypes {
    private static final int MAX_DEPTH = 32;
    private static final int MAX_STEPS = 4096;

    private final Btf btf;
    private final IntFunction<String> names;
    private int steps;

    /** A writer for the types of {@code btf}. */
    public CTypes(Btf btf) {
        this(btf, btf::name);
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
        return declare(btf.referred(functionId), btf.name(functionId));
    }

    /** A declaration of {@code identifier} with type {@code id}, without the semicolon. */
    public String declare(int id, String identifier) {
        steps = 0;
        return declare(id, identifier, 0);
    }

    /** A declaration inside another one, which shares its limit. */
    String nested(int id, String identifier) {
        return declare(id, identifier, 0);
    }

    private String declare(int id, String inner, int depth) {
        if (depth > MAX_DEPTH || ++steps > MAX_STEPS) {
            return join("void *", inner);
        }
        return switch (btf.type(id)) {
            case BtfType.Nothing n -> join("void", inner);
            case BtfType.Pointer p -> declare(p.type(), pointer(p.type(), inner), depth + 1);
            case BtfType.Array a -> declare(a.element(), inner + "[" + a.count() + "]", depth + 1);
            case BtfType.Prototype p ->
                    declare(p.returned(), inner + "(" + parameters(p, depth) + ")", depth + 1);
            case BtfType.Modifier m -> modified(id, m, inner, depth);
            case BtfType.Composite c -> join(keyword(c.kind() == BtfKind.UNION, id), inner);
            case BtfType.Forward f -> join(keyword(f.union(), id), inner);
            case BtfType.Enumeration e -> join("enum " + orAnonymous(id), inner);
            case BtfType.Unknown u -> join("/* kind " + u.kindId() + " */ void", inner);
            default -> join(names.apply(id), inner);
        };
    }

    private String modified(int id, BtfType.Modifier modifier, String inner, int depth) {
        String word = switch (modifier.kind()) {
            case CONST -> "const";
            case VOLATILE -> "volatile";
            case RESTRICT -> "restrict";
            case TYPE_TAG -> modifier.attribute() ? "__attribute__((" + modifier.name() + "))"
                    : "__attribute__((btf_type_tag(\"" + modifier.name() + "\")))";
            default -> "";
        };
        if (word.isEmpty()) {
            return join(names.apply(id), inner);
        }
        // A qualifier of a pointer stands behind its star; that of anything else stands in front of all.
        return btf.kind(btf.strip(modifier.type())) == BtfKind.PTR && !typedefBefore(modifier.type())
                ? declare(modifier.type(), join(word, inner), depth + 1)
                : word + " " + declare(modifier.type(), inner, depth + 1);
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

    private String parameters(BtfType.Prototype prototype, int depth) {
        StringBuilder text = new StringBuilder();
        for (BtfType.Parameter parameter : prototype.parameters()) {
            text.append(text.isEmpty() ? "" : ", ");
            if (steps > MAX_STEPS) {
                return text.append("...").toString();
            }
            text.append(parameter.type() == 0 && parameter.name().isEmpty() ? "..."
                    : declare(parameter.type(), parameter.name(), depth + 1));
        }
        return text.isEmpty() ? "void" : text.toString();
    }

    private String keyword(boolean union, int id) {
        return (union ? "union " : "struct ") + orAnonymous(id);
    }

    private String orAnonymous(int id) {
        String name = names.apply(id);
        return name.isEmpty() ? "{...}" : name;
    }

    private static String join(String head, String inner) {
        return inner.isEmpty() || inner.startsWith("[") ? head + inner : head + " " + inner;
    }
}
