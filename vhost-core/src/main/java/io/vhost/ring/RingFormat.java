package io.vhost.ring;

import io.vhost.memory.GuestMemory;
import io.vhost.state.RingPositions;
import java.lang.foreign.MemorySegment;

/**
 * A ring layout: how large its areas are, which sizes it may have, how a position in it is coded, and how
 * either end opens it. Whoever is not in this package knows no more of a format than this.
 */
public enum RingFormat {
    /** Descriptor table, available ring and used ring (virtio 1.2, 2.7). */
    SPLIT {
        @Override
        public String text() {
            return "split";
        }

        @Override
        public boolean accepts(int size) {
            return size >= 1 && size <= MAX_SIZE && Integer.bitCount(size) == 1;
        }

        @Override
        public String sizes() {
            return "a power of two from 1 to " + MAX_SIZE;
        }

        @Override
        public long descBytes(int size) {
            return Descriptors.bytes(size);
        }

        @Override
        public long driverBytes(int size) {
            return SplitLayout.availBytes(size);
        }

        @Override
        public long deviceBytes(int size) {
            return SplitLayout.usedBytes(size);
        }

        @Override
        public int driverAlignment() {
            return SplitLayout.AVAIL_ALIGNMENT;
        }

        @Override
        public int deviceAlignment() {
            return SplitLayout.USED_ALIGNMENT;
        }

        @Override
        public int start() {
            return 0;
        }

        @Override
        public String refusal(int base, int size) {
            return base >= 0 && base <= 0xFFFF
                    ? null : "base %s is not in 0..65535".formatted(Integer.toUnsignedString(base));
        }

        @Override
        public RingPositions positions(int base) {
            return still(base, false);
        }

        @Override
        public int resume(GuestMemory memory, RingAddresses addresses, int base) {
            return SplitLayout.usedIdxAcquire(memory.window(), addresses.used());
        }

        @Override
        public boolean isBehind(GuestMemory memory, RingAddresses addresses, int size, int base) {
            return false;
        }

        @Override
        public DeviceRing device(
                GuestMemory memory, RingAddresses addresses, int size, RingOptions options, int base) {
            requireSize(size);
            return new SplitRing(memory, addresses, size, options, base);
        }

        @Override
        public long inflightBytes(int size) {
            return SplitInflight.bytes(size);
        }

        @Override
        public DriverRing driver(
                MemorySegment memory, RingAddresses addresses, int size, RingOptions options) {
            requireSize(size);
            return new SplitDriverRing(memory, addresses, size, options);
        }
    },

    /** One ring of descriptors that both ends write, and two areas of event suppression (virtio 1.2, 2.8). */
    PACKED {
        @Override
        public String text() {
            return "packed";
        }

        @Override
        public boolean accepts(int size) {
            return size >= 1 && size <= MAX_SIZE;
        }

        @Override
        public String sizes() {
            return "a number from 1 to " + MAX_SIZE;
        }

        @Override
        public long descBytes(int size) {
            return Descriptors.bytes(size);
        }

        @Override
        public long driverBytes(int size) {
            return PackedLayout.EVENT_BYTES;
        }

        @Override
        public long deviceBytes(int size) {
            return PackedLayout.EVENT_BYTES;
        }

        @Override
        public int driverAlignment() {
            return PackedLayout.EVENT_BYTES;
        }

        @Override
        public int deviceAlignment() {
            return PackedLayout.EVENT_BYTES;
        }

        @Override
        public int start() {
            return PackedBase.START;
        }

        @Override
        public String refusal(int base, int size) {
            return PackedBase.refusal(base, size);
        }

        @Override
        public RingPositions positions(int base) {
            int used = PackedBase.used(base);
            return still(PackedLayout.position(used), PackedLayout.wrap(used));
        }

        @Override
        public int resume(GuestMemory memory, RingAddresses addresses, int base) {
            return PackedBase.of(PackedBase.used(base));
        }

        @Override
        public boolean isBehind(GuestMemory memory, RingAddresses addresses, int size, int base) {
            return PackedBase.isBehind(memory.window(), addresses.desc(), size, base);
        }

        @Override
        public DeviceRing device(
                GuestMemory memory, RingAddresses addresses, int size, RingOptions options, int base) {
            requireSize(size);
            String refusal = PackedBase.refusal(base, size);
            if (refusal != null) {
                throw new IllegalArgumentException(refusal);
            }
            return new PackedRing(memory, addresses, size, options, base);
        }

        @Override
        public long inflightBytes(int size) {
            return PackedInflight.bytes(size);
        }

        @Override
        public DriverRing driver(
                MemorySegment memory, RingAddresses addresses, int size, RingOptions options) {
            requireSize(size);
            return new PackedDriverRing(memory, addresses, size, options);
        }
    };

