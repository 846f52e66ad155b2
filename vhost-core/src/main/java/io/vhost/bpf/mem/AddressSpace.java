package io.vhost.bpf.mem;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The regions that the running program has, and access to them by address.
 *
 * <p>Whatever is outside ends in an unchecked exception of the JVM, which the caller turns into the end of
 * the program. Thread: one.
 */
public final class AddressSpace {
    private static final MemorySegment NOTHING = Arena.global().allocate(0, 8);
    private static final MemorySegment[] NONE = new MemorySegment[0];

    private final MemorySegment stack = Arena.ofAuto().allocate((long) Address.FRAME * Address.FRAMES, 8);
    private final MemorySegment[] frames = new MemorySegment[Address.FRAMES];
    private MemorySegment context = NOTHING;
    private MemorySegment packet = NOTHING;
    private MemorySegment[] values = NONE;
    private MemorySegment[] handedOut = NONE;
    private int handedOutCount;

    /** A stack for one thread's programs. */
    public AddressSpace() {
        // Cut beforehand: a slice made in each run is an object wherever HotSpot does not see through it.
        for (int frame = 0; frame < frames.length; frame++) {
            frames[frame] = stack.asSlice((long) frame * Address.FRAME, Address.FRAME);
        }
    }

    /** The stack. */
    public MemorySegment stack() {
        return stack;
    }

    /**
     * The part of the stack below a frame pointer.
     *
     * @throws IndexOutOfBoundsException if it is none of the frames'
     */
    public MemorySegment frame(long fp) {
        return frames[(int) (fp - Address.FIRST_FP) / Address.FRAME];
    }

    /** The context. */
    public MemorySegment context() {
        return context;
    }

    /** The packet with its room. */
    public MemorySegment packet() {
        return packet;
    }

    /**
     * Sets the context.
     *
     * @throws IllegalArgumentException if the segment is not native, or too large
     */
    public void context(MemorySegment segment) {
        context = checked(segment, "context");
    }

    /**
     * Sets the packet's room: what is before and behind its bytes is the program's, too.
     *
     * @throws IllegalArgumentException if the segment is not native, or too large
     */
    public void packet(MemorySegment segment) {
        packet = checked(segment, "packet");
    }

    /** Sets the values of a program's maps, in the order of the maps; answers those before. */
    public MemorySegment[] values(MemorySegment[] segments) {
        MemorySegment[] before = values;
        values = segments;
        return before;
    }

    /** Adds the values of a map that a map of maps hands out; its number. */
    public int handOut(MemorySegment segment) {
        if (handedOutCount == handedOut.length) {
            handedOut = Arrays.copyOf(handedOut, 2 * handedOutCount + 4);
        }
        handedOut[handedOutCount] = segment;
        return Address.handedOut(handedOutCount++);
    }

    /** Takes back what was handed out. */
    public void endRun() {
        handedOutCount = 0;
    }

    /** The region of an address. */
    public MemorySegment segment(long address) {
        int map = Address.valuesOf(address);
        if (map < 0) {
            return local(address);
        }
        if (map < values.length) {
            return values[map];
        }
        int k = Address.handedOutIndex(map);
        return k >= 0 && k < handedOutCount ? handedOut[k] : NOTHING;
    }

    private MemorySegment local(long address) {
        return switch ((int) (address >>> Address.LOCAL_SHIFT)) {
            case 1 -> context;
            case 2 -> packet;
            case 3 -> stack;
            default -> NOTHING;
        };
    }

    /** Loads 1, 2, 4 or 8 bytes, zero-extended. */
    public long load(long address, int size) {
        return Bytes.load(segment(address), Address.offset(address), size);
    }

    /** Stores the lowest 1, 2, 4 or 8 bytes of a value. */
    public void store(long address, int size, long value) {
        Bytes.store(segment(address), Address.offset(address), size, value);
    }

    /** Runs an atomic operation of 4 or 8 bytes; the old value. */
    public long atomic(long address, int size, int operation, long operand, long expected) {
        MemorySegment segment = segment(address);
        long offset = Address.offset(address);
        return size == 8 ? Atomics.apply64(segment, offset, operation, operand, expected)
                : Atomics.apply32(segment, offset, operation, operand, expected);
    }

    private static MemorySegment checked(MemorySegment segment, String what) {
        if (!segment.isNative() || segment.byteSize() > Address.MAX_LOCAL) {
            throw new IllegalArgumentException("the " + what + " is " + segment
                    + ": use native memory of at most " + Address.MAX_LOCAL + " bytes");
        }
        return segment;
    }
}
