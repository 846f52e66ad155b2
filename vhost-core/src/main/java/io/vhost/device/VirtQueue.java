package io.vhost.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.QueueCounters.Counter;
import io.vhost.dma.DmaChannel;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.ring.RingElement;
import io.vhost.ring.RingViolation;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;

/**
 * One virtqueue of a device.
 *
 * <p>Threads: any; each burst takes {@link #access_lock} once. For speed let one thread poll a queue. Memory
 * order: what a burst wrote is visible to the guest when it sees the used index; what the guest wrote before
 * it offered a chain is visible to the burst that returns it.
 *
 * <p>A guest that breaks a rule of the ring never disturbs the caller: the burst returns what was good, the
 * queue is fenced ({@link #violation}), and moves nothing more until the front-end starts it again.
 */
public final class VirtQueue {
    private static final Logger LOG = System.getLogger("io.vhost.device");

    /**
     * Guards everything about this queue. Applications may hold it around calls; bursts and control calls are
     * re-entrant. Never wait for another thread's burst while holding it.
     */
    public final AccessLock access_lock;

    private static final int SNAPSHOT_TRIES = 200;
    private static final long SNAPSHOT_PAUSE_NANOS = 50_000;

    private final VhostDevice device;
    private final int index;
    private final QueueCounters counters = new QueueCounters();

    /** Read without the lock to leave early; bursts check again under it. */
    private volatile boolean running;

    /** Who is to be told of changes; null: nobody waits. */
    private volatile QueueWaiter waiter;

    @GuardedBy("access_lock")
    private final QueueCore core;

    private final QueueControl control;

    VirtQueue(VhostDevice device, int index, VhostConfig config) {
        this.device = device;
        this.index = index;
        this.access_lock = new AccessLock(config.lockTiming());
        this.core = new QueueCore(this, config);
        this.control = new QueueControl(this, core);
    }

    /** The device that this queue belongs to. */
    public VhostDevice device() {
        return device;
    }

    /** Place among the device's queues, from 0. Even: to the guest, odd: from it (virtio 1.2, 5.1.2). */
    public int index() {
        return index;
    }

    /** Whether this queue carries packets to the guest; false: from it. */
    public boolean isToGuest() {
        return (index & 1) == 0;
    }

    /**
     * Whether bursts can move packets: the ring is set up, started and enabled,
     * and the guest has kept its rules.
     */
    public boolean isRunning() {
        return running;
    }

    /** What has been counted. */
    public QueueCounters counters() {
        return counters;
    }

    /**
     * How the queue is at this moment. Waits a little when another thread works on the queue,
     * without standing in its way.
     *
     * @return null when the lock was not to be had in that time
     */
    public QueueSnapshot snapshot() {
        return look(QueueCore::snapshot);
    }

    /**
     * What the driver has offered at a position of the ring. Only addresses, lengths and flags are read, and
     * nothing is checked. Waits as {@link #snapshot} does.
     *
     * @param position counted as the driver's index is; none: the next chain to take
     * @return null when the ring is stopped, its memory is gone, or the lock was not to be had
     */
    public RingElement element(OptionalInt position) {
        try {
            return look(core -> core.element(position));
        } catch (InternalError _) {
            // The guest truncated the file behind its memory;
            // the next burst finds out too, and gives the device up.
            return null;
        }
    }

    private <T> T look(Function<QueueCore, T> at) {
        for (int tries = 0; tries < SNAPSHOT_TRIES; tries++) {
            if (access_lock.tryLock()) {
                try {
                    return at.apply(core);
                } finally {
                    access_lock.unlock();
                }
            }
            LockSupport.parkNanos(SNAPSHOT_PAUSE_NANOS);
        }
        return null;
    }

