package io.vhost.bpf.run;

import io.vhost.bpf.insn.Insn;

/**
 * The fields of {@code struct __sk_buff} of four bytes that the kernel keeps in two (Linux 6.18,
 * {@code bpf_convert_ctx_access}): what is stored there loses its upper half, and {@code queue_mapping} keeps
 * what it has where it is given a number that is no queue. Thread: stateless.
 */
public final class ShortFields {
    /** What is kept of a stored number. */
    public static final long MASK = 0xFFFF;
    /** {@code NO_QUEUE_MAPPING}: this and what is above it is no queue. */
    public static final long NO_QUEUE = 0xFFFF;

    private static final int QUEUE_MAPPING = 12;
    private static final int TC_INDEX = 44;
    private static final int TC_CLASSID = 72;

    private ShortFields() {
    }

    /** Whether a store to the context is to one of them. */
    public static boolean isStored(ContextLayout layout, long insn) {
        if (!layout.equals(ContextLayout.SKB) || Insn.size(insn) != Integer.BYTES) {
            return false;
        }
        int off = Insn.off(insn);
        return off == QUEUE_MAPPING || off == TC_INDEX || off == TC_CLASSID;
    }

    /** Whether such a store is left out for some numbers: those for which {@link #isQueue} is false. */
    public static boolean isQueueMapping(long insn) {
        return Insn.off(insn) == QUEUE_MAPPING;
    }

    /** Whether a store to {@code queue_mapping} is made. Immediates below 0 are queues to the kernel. */
    public static boolean isQueue(long insn, long value) {
        return Insn.kind(insn) == Insn.ST ? value < NO_QUEUE
                : Long.compareUnsigned(value, NO_QUEUE) < 0;
    }
}
