package io.vhost.bpf.mem;

import static io.vhost.bpf.mem.Bytes.ATOMIC_INT;
import static io.vhost.bpf.mem.Bytes.ATOMIC_LONG;

import java.lang.foreign.MemorySegment;

/**
 * Atomic operations by their numbers (RFC 9669, section 5.3). All answer the old value, those of 32 bits
 * zero-extended. An address that is not aligned to the size ends in an unchecked exception, as everything
 * outside the segment does. Thread: any.
 */
public final class Atomics {
    private static final int FETCH = 1;
    private static final int OR = 0x40;
    private static final int AND = 0x50;
    private static final int XOR = 0xa0;
    private static final int XCHG = 0xe1;
    private static final int CMPXCHG = 0xf1;

    private Atomics() {
    }

    /**
     * Runs one on 64 bits.
     *
     * @param operation the instruction's immediate
     * @param operand   the source register
     * @param expected  register 0, for the comparison
     */
    public static long apply64(MemorySegment segment, long offset, int operation, long operand,
            long expected) {
        return switch (operation) {
            case XCHG -> (long) ATOMIC_LONG.getAndSet(segment, offset, operand);
            case CMPXCHG -> (long) ATOMIC_LONG.compareAndExchange(segment, offset, expected, operand);
            default -> switch (operation & ~FETCH) {
                case OR -> (long) ATOMIC_LONG.getAndBitwiseOr(segment, offset, operand);
                case AND -> (long) ATOMIC_LONG.getAndBitwiseAnd(segment, offset, operand);
                case XOR -> (long) ATOMIC_LONG.getAndBitwiseXor(segment, offset, operand);
                default -> (long) ATOMIC_LONG.getAndAdd(segment, offset, operand);
            };
        };
    }

    /** The same on 32 bits. */
    public static long apply32(MemorySegment segment, long offset, int operation, long operand,
            long expected) {
        int value = (int) operand;
        int old = switch (operation) {
            case XCHG -> (int) ATOMIC_INT.getAndSet(segment, offset, value);
            case CMPXCHG -> (int) ATOMIC_INT.compareAndExchange(segment, offset, (int) expected, value);
            default -> switch (operation & ~FETCH) {
                case OR -> (int) ATOMIC_INT.getAndBitwiseOr(segment, offset, value);
                case AND -> (int) ATOMIC_INT.getAndBitwiseAnd(segment, offset, value);
                case XOR -> (int) ATOMIC_INT.getAndBitwiseXor(segment, offset, value);
                default -> (int) ATOMIC_INT.getAndAdd(segment, offset, value);
            };
        };
        return old & 0xFFFFFFFFL;
    }
}
