package io.vhost.ring;

/**
 * Both ends of a packed ring with the fences left out: the stores and loads that {@link PackedRing} and
 * {@link PackedDriverRing} make of the descriptor at the ring's end, and of the event suppression areas.
 */
final class Unfenced {
    /** Of the descriptor. */
    private static final int POSITION = 1;
    /** The lap that it is on. */
    private static final boolean WRAP = true;

    final RingPair pair;
    private final long entry;
    private final int offWrap;
    private final int wish;
    private final PackedEvent event;

    Unfenced(boolean deviceWrites, boolean eventIdx) {
        pair = new RingPair(RingFormat.PACKED, RingPair.FULL_BY_TWO, deviceWrites, eventIdx);
        entry = pair.desc + (long) Descriptors.DESC_SIZE * POSITION;
        offWrap = eventIdx ? PackedLayout.offWrap(POSITION, WRAP) : 0;
        wish = eventIdx ? PackedLayout.EVENT_DESC : PackedLayout.EVENT_ENABLE;
        event = new PackedEvent(pair.size, eventIdx);
        event.advance(1);
    }

    private void store(int flags) {
        PackedLayout.descWordRelease(RingPair.MEMORY, entry, PackedLayout.word(RingPair.LENGTH, 0, flags));
    }

    private long load() {
        return PackedLayout.descWordAcquire(RingPair.MEMORY, entry);
    }

    /** The driver makes the descriptor available. */
    void offer() {
        store(PackedLayout.availFlags(WRAP));
    }

    /** The device makes it used. */
    void use() {
        store(PackedLayout.usedFlags(WRAP));
    }

    boolean isAvailable() {
        return PackedLayout.isAvail(load(), WRAP);
    }

    boolean isUsed() {
        return PackedLayout.isUsed(load(), WRAP);
    }

    /** An end asks to be notified in its area. */
    void want(long area) {
        PackedLayout.event(RingPair.MEMORY, area, offWrap, wish);
    }

    /** Whether the end with this area wants to hear of the descriptor. */
    boolean isWanted(long area) {
        return event.wanted(PackedLayout.event(RingPair.MEMORY, area), PackedLayout.offWrap(0, !WRAP), false);
    }
}
