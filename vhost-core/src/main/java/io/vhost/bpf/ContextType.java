package io.vhost.bpf;

import com.google.errorprone.annotations.Immutable;

/**
 * A context type as the table of program types names it.
 *
 * @param kind whether the name belongs to a struct or a typedef, or there is no name
 * @param name the name; empty for {@code void *}
 */
@Immutable
public record ContextType(Kind kind, String name) {
    /** A context without a type of its own. */
    public static final ContextType VOID_POINTER = new ContextType(Kind.VOID_POINTER, "");

    /** What a name stands for. */
    public enum Kind {
        /** {@code struct name}. */
        STRUCT,
        /** A typedef. */
        TYPEDEF,
        /** No type of its own: {@code void *}. */
        VOID_POINTER
    }

    static ContextType struct(String name) {
        return new ContextType(Kind.STRUCT, name);
    }

    static ContextType typedef(String name) {
        return new ContextType(Kind.TYPEDEF, name);
    }

    /** As C writes it: {@code struct xdp_md}, {@code __u64}, {@code void *}. */
    @Override
    public String toString() {
        return switch (kind) {
            case STRUCT -> "struct " + name;
            case TYPEDEF -> name;
            case VOID_POINTER -> "void *";
        };
    }
}
