package io.vhost.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.link.DeviceLink;
import io.vhost.device.packet.FromGuest;
import io.vhost.device.packet.PacketPath;
import io.vhost.device.packet.ToGuest;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.channel.ChannelAccess;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.net.custody.BurstCheck;
import io.vhost.queue.KickSource;
import io.vhost.queue.QueueOwner;
import io.vhost.queue.QueueTally;
import io.vhost.state.QueueCounters.Counter;
import java.util.Objects;

/**
 * One virtqueue of a device.
 *
 * <p>Threads: any; each burst takes {@link #access_lock} once. For speed let one thread poll a queue. Memory
 * order: what a burst wrote is visible to the guest when it sees the chain used; what the guest wrote before
 * it offered a chain is visible to the burst that returns it.
 *
 * <p>A guest that breaks a rule of the ring never disturbs the caller: the burst returns what was good, the
 * queue is fenced ({@link #violation}), and moves nothing more until the front-end starts it again.
 */
public final class VirtQueue extends AsyncQueue {
    private final VhostDevice device;
    private final DeviceLink link;
    private final QueuePrograms programs;

    VirtQueue(VhostDevice device, DeviceLink link, QueueOwner owner, int index) {
        QueueTally tally = new QueueTally();
        PacketPath way = NetworkDevice.packetPath(index, link, tally);
        super(owner, index, link.queues().lockTiming(), tally, way);
        this.device = device;
        this.link = link;
        this.programs = new QueuePrograms(index / 2, isToGuest(), this::sendBack);
    }

    /** The device that this queue belongs to. */
    public VhostDevice device() {
        return device;
    }

    /** Whether this queue carries packets to the guest; false: from it. */
    public boolean isToGuest() {
        return NetworkDevice.isToGuest(index());
    }

    /**
     * Lets programs look at this queue's packets from the next burst on: those that come from the guest when
     * they have been taken, those that go to it before they are sent, synchronously and asynchronously alike.
     * A burst of packets from a guest then returns those that pass; it may be 0 although packets were taken.
     * A packet that passed to a guest without room is not asked about again when it is sent again unchanged.
     * Any thread, also under traffic.
     *
     * <p>Programs run without the lock. They change neither what a burst of the same queue takes next nor who
     * owns a packet, but for packets that leave another way: those are the library's business, and put back
     * into their pool when that is done, also where asynchronous copies are registered: then with this
     * burst's channel, and what goes back to the guest comes back from the poll of that queue.
     *
     * @param chain the programs; null: none
     * @throws IllegalArgumentException if they are for packets of the other direction
     */
    public void programs(ProgramChain chain) {
        if (chain != null && chain.place().isToGuest() != isToGuest()) {
            throw new IllegalArgumentException(("queue %d of %s carries packets %s the guest, the programs of"
                    + " %s are for the other direction: give them to an %s queue").formatted(
                    index(), device.name(), isToGuest() ? "to" : "from", chain.place().name(),
                    isToGuest() ? "odd" : "even"));
        }
        programs.chain(chain);
    }

    /** {@return the programs of this queue's packets; null: none} Any thread. */
    public ProgramChain programs() {
        return programs.chain();
    }

    /**
     * Takes packets that the guest has sent. Does not wait: when another thread holds the lock, this counts
     * {@link Counter#BUSY} and returns 0.
     *
     * @param pool where packets come from; bursts end early when it is empty
     * @param packets receives the packets, which are the caller's from then on
     * @param offset first index to fill
     * @param count most packets to take
     * @return packets taken, 0 to {@code count}; more may be there, see {@link Counter#WORK_LIMITED}
     * @throws IllegalStateException when this queue carries packets to the guest, or asynchronous copies are
     *     in flight: chains are used in their order, so a burst must not overtake them
     */
    public int dequeueBurst(PacketPool pool, Packet[] packets, int offset, int count) {
        Objects.requireNonNull(pool, "pool");
        Objects.checkFromIndexSize(offset, count, packets.length);
        if (isToGuest()) {
            throw wrongDirection("dequeueBurst", "odd");
        }
        ProgramChain asked = programs.atWork();
        if (asked == null) {
            return take(pool, packets, offset, count);
        }
        int taken = take(pool, packets, offset, programs.limit(count));
        return taken == 0 ? 0 : programs.fromGuest(asked, packets, offset, taken, null);
    }

