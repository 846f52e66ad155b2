package io.vhost.bpf.context;

/**
 * A context type as the table of program types names it.
 *
 * @param kind whether the name belongs to a struct or a typedef, or there is no name
 * @param name the name; empty for {@code void *}
 */
public record ContextType(Kind kind, String name) {
    /** A context without a type of its own. */
    public static final ContextType VOID_POINTER = new ContextType(Kind.VOID_POINTER, "");

    private static final String STRUCT = "struct ";

    /** What a name stands for. */
    public enum Kind {
        /** {@code struct name}. */
        STRUCT,
        /** A typedef. */
        TYPEDEF,
        /** No type of its own: {@code void *}. */
        VOID_POINTER
    }

    /** The type that C writes like this. */
    static ContextType of(String text) {
        if (text.equals(VOID_POINTER.toString())) {
            return VOID_POINTER;
        }
        return text.startsWith(STRUCT) ? new ContextType(Kind.STRUCT, text.substring(STRUCT.length()))
                : new ContextType(Kind.TYPEDEF, text);
    }

    /** As C writes it: {@code struct xdp_md}, {@code __u64}, {@code void *}. */
    @Override
    public String toString() {
        return switch (kind) {
            case STRUCT -> STRUCT + name;
            case TYPEDEF -> name;
            case VOID_POINTER -> "void *";
        };
    }
}
