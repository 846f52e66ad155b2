package io.vhost.ring;

/**
 * How much work a guest may be to the thread that polls its queue, counted in descriptors.
 *
 * <p>All chains that keep the rules are served, but some are more work than the packets in them are worth:
 * those of thousands of buffers of a byte or none, or those that no packet fits into, however often they are
 * looked at. Who shares the thread must not pay for that. So each burst is granted what its packets may need,
 * and ends when that is spent. The chain under way is finished; what it cost beyond the grant is a debt, and
 * bursts do nothing until their grants have paid it. A debt is paid by bursts, not by time: the guests of a
 * thread get a burst each in turn.
 *
 * <p>What guests do for a reason is never limited: {@link #PER_PACKET} descriptors for each packet, and one
 * more for each {@link #BYTES_PER_DESCRIPTOR} bytes of a chain, up to {@link #MOST_CARRIED}. A Linux guest
 * has up to 19 buffers in a chain, or 47 where it was built for longer packets, and needs 43 chains of one
 * for a packet of 64 KB. Chains of one buffer cost nothing, but where a packet takes several.
 *
 * <p>Thread: the holder of the queue's lock. Nobody grants anything for a new budget, which has no limit.
 */
public final class WorkBudget {
    /** Descriptors that a packet may have whatever their length. */
    public static final int PER_PACKET = 24;
    /** Bytes that are worth a descriptor. */
    public static final int BYTES_PER_DESCRIPTOR = 512;
    /** Most descriptors that the bytes of one chain, or of one packet's chains, are worth. */
    public static final int MOST_CARRIED = 32;
    /** Bytes of a packet that are not counted: the longest with segmentation, and its header. */
    public static final int PACKET_BYTES = 65_562;

    /** What is left; a debt below 0. */
    private long left = Long.MAX_VALUE / 2;

    /** Without limit until somebody grants something. */
    public WorkBudget() {}

    /**
     * Begins a burst: grants what its packets may need, and pays what is owed. What an earlier burst left
     * over is forfeit.
     *
     * @param packets that the burst asks for or has to send
     * @return whether it may begin; false while more is owed
     */
    public boolean grant(int packets) {
        long granted = (long) PER_PACKET * packets;
        left = Math.min(left + granted, granted);
        return left > 0;
    }

    /** {@return whether the burst has spent what it was granted, and should begin nothing more} */
    public boolean isSpent() {
        return left <= 0;
    }

    /**
     * Spends what was done for chains beyond what their bytes are worth.
     *
     * @param descriptors that were looked at, or chains
     * @param bytes in their buffers
     */
    public void spend(int descriptors, long bytes) {
        left -= Math.max(0, descriptors - Math.min(bytes / BYTES_PER_DESCRIPTOR, MOST_CARRIED));
    }

    /**
     * Spends what was copied beyond {@link #PACKET_BYTES} for each packet.
     *
     * @param packets that were copied
     * @param bytes of them all
     */
    public void spendCopies(int packets, long bytes) {
        left -= Math.max(0, bytes - (long) PACKET_BYTES * packets) / BYTES_PER_DESCRIPTOR;
    }
}