    private int take(PacketPool pool, Packet[] packets, int offset, int count) {
        if (!isRunning()) {
            return 0;
        }
        if (!access_lock.tryLock()) {
            tally().addShared(Counter.BUSY);
            return 0;
        }
        try {
            return isRunning() ? fromGuest().dequeue(pool, packets, offset, count) : 0;
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * Copies packets to the guest. The caller keeps all packets, those that were copied as well. When another
     * thread works on the queue this waits for it, but not for changes of the queue's state.
     *
     * @param packets what to send
     * @param offset index of the first
     * @param count how many
     * @return packets that are done with, 0 to {@code count}: copied, or dropped and counted because the
     *     guest's buffers can never hold them. The rest found no free buffers, or was more work than it pays.
     * @throws IllegalStateException when this queue carries packets from the guest, or asynchronous copies
     *     are in flight: chains are used in their order, so a burst must not overtake them
     * @throws IllegalArgumentException when a packet is empty, back in its pool or in flight; packets in
     *     earlier chunks of 32 were sent
     */
    public int enqueueBurst(Packet[] packets, int offset, int count) {
        Objects.checkFromIndexSize(offset, count, packets.length);
        if (!isToGuest()) {
            throw wrongDirection("enqueueBurst", "even");
        }
        ProgramChain asked = programs.atWork();
        if (asked == null || !isRunning()) {
            return send(packets, offset, count);
        }
        int passing = programs.toGuest(asked, packets, offset, count);
        int sent = 0;
        try {
            sent = send(packets, offset, passing);
        } finally {
            sent = programs.sent(asked, packets, offset, count, passing, sent);
        }
        return sent;
    }

    private int send(Packet[] packets, int offset, int count) {
        if (!isRunning() || !lockWhileRunning()) {
            return 0;
        }
        try {
            return isRunning() ? toGuest().enqueue(packets, offset, count) : 0;
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * Whether the receiver of this queue's packets takes a packet with the segmentation that it asks for. If
     * not, cut it with {@link io.vhost.net.Segmenter}: a burst drops it and counts
     * {@link Counter#BAD_OFFLOAD}. Any thread.
     */
    public boolean accepts(Packet packet) {
        return packet.gsoType() == NetHeader.GSO_NONE
                || NetworkDevice.segmentations(device.features(), isToGuest()).accept(packet.gsoType());
    }

    private IllegalStateException wrongDirection(String call, String right) {
        return new IllegalStateException("%s() on queue %d of %s: use an %s queue"
                .formatted(call, index(), device.name(), right));
    }

    @GuardedBy("access_lock")
    private ToGuest toGuest() {
        return (ToGuest) path;
    }

    @GuardedBy("access_lock")
    private FromGuest fromGuest() {
        return (FromGuest) path;
    }

    /**
     * Submits packets to the guest for copying by a DMA channel. Those that are accepted belong to the
     * library until {@link #pollEnqueueCompleted} or {@link #clearQueue} gives them back. Waits like
     * {@link #enqueueBurst}.
     *
     * @param packets what to send
     * @param offset index of the first
     * @param count how many
     * @param channel what copies
     * @return packets accepted, 0 to {@code count}: the rest found no free buffers, or no room in the
     *     channel; 0 of a queue that is not registered: that may end on another thread at any time
     * @throws IllegalStateException when this queue carries packets from the guest
     * @throws IllegalArgumentException when the channel is not configured, or in another registry than the
     *     device's; or when a packet is empty, back in its pool, in flight or twice in the burst, and then
     *     none is accepted
     * @throws NullPointerException when a packet is null, and then none is accepted
     */
    public int submitEnqueueBurst(Packet[] packets, int offset, int count, DmaChannel channel) {
        Objects.checkFromIndexSize(offset, count, packets.length);
        if (!isToGuest()) {
            throw wrongDirection("submitEnqueueBurst", "even");
        }
        ProgramChain asked = programs.atWork();
        if (asked == null || !isRunning()) {
            return submit(packets, offset, count, channel);
        }
        BurstCheck.requireDistinct(packets, offset, count);
        int passing = programs.toGuest(asked, packets, offset, count);
        int accepted = submit(packets, offset, passing, channel);
        // Not before: of what is refused nothing is accepted. A dropped packet ends here.
        QueuePrograms.release(packets, offset + passing, offset + count);
        return programs.sent(asked, packets, offset, count, passing, accepted);
    }

    private int submit(Packet[] packets, int offset, int count, DmaChannel channel) {
        if (!lockWhileRunning()) {
            return 0;
        }
        try {
            return toGuest().submit(packets, offset, count, ChannelAccess.channel(channel));
        } finally {
            access_lock.unlock();
        }
    }

    /** Packets that a program sends back to their guest; how many of them are done with. */
    private int sendBack(Packet[] packets, int offset, int count, DmaChannel channel) {
        VirtQueue back = device.queue(index() - 1);
        if (channel != null && back.isAsyncRegistered()) {
            return back.submitEnqueueBurst(packets, offset, count, channel);
        }
        int sent;
        try {
            sent = back.enqueueBurst(packets, offset, count);
        } catch (IllegalStateException _) {
            // Another thread copies to the guest asynchronously: what comes from it does not, so that there
            // is no channel to use.
            return 0;
        }
        QueuePrograms.release(packets, offset, offset + sent);
        return sent;
    }

    /**
     * Gives packets back whose copies to the guest have ended. Does not wait: when another thread holds the
     * lock, this counts {@link Counter#BUSY} and returns 0.
     * {@link Packet#isUndelivered} says which did not arrive.
     *
     * @param done receives the packets, in the order of their submission; they are the caller's again
     * @param offset first index to fill
     * @param count most packets to give back
     * @param channel which to ask; packets that another channel copied are given back too
     *     when their turn has come
     * @return packets given back, 0 to {@code count}; 0 of a queue that is not registered
     * @throws IllegalStateException when this queue carries packets from the guest
     * @throws IllegalArgumentException when the channel is not configured,
     *     or in another registry than the device's
     */
    public int pollEnqueueCompleted(Packet[] done, int offset, int count, DmaChannel channel) {
        if (!isToGuest()) {
            throw wrongDirection("pollEnqueueCompleted", "even");
        }
        if (!access_lock.tryLock()) {
            tally().addShared(Counter.BUSY);
            return 0;
        }
        try {
            return path.poll(done, offset, count, ChannelAccess.channel(channel));
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * Submits what the guest has sent for copying by a DMA channel, and takes packets whose copies have
     * ended. Does not wait: when another thread holds the lock,
     * this counts {@link Counter#BUSY} and returns 0.
     *
     * @param pool where packets come from
     * @param packets receives packets whose data has arrived, in the order in which the guest sent them
     * @param offset first index to fill
     * @param count most packets to take
     * @param channel what copies
     * @return packets taken, 0 to {@code count}; 0 of a queue that is not registered
     * @throws IllegalStateException when this queue carries packets to the guest
     * @throws IllegalArgumentException when the channel is not configured,
     *     or in another registry than the device's
     */
    public int tryDequeueBurst(PacketPool pool, Packet[] packets, int offset, int count, DmaChannel channel) {
        Objects.requireNonNull(pool, "pool");
        if (isToGuest()) {
            throw wrongDirection("tryDequeueBurst", "odd");
        }
        Objects.checkFromIndexSize(offset, count, packets.length);
        ProgramChain asked = programs.atWork();
        if (asked == null) {
            return tryTake(pool, packets, offset, count, channel);
        }
        int taken = tryTake(pool, packets, offset, programs.limit(count), channel);
        return taken == 0 ? 0 : programs.fromGuest(asked, packets, offset, taken, channel);
    }

    private int tryTake(PacketPool pool, Packet[] packets, int offset, int count, DmaChannel channel) {
        if (!access_lock.tryLock()) {
            tally().addShared(Counter.BUSY);
            return 0;
        }
        try {
            return fromGuest().tryDequeue(pool, packets, offset, count, ChannelAccess.channel(channel));
        } finally {
            access_lock.unlock();
        }
    }

    @Override
    int cleared(Packet[] packets, int offset, int count, DmaChannel channel) {
        ProgramChain asked = isToGuest() ? null : programs.atWork();
        return asked == null || count == 0 ? count
                : programs.fromGuest(asked, packets, offset, count, channel);
    }

    // For QueueWaiter.

    KickSource.Answer armFor(Runnable sleeper, KickSource kick) {
        KickSource.Answer answer = arm(sleeper, kick);
        // After the sleeper is known, whom the end of the device wakes if it comes later.
        boolean hasNews = link.hasEnded() || (!isToGuest() && link.announcement().isPending());
        return hasNews ? KickSource.Answer.HAS_WORK : answer;
    }

    void disarmed(Runnable sleeper) {
        disarm(sleeper);
    }
}
