package io.vhost.ring;

import io.vhost.memory.GuestMemory;
import io.vhost.state.MemoryRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Guest memory for tests of rings.
 *
 * <pre>
 * guest   MAIN (rings, then buffers) | NEXT   hole   FAR
 * window  MAIN   unused   NEXT   FAR
 * </pre>
 *
 * <p>MAIN and NEXT are neighbours in the guest and not in the window, so that a buffer across their border is
 * in two pieces for the device.
 */
final class GuestWindow {
    static final long MAIN = 0x10_0000;
    static final long MAIN_SIZE = 0x20_0000;
    static final long NEXT = MAIN + MAIN_SIZE;
    static final long NEXT_SIZE = 0x1_0000;
    static final long HOLE = NEXT + NEXT_SIZE;
    static final long FAR = 0x1_0000_0000L;
    static final long FAR_SIZE = 0x1_0000;
    /** First byte that no ring of any size covers. */
    static final long BUFFERS = MAIN + 0x10_0000;

    private static final long NEXT_OFFSET = MAIN_SIZE + 0x1_0000;
    private static final long FAR_OFFSET = NEXT_OFFSET + NEXT_SIZE;

    final MemorySegment segment = Arena.ofAuto().allocate(FAR_OFFSET + FAR_SIZE, 4096);
    final GuestMemory memory = GuestMemory.of(
            segment,
            new MemoryRegion(MAIN, 0x7000_0000_0000L, MAIN_SIZE, 0),
            new MemoryRegion(NEXT, 0x7100_0000_0000L, NEXT_SIZE, NEXT_OFFSET),
            new MemoryRegion(FAR, 0x7200_0000_0000L, FAR_SIZE, FAR_OFFSET));

    /** The areas of a ring at the beginning of MAIN, with room for one descriptor too many. */
    static RingAddresses ring(RingFormat format, int size) {
        long driver = format.descBytes(size) + Descriptors.DESC_SIZE;
        long device = driver + (format.driverBytes(size) + 63) / 64 * 64;
        return new RingAddresses(0, driver, device);
    }

    /** Offset in the window of a guest address that is mapped. */
    long offset(long address) {
        long offset = memory.translate(address, 1);
        if (offset < 0) {
            throw new IllegalArgumentException("0x%x is not mapped".formatted(address));
        }
        return offset;
    }

    byte get(long address) {
        return segment.get(ValueLayout.JAVA_BYTE, offset(address));
    }

    void set(long address, byte value) {
        segment.set(ValueLayout.JAVA_BYTE, offset(address), value);
    }
}
