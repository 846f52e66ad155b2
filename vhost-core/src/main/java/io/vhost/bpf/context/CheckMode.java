package io.vhost.bpf.context;

/** How a program's context types are judged. */
public enum CheckMode {
    /**
     * The algorithm of "bpf: Annotate context types" (November 2019), letter by letter, with its quirks: a
     * typedef is followed in the program but not in the kernel, a union may pass, and a struct without a name
     * is the context of a tracing program. A function that is called is never refused: that kernel only
     * noted on which ones it could not rely.
     */
    SEED,
    /**
     * What Linux 6.18 does: functions that the program calls must be right; the program itself may take
     * anything, and is only marked as unreliable when it does not take its context.
     */
    KERNEL,
    /**
     * As {@link #KERNEL}, but the program itself must take its context, too: the default of this library. For
     * program types without a context type of their own that is what is customary ({@code void *},
     * {@code __u64 *}, {@code struct bpf_iter__task *}, by attach type), and a struct of the right name may
     * be announced only. A function that it calls must not take the context of programs of another type.
     */
    STRICT
}