    /** Most entries of a ring of any format (virtio 1.2, 2.7 and 2.8.10.1). */
    public static final int MAX_SIZE = 32768;

    /** Alignment of the descriptor table or ring, in bytes. */
    public static final int DESC_ALIGNMENT = 16;

    /** The format's name in texts. */
    public abstract String text();

    /** Whether a ring may have so many entries. */
    public abstract boolean accepts(int size);

    /** What {@link #accepts} takes, as the end of a sentence. */
    public abstract String sizes();

    /** Bytes of the descriptor table or ring. */
    public abstract long descBytes(int size);

    /** Bytes of the driver area, the event index or suppression included. */
    public abstract long driverBytes(int size);

    /** Bytes of the device area, the event index or suppression included. */
    public abstract long deviceBytes(int size);

    /** Alignment of the driver area, in bytes. */
    public abstract int driverAlignment();

    /** Alignment of the device area, in bytes. */
    public abstract int deviceAlignment();

    /** The base of a ring that nobody has used yet. */
    public abstract int start();

    /**
     * Why a base cannot be one, as a sentence with the values; null for one that can.
     *
     * @param base as a front-end gives it in SET_VRING_BASE
     * @param size entries of the ring; 0 while that is not known
     */
    public abstract String refusal(int base, int size);

    /** Where a ring is that will go on at a base, for those who look on. */
    public abstract RingPositions positions(int base);

    /**
     * Where a device goes on that is given a base by a front-end. After a device that died the base may be
     * behind what the driver has seen used: a split ring tells by its used index, which counts then; a packed
     * ring tells nothing.
     *
     * @param memory the guest's memory
     * @param addresses where the ring lies in it
     * @param base what the front-end gave, which {@link #refusal} has nothing against
     * @return the base to open the ring with
     */
    public abstract int resume(GuestMemory memory, RingAddresses addresses, int base);

    /**
     * Whether a ring was used already beyond where a device is to go on: the base is that of a device that
     * has died since, and the driver waits elsewhere. Nothing in a packed ring tells where; a split ring's
     * used index has told {@link #resume}. False does not prove that the base is right.
     *
     * @param memory the guest's memory
     * @param addresses where the ring lies in it
     * @param size entries of the ring
     * @param base what {@link #resume} answered
     */
    public abstract boolean isBehind(GuestMemory memory, RingAddresses addresses, int size, int base);

    /**
     * Opens the device's end.
     *
     * @param memory the guest's memory, which the ring and its buffers lie in
     * @param addresses offsets of the three areas in the memory's window, aligned and complete
     * @param size entries, as {@link #accepts} has it
     * @param options negotiated features and direction
     * @param base where to go on, coded as front-ends do; {@link #start} for a new ring
     * @throws IllegalArgumentException for a size or base that the format does not have
     */
    public abstract DeviceRing device(
            GuestMemory memory, RingAddresses addresses, int size, RingOptions options, int base);

    /** Bytes of a queue's part of an in-flight region, not yet aligned. */
    public abstract long inflightBytes(int size);

    /**
     * Opens the driver's end of a new ring, whose memory is cleared.
     *
     * @param memory segment that holds the three areas, shared with the device
     * @param addresses their offsets in the segment
     * @param size entries, as {@link #accepts} has it
     * @param options negotiated features and direction
     * @throws IllegalArgumentException for a size that the format does not have, or memory that is not native
     */
    public abstract DriverRing driver(
            MemorySegment memory, RingAddresses addresses, int size, RingOptions options);

    /** The format that was negotiated: VIRTIO_F_RING_PACKED or not. */
    public static RingFormat of(boolean packed) {
        return packed ? PACKED : SPLIT;
    }

    void requireSize(int size) {
        if (!accepts(size)) {
            throw new IllegalArgumentException("ring size=" + size + " is not " + sizes());
        }
    }

    /** Positions in a ring in which nothing is under way. */
    private static RingPositions still(int position, boolean wrap) {
        return new RingPositions(position, wrap, position, position, wrap, 0, false, 0);
    }
}
