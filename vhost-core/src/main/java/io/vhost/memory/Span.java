package io.vhost.memory;

import io.vhost.state.MemoryRegion;
import java.util.ArrayList;
import java.util.List;

/**
 * A region, or several that continue each other in the guest, in the front-end's process and in the window:
 * a buffer may cross from one into the next.
 *
 * @param guestAddress where it begins in the guest, unsigned
 * @param userAddress where it begins in the front-end's process, unsigned
 * @param size bytes, positive
 * @param windowOffset where it begins in the window
 */
record Span(long guestAddress, long userAddress, long size, long windowOffset) {
    /** The window offset of what is not inside. */
    static final long OUTSIDE = -1;

    /**
     * {@return the spans of a checked table, ascending by guest address}
     *
     * @param sorted regions, ascending by guest address
     * @param windowOffsets where they begin in the window
     */
    static Span[] of(List<MemoryRegion> sorted, long[] windowOffsets) {
        List<Span> spans = new ArrayList<>();
        for (int i = 0; i < windowOffsets.length; i++) {
            MemoryRegion region = sorted.get(i);
            Span span =
                    new Span(region.guestAddress(), region.userAddress(), region.size(), windowOffsets[i]);
            if (!spans.isEmpty() && spans.getLast().isContinuedBy(span)) {
                span = spans.removeLast().joinedWith(span);
            }
            spans.add(span);
        }
        return spans.toArray(Span[]::new);
    }

    /**
     * {@return the window offset of a range that begins {@code distance} bytes into the span, or
     * {@link #OUTSIDE} if it is not inside}
     *
     * @param distance address less the span's address, modulo 2^64: negative for most addresses outside
     * @param length bytes
     */
    long locate(long distance, long length) {
        boolean inside = distance >= 0 && length > 0 && distance <= size - length;
        return inside ? windowOffset + distance : OUTSIDE;
    }

    /** {@return bytes from {@code distance} to the end of the span, 0 if it is not inside} */
    long remaining(long distance) {
        return Math.max(distance < 0 ? 0 : size - distance, 0);
    }

    private boolean isContinuedBy(Span next) {
        return guestAddress + size == next.guestAddress
                && userAddress + size == next.userAddress
                && windowOffset + size == next.windowOffset;
    }

    private Span joinedWith(Span next) {
        return new Span(guestAddress, userAddress, size + next.size, windowOffset);
    }
}
