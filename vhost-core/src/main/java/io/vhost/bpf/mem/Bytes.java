package io.vhost.bpf.mem;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The handles through which programs touch memory, in the machine's byte order as the kernel's are. Exact:
 * called with a segment and a {@code long} offset, else they throw. Thread: any; plain access, but for the
 * atomic operations, whose order is that of {@link VarHandle#getAndAdd}.
 */
public final class Bytes {
    /** One byte. */
    public static final VarHandle BYTE = JAVA_BYTE.varHandle().withInvokeExactBehavior();
    /** Two bytes at any address. */
    public static final VarHandle SHORT = JAVA_SHORT_UNALIGNED.varHandle().withInvokeExactBehavior();
    /** Four bytes at any address. */
    public static final VarHandle INT = JAVA_INT_UNALIGNED.varHandle().withInvokeExactBehavior();
    /** Eight bytes at any address. */
    public static final VarHandle LONG = JAVA_LONG_UNALIGNED.varHandle().withInvokeExactBehavior();
    /** Four aligned bytes, for atomic operations. */
    public static final VarHandle ATOMIC_INT = JAVA_INT.varHandle().withInvokeExactBehavior();
    /** Eight aligned bytes, for atomic operations. */
    public static final VarHandle ATOMIC_LONG = JAVA_LONG.varHandle().withInvokeExactBehavior();
    /** Whether the machine's order is little-endian: what le and be of BPF are compared with. */
    public static final boolean LITTLE = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

    private Bytes() {
    }

    /** Loads 1, 2, 4 or 8 bytes, zero-extended. */
    public static long load(MemorySegment segment, long offset, int size) {
        return switch (size) {
            case 1 -> (byte) BYTE.get(segment, offset) & 0xFFL;
            case 2 -> (short) SHORT.get(segment, offset) & 0xFFFFL;
            case 4 -> (int) INT.get(segment, offset) & 0xFFFFFFFFL;
            default -> (long) LONG.get(segment, offset);
        };
    }

    /** Stores the lowest 1, 2, 4 or 8 bytes of a value. */
    public static void store(MemorySegment segment, long offset, int size, long value) {
        switch (size) {
            case 1 -> BYTE.set(segment, offset, (byte) value);
            case 2 -> SHORT.set(segment, offset, (short) value);
            case 4 -> INT.set(segment, offset, (int) value);
            default -> LONG.set(segment, offset, value);
        }
    }
}
