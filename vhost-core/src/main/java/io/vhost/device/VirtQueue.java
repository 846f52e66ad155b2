package io.vhost.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.QueueCounters.Counter;
import io.vhost.memory.GuestMemory;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.ring.RingViolation;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One virtqueue of a device.
 *
 * <p>Threads: any; each burst takes {@link #access_lock} once. For speed let one thread poll a queue. Memory order: what
 * a burst wrote is visible to the guest when it sees the used index; what the guest wrote before it offered a chain is
 * visible to the burst that returns it.
 *
 * <p>A guest that breaks a rule of the ring never disturbs the caller: the burst returns what was good, the queue is
 * fenced ({@link #violation}), and moves nothing more until the front-end starts it again.
 */
public final class VirtQueue {
    /**
     * Guards everything about this queue. Applications may hold it around calls; bursts and control calls are re-entrant.
     * Never wait for another thread's burst while holding it.
     */
    public final ReentrantLock access_lock = new ReentrantLock();

    private final VhostDevice device;
    private final int index;
    private final QueueCounters counters = new QueueCounters();

    /** Read without the lock to leave early; bursts check again under it. */
    private volatile boolean running;

    @GuardedBy("access_lock")
    private final QueueCore core;

    VirtQueue(VhostDevice device, int index) {
        this.device = device;
        this.index = index;
        this.core = new QueueCore(this);
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

    /** Whether bursts can move packets: the ring is set up, started and enabled, and the guest has kept its rules. */
    public boolean isRunning() {
        return running;
    }

    /** What has been counted. */
    public QueueCounters counters() {
        return counters;
    }

    /** The rule that the guest broke, for which this queue is fenced; null when it broke none. Takes the lock. */
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
     * @throws IllegalStateException when this queue carries packets to the guest
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
            return running ? core.dequeue(pool, packets, offset, count) : 0;
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * Copies packets to the guest. The caller keeps all packets, those that were copied as well. When another thread works
     * on the queue this waits for it, but not for changes of the queue's state.
     *
     * @param packets what to send
     * @param offset index of the first
     * @param count how many
     * @return packets that are done with, 0 to {@code count}: copied, or dropped and counted because the guest's buffers
     *     can never hold them. The rest found no free buffers.
     * @throws IllegalStateException when this queue carries packets from the guest
     * @throws IllegalArgumentException when a packet is empty or back in its pool; packets in earlier chunks of 32 were
     *     sent
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
     * Waits for the lock as long as the queue runs. The control thread ends that before it takes the lock for a change,
     * so a listener that waits for a polling thread under the lock gets its answer.
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

    /** Set to false before the lock is taken for a change, so that bursts leave; true again under the lock. */
    void running(boolean runs) {
        running = runs;
    }

    // What follows is for DeviceControl, on the connection's thread.

    /** A change of the set-up, made under the lock. */
    interface Change {
        void apply(RingSetup setup) throws ControlException;
    }

    /** Makes a change that leaves the ring where it is. */
    void change(Change change) throws ControlException {
        access_lock.lock();
        try {
            change.apply(core.setup());
        } finally {
            access_lock.unlock();
        }
    }

    /** Makes a change for which the ring is stopped and, if it is complete and started, started again. */
    void restart(Change change, GuestMemory memory, QueueFormat format) throws ControlException {
        running = false;
        access_lock.lock();
        try {
            core.restart(change, memory, format);
        } finally {
            access_lock.unlock();
        }
    }

    /** Stops the ring. */
    void stop() {
        running = false;
        access_lock.lock();
        try {
            core.stop();
        } finally {
            access_lock.unlock();
        }
    }

    /** Closes the queue's descriptors, when the connection has gone. */
    void closeDescriptors() {
        access_lock.lock();
        try {
            core.setup().closeDescriptors();
        } finally {
            access_lock.unlock();
        }
    }

    boolean isAttached() {
        access_lock.lock();
        try {
            return core.isAttached();
        } finally {
            access_lock.unlock();
        }
    }

    @Override
    public String toString() {
        return device.name() + " queue " + index;
    }
}
