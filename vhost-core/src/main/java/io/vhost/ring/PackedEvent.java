package io.vhost.ring;

import io.vhost.state.RingViolation;

/**
 * Decides whether the other end of a packed ring wants to be notified (virtio 1.2, 2.8.10), from what stands
 * in its event suppression area.
 *
 * <p>Thread: that of its ring, which has put a full fence between its descriptors and the read of the area.
 */
final class PackedEvent {
    private final int size;
    private final boolean eventIdx;
    // Since the last question, at most the size: further back no position lies for which somebody waits.
    private int passed;
    private RingViolation violation;
    private int violationDetail;

    /**
     * Nothing has been passed.
     *
     * @param size entries of the ring
     * @param eventIdx VIRTIO_F_EVENT_IDX
     */
    PackedEvent(int size, boolean eventIdx) {
        this.size = size;
        this.eventIdx = eventIdx;
    }

    /** {@return the rule that the other end broke in what it wants, or null} */
    RingViolation violation() {
        return violation;
    }

    /** {@return the offending flags or position} */
    int violationDetail() {
        return violationDetail;
    }

    /** Notes that the position, which the other end wants to hear of, went on by some descriptors. */
    void advance(int descriptors) {
        passed = Math.min(size, passed + descriptors);
    }

    /** {@return whether it went on since the last question} */
    boolean advanced() {
        return passed != 0;
    }

    /**
     * The question. What the other end may not say counts as a yes.
     *
     * @param event what stands in the area
     * @param offWrap the position that was reached, see {@link PackedLayout#offWrap}
     * @param always whether a wish for one position is to be taken for one for any
     */
    boolean wanted(int event, int offWrap, boolean always) {
        int since = passed;
        passed = 0;
        // The other bits are reserved, and ignored.
        int flags = PackedLayout.eventFlags(event) & 3;
        if (flags == PackedLayout.EVENT_ENABLE || flags == PackedLayout.EVENT_DISABLE) {
            return flags == PackedLayout.EVENT_ENABLE;
        }
        if (flags != PackedLayout.EVENT_DESC || !eventIdx) {
            return refuse(RingViolation.EVENT_FLAGS_RESERVED, flags);
        }
        int wish = PackedLayout.eventOffWrap(event);
        if (PackedLayout.position(wish) >= size) {
            return refuse(RingViolation.EVENT_OFFSET_OUT_OF_RANGE, PackedLayout.position(wish));
        }
        int back = PackedLayout.distance(wish, offWrap, size);
        return always || (back >= 1 && back <= since);
    }

    private boolean refuse(RingViolation rule, int detail) {
        if (violation == null) {
            violation = rule;
            violationDetail = detail;
        }
        return true;
    }
}
