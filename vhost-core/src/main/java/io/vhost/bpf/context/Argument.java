package io.vhost.bpf.context;

/**
 * What a function's parameter stands for, as far as its type and tags tell.
 *
 * @param name     the parameter's name
 * @param kind     what may be passed
 * @param size     bytes of {@link Kind#MEMORY}, else 0
 * @param nullable whether a null pointer may be passed
 */
public record Argument(String name, Kind kind, long size, boolean nullable) {
    /** What may be passed. */
    public enum Kind {
        /** The program's context. */
        CONTEXT,
        /** A number. */
        SCALAR,
        /** A pointer to memory of a known size. */
        MEMORY,
        /** A pointer to memory that may only be read, and may turn out not to be there. */
        UNTRUSTED,
        /** A pointer to an object of the kernel. */
        KERNEL_OBJECT,
        /** A {@code struct bpf_dynptr}. */
        DYNPTR,
        /** A pointer into an arena. */
        ARENA,
        /** The check failed here, or did not get this far. */
        UNKNOWN
    }

    static Argument of(String name, Kind kind) {
        return new Argument(name, kind, 0, false);
    }
}