    /**
     * The rule that the guest broke, for which this queue is fenced; null when it broke none. Takes the lock.
     */
    public RingViolation violation() {
        access_lock.lock();
        try {
            return core.violation();
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * Takes packets that the guest has sent. Does not wait: when another thread holds the lock, this counts
     * {@link Counter#BUSY} and returns 0.
     *
     * @param pool where packets come from; bursts end early when it is empty
     * @param packets receives the packets, which are the caller's from then on
     * @param offset first index to fill
     * @param count most packets to take
     * @return packets taken, 0 to {@code count}
     * @throws IllegalStateException when this queue carries packets to the guest, or asynchronous copies are
     *     in flight: chains are used in their order, so a burst must not overtake them
     */
    public int dequeueBurst(PacketPool pool, Packet[] packets, int offset, int count) {
        Objects.requireNonNull(pool, "pool");
        Objects.checkFromIndexSize(offset, count, packets.length);
        if (isToGuest()) {
            throw wrongDirection("dequeueBurst", "odd");
        }
        if (!running) {
            return 0;
        }
        if (!access_lock.tryLock()) {
            counters.addShared(Counter.BUSY);
            return 0;
        }
        try {
            if (!running) {
                return 0;
            }
            return core.dequeue(pool, packets, offset, count);
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
     *     guest's buffers can never hold them. The rest found no free buffers.
     * @throws IllegalStateException when this queue carries packets from the guest, or asynchronous copies
     *     are in flight: chains are used in their order, so a burst must not overtake them
     * @throws IllegalArgumentException when a packet is empty or back in its pool; packets in earlier chunks
     *     of 32 were sent
     */
    public int enqueueBurst(Packet[] packets, int offset, int count) {
        Objects.checkFromIndexSize(offset, count, packets.length);
        if (!isToGuest()) {
            throw wrongDirection("enqueueBurst", "even");
        }
        if (!running || !lockWhileRunning()) {
            return 0;
        }
        try {
            return running ? core.enqueue(packets, offset, count) : 0;
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
                || Segmentations.of(device.features(), isToGuest()).accept(packet.gsoType());
    }

    /**
     * Waits for the lock as long as the queue runs. The control thread ends that before it takes the lock for
     * a change, so a listener that waits for a polling thread under the lock gets its answer.
     */
    private boolean lockWhileRunning() {
        int spins = 0;
        while (!access_lock.tryLock()) {
            if (!running) {
                return false;
            }
            if (++spins % 128 == 0) {
                counters.addShared(Counter.BUSY);
                LockSupport.parkNanos(1);
            } else {
                Thread.onSpinWait();
            }
        }
        return true;
    }

    private IllegalStateException wrongDirection(String call, String right) {
        return new IllegalStateException("%s() on queue %d of %s: use an %s queue"
                .formatted(call, index, device.name(), right));
    }

    /**
     * Lets this queue's packets be copied by DMA channels. Takes the lock.
     *
     * @throws IllegalStateException when asynchronous copies are not enabled for the device, the queue's ring
     *     is not set up and started, or the queue is registered already
     */
    public void registerAsync() {
        lockForControl();
        try {
            core.registerAsync();
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * The same as {@link #registerAsync} for a caller that holds the lock.
     *
     * @throws IllegalMonitorStateException when the calling thread does not hold {@link #access_lock};
     *     nothing has changed
     * @throws IllegalStateException as {@link #registerAsync}
     */
    @GuardedBy("access_lock")
    public void registerAsyncThreadUnsafe() {
        requireLock("registerAsyncThreadUnsafe");
        core.registerAsync();
    }

    /**
     * Ends asynchronous copies; no effect when the queue is not registered. Takes the lock.
     *
     * @throws IllegalStateException when packets are in flight, with their number: poll or clear first
     */
    public void unregisterAsync() {
        lockForControl();
        try {
            core.unregisterAsync();
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * The same as {@link #unregisterAsync} for a caller that holds the lock.
     *
     * @throws IllegalMonitorStateException when the calling thread does not hold {@link #access_lock};
     *     nothing has changed
     * @throws IllegalStateException as {@link #unregisterAsync}
     */
    @GuardedBy("access_lock")
    public void unregisterAsyncThreadUnsafe() {
        requireLock("unregisterAsyncThreadUnsafe");
        core.unregisterAsync();
    }

    /**
     * {@return whether asynchronous copies are registered} Takes the lock. The answer holds for as long as
     * the caller keeps the lock: a listener that unregisters needs it, too.
     */
    public boolean isAsyncRegistered() {
        access_lock.lock();
        try {
            return core.isAsyncRegistered();
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * How many packets the library holds: accepted, and not given back to the application. Takes the lock.
     *
     * @return packets, 0 to the ring's size; never negative
     * @throws IllegalStateException when the queue is not registered
     */
    public int getInflight() {
        lockForControl();
        try {
            return core.inFlight();
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * The same as {@link #getInflight} for a caller that holds the lock.
     *
     * @return packets, 0 to the ring's size; never negative
     * @throws IllegalMonitorStateException when the calling thread does not hold {@link #access_lock};
     *     nothing has changed
     * @throws IllegalStateException as {@link #getInflight}
     */
    @GuardedBy("access_lock")
    public int getInflightThreadUnsafe() {
        requireLock("getInflightThreadUnsafe");
        return core.inFlight();
    }

    /**
     * Gives packets back whose copies have ended, whatever the state of the ring. Does not wait for copies;
     * call it until {@link #getInflight} is 0. Takes the lock.
     *
     * @param out receives the packets, which are the caller's again
     * @param offset first index to fill
     * @param count most packets to give back
     * @param channel where the copies were submitted
     * @return packets given back, 0 to {@code count}
     * @throws IllegalStateException when the queue is not registered
     * @throws IllegalArgumentException when the channel is not configured,
     *     or in another registry than the device's
     */
    public int clearQueue(Packet[] out, int offset, int count, DmaChannel channel) {
        lockForControl();
        try {
            return core.clear(out, offset, count, channel);
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * The same as {@link #clearQueue} for a caller that holds the lock.
     *
     * @param out receives the packets, which are the caller's again
     * @param offset first index to fill
     * @param count most packets to give back
     * @param channel where the copies were submitted
     * @return packets given back, 0 to {@code count}
     * @throws IllegalMonitorStateException when the calling thread does not hold {@link #access_lock};
     *     nothing has changed
     * @throws IllegalStateException as {@link #clearQueue}
     * @throws IllegalArgumentException as {@link #clearQueue}
     */
    @GuardedBy("access_lock")
    public int clearQueueThreadUnsafe(Packet[] out, int offset, int count, DmaChannel channel) {
        requireLock("clearQueueThreadUnsafe");
        return core.clear(out, offset, count, channel);
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
     *     channel; 0 when the queue is not registered
     * @throws IllegalStateException when this queue carries packets from the guest
     * @throws IllegalArgumentException when the channel is not configured, or in another registry than the
     *     device's; or when a packet is empty or back in its pool, and then none is accepted
     * @throws NullPointerException when a packet is null, and then none is accepted
     */
    public int submitEnqueueBurst(Packet[] packets, int offset, int count, DmaChannel channel) {
        Objects.checkFromIndexSize(offset, count, packets.length);
        if (!isToGuest()) {
            throw wrongDirection("submitEnqueueBurst", "even");
        }
        if (!lockWhileRunning()) {
            return 0;
        }
        try {
            return core.submitEnqueue(packets, offset, count, channel);
        } finally {
            access_lock.unlock();
        }
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
     * @return packets given back, 0 to {@code count}; 0 when the queue is not registered
     * @throws IllegalStateException when this queue carries packets from the guest
     * @throws IllegalArgumentException when the channel is not configured,
     *     or in another registry than the device's
     */
    public int pollEnqueueCompleted(Packet[] done, int offset, int count, DmaChannel channel) {
        if (!isToGuest()) {
            throw wrongDirection("pollEnqueueCompleted", "even");
        }
        if (!access_lock.tryLock()) {
            counters.addShared(Counter.BUSY);
            return 0;
        }
        try {
            return core.pollEnqueueCompleted(done, offset, count, channel);
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
     * @return packets taken, 0 to {@code count}; 0 when the queue is not registered
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
        if (!access_lock.tryLock()) {
            counters.addShared(Counter.BUSY);
            return 0;
        }
        try {
            return core.tryDequeue(pool, packets, offset, count, channel);
        } finally {
            access_lock.unlock();
        }
    }

    /** Asks the guest for kicks, for a thread that is about to wait. */
    QueueWaiter.Answer arm(QueueWaiter newWaiter, QueueWaiter.Kick kick) {
        waiter = newWaiter;
        if (!isToGuest() && device.announcement().isPending()) {
            return QueueWaiter.Answer.HAS_WORK;
        }
        if (!running || !lockWhileRunning()) {
            return QueueWaiter.Answer.IS_STOPPED;
        }
        try {
            return running ? core.arm(kick) : QueueWaiter.Answer.IS_STOPPED;
        } finally {
            access_lock.unlock();
        }
    }

    /** The thread no longer waits. */
    void disarm() {
        if (!running || !lockWhileRunning()) {
            return;
        }
        try {
            if (running) {
                core.disarm();
            }
        } finally {
            access_lock.unlock();
        }
    }

    /** Something about this queue has changed, which a waiting thread has to see. */
    void wakeWaiter() {
        QueueWaiter present = waiter;
        if (present != null) {
            present.wakeUp();
        }
    }

    private void lockForControl() {
        if (access_lock.isHeldByCurrentThread()) {
            counters.addShared(Counter.REENTRANT_CALLS);
        }
        access_lock.lock();
    }

    /** Checks before anything guarded is read. Another thread's hold does not count. */
    private void requireLock(String call) {
        if (access_lock.isHeldByCurrentThread()) {
            return;
        }
        String text = "(%s) %s() called without access lock taken.".formatted(device.name(), call);
        LOG.log(Level.ERROR, text);
        counters.addShared(Counter.LOCK_MISUSE);
        QueueEvents.LockMisuse.emit(this, call);
        throw new IllegalMonitorStateException(text);
    }

    /**
     * Set to false before the lock is taken for a change, so that bursts leave; true again under the lock.
     */
    void running(boolean runs) {
        running = runs;
    }

    /** The transport's side of this queue. */
    QueueControl control() {
        return control;
    }

    @Override
    public String toString() {
        return device.name() + " queue " + index;
    }
}
