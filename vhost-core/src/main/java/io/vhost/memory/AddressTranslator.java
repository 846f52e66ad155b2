package io.vhost.memory;

/**
 * Translates the guest addresses of one queue, and remembers the region of the last one: the next buffer is
 * nearly always in the same.
 *
 * <p>Thread: the holder of the queue's lock. Every user of a {@link GuestMemory} has a translator of its own.
 */
public final class AddressTranslator {
    private final GuestMemory memory;

    // The last span, copied here to be one load away.
    private long start;
    private long size;
    private long windowOffset;

    /**
     * Starts with any region remembered.
     *
     * @param memory what to translate into; the caller is its user
     */
    public AddressTranslator(GuestMemory memory) {
        this.memory = memory;
        remember(memory.spanAt(0));
    }

    /**
     * {@return guest address at which the remembered region begins;
     * see {@link #size} and {@link #windowOffset}}
     */
    public long start() {
        return start;
    }

    /**
     * {@return bytes of the remembered region} An address lies in it if its distance from {@link #start}, as
     * a signed number, is 0 to this size.
     */
    public long size() {
        return size;
    }

    /** {@return window offset at which the remembered region begins} */
    public long windowOffset() {
        return windowOffset;
    }

    /**
     * Translates a guest address.
     *
     * @param guestAddress where the range begins in the guest, unsigned
     * @param length bytes, at least 1
     * @return the window offset, or {@link GuestMemory#UNMAPPED} if the range is neither inside one region
     *     nor inside several that continue each other in guest, front-end and window
     */
    public long translate(long guestAddress, long length) {
        // Spans are far smaller than 2^63 and do not wrap around 2^64. So the distance of an address outside,
        // read as signed, is negative or at least the size, and the last comparison cannot overflow.
        long distance = guestAddress - start;
        if (distance >= 0 && length > 0 && distance <= size - length) {
            return windowOffset + distance;
        }
        return translateElsewhere(guestAddress, length);
    }

    /**
     * {@return how many bytes from a guest address on can be translated in one piece, 0 if none}
     *
     * @param guestAddress in the guest, unsigned
     */
    public long contiguousLength(long guestAddress) {
        long distance = guestAddress - start;
        return distance >= 0 && distance < size ? size - distance : contiguousLengthElsewhere(guestAddress);
    }

    /**
     * {@return the guest address of what lies at an offset in the window, the way back from
     * {@link #translate}} The remembered region stays.
     *
     * @param offset in the window, inside a region
     */
    public long guestAddress(long offset) {
        long distance = offset - windowOffset;
        return distance >= 0 && distance < size ? start + distance : memory.guestAddress(offset);
    }

    private long translateElsewhere(long guestAddress, long length) {
        Span span = memory.spanAt(guestAddress);
        remember(span);
        return span.locate(guestAddress - span.guestAddress(), length);
    }

    private long contiguousLengthElsewhere(long guestAddress) {
        Span span = memory.spanAt(guestAddress);
        remember(span);
        return span.remaining(guestAddress - span.guestAddress());
    }

    private void remember(Span span) {
        start = span.guestAddress();
        size = span.size();
        windowOffset = span.windowOffset();
    }
}
