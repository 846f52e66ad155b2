package io.vhost.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.QueueCounters.Counter;
import io.vhost.memory.GuestMemory;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingViolation;
import io.vhost.ring.SplitRing;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
    private static final Logger LOG = System.getLogger("io.vhost.device");

    /**
     * Guards everything about this queue. Applications may hold it around calls; bursts and control calls are re-entrant.
     * Never wait for another thread's burst while holding it.
     */
    public final ReentrantLock access_lock = new ReentrantLock();

    private final VhostDevice device;
    private final int index;
    private final QueueCounters counters = new QueueCounters();
    private final MemorySegment scratch = Arena.ofAuto().allocate(NetHeader.LENGTH, Long.BYTES);

    /** Read without the lock to leave early; bursts check again under it. */
    private volatile boolean running;

    @GuardedBy("access_lock")
    private final RingSetup setup = new RingSetup();

    /** Null while the ring is stopped or cannot be located. */
    @GuardedBy("access_lock")
    private ActiveRing active;

    @GuardedBy("access_lock")
    private RingViolation violation;

    @GuardedBy("access_lock")
    private boolean reportedRunning;

    VirtQueue(VhostDevice device, int index) {
        this.device = device;
        this.index = index;
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
            return violation;
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
            if (!running) {
                return 0;
            }
            SplitRing ring = active.ring();
            int before = ring.nextUsed();
            int moved = active.dequeue(pool, packets, offset, count);
            finish(ring, before);
            return moved;
        } catch (InternalError e) {
            // The guest's memory is gone. What earlier chunks delivered is lost with it: their memory cannot be trusted.
            memoryLost(e);
            return 0;
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
            if (!running) {
                return 0;
            }
            SplitRing ring = active.ring();
            int before = ring.nextUsed();
            int moved = active.enqueue(packets, offset, count);
            finish(ring, before);
            return moved;
        } catch (InternalError e) {
            memoryLost(e);
            return 0;
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

    /** One interrupt for the whole burst, if the guest wants one; then the fence for a guest that broke a rule. */
    @GuardedBy("access_lock")
    private void finish(SplitRing ring, int usedBefore) {
        if (ring.nextUsed() != usedBefore) {
            interrupt(ring);
        }
        if (ring.violation() != null) {
            fence(ring.violation(), ring.violationDetail());
        }
    }

    @GuardedBy("access_lock")
    private void interrupt(SplitRing ring) {
        if (!ring.needsInterrupt()) {
            counters.add(Counter.INTERRUPTS_SUPPRESSED, 1);
        } else if (setup.call != null) {
            counters.add(setup.call.signal() ? Counter.INTERRUPTS : Counter.INTERRUPTS_FAILED, 1);
        }
    }

    @GuardedBy("access_lock")
    private void fence(RingViolation fault, long detail) {
        running = false;
        violation = fault;
        counters.add(fault);
        // A guest that restarts its queue to offend again is logged at the powers of two.
        if (Long.bitCount(counters.get(fault)) == 1) {
            LOG.log(Level.WARNING, "({0}) queue {1} fenced: {2}, value 0x{3} ({4}, {5} times on this queue)",
                    device.name(), index, fault.text(), Long.toHexString(detail), fault, counters.get(fault));
        }
        if (setup.error != null && !setup.error.signal()) {
            LOG.log(Level.DEBUG, "({0}) queue {1}: error eventfd cannot be signalled", device.name(), index);
        }
    }

    @GuardedBy("access_lock")
    private void memoryLost(InternalError cause) {
        fence(RingViolation.MEMORY_LOST, 0);
        device.fail(cause);
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
            change.apply(setup);
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * Stops the ring, makes a change, and starts the ring again if it is complete and started. The listener is told of
     * the outcome under the lock. Positions in the ring are kept.
     */
    void restart(Change change, GuestMemory memory, QueueFormat format) throws ControlException {
        running = false;
        access_lock.lock();
        try {
            try {
                detach();
                change.apply(setup);
                attach(memory, format);
            } finally {
                report();
            }
        } finally {
            access_lock.unlock();
        }
    }

    /** Stops the ring and tells the listener. */
    void detachAndReport() {
        running = false;
        access_lock.lock();
        try {
            detach();
            report();
        } finally {
            access_lock.unlock();
        }
    }

    /** Closes the queue's descriptors, when the connection has gone. */
    void closeDescriptors() {
        access_lock.lock();
        try {
            setup.closeDescriptors();
        } finally {
            access_lock.unlock();
        }
    }

    boolean isAttached() {
        access_lock.lock();
        try {
            return active != null;
        } finally {
            access_lock.unlock();
        }
    }

    @GuardedBy("access_lock")
    private void detach() {
        if (active == null) {
            return;
        }
        // Chains that a failed burst took and never returned are taken again.
        setup.base = active.ring().nextUsed();
        active.release();
        active = null;
    }

    /** Starts the ring if the front-end said so. A ring that cannot be found in memory counts as stopped. */
    @GuardedBy("access_lock")
    private void attach(GuestMemory memory, QueueFormat format) throws ControlException {
        if (!setup.started) {
            violation = null;
            return;
        }
        boolean complete = false;
        try {
            RingAddresses addresses =
                    setup.locate(index, memory, setup.descUser, setup.availUser, setup.usedUser);
            if (!setup.addressed || addresses == null) {
                throw new ControlException("queue %d was started before its size, its addresses and the memory table"
                        .formatted(index));
            }
            SplitRing ring = new SplitRing(memory, addresses, setup.size, format.ring(), base(memory, addresses));
            ring.disableKicks();
            active = new ActiveRing(memory, ring, format, counters, scratch);
            complete = true;
        } finally {
            setup.started = complete;
        }
    }

    /**
     * Where the ring goes on. After a device that died the front-end gives a base that is behind the used index in memory,
     * which the driver has seen: what it counts is done.
     */
    @GuardedBy("access_lock")
    private int base(GuestMemory memory, RingAddresses addresses) {
        int used = SplitRing.usedIdx(memory, addresses);
        if (setup.freshBase && used != setup.base) {
            LOG.log(Level.INFO, "({0}) queue {1}: base {2} differs from the used index, going on at {3}",
                    device.name(), index, setup.base, used);
            setup.base = used;
        }
        setup.freshBase = false;
        return setup.base;
    }

    @GuardedBy("access_lock")
    private void report() {
        boolean runs = active != null && setup.enabled && violation == null;
        if (runs != reportedRunning) {
            reportedRunning = runs;
            device.notifyListener("vringStateChanged", () -> device.listener().vringStateChanged(this, runs));
        }
        running = runs;
    }

    @Override
    public String toString() {
        return device.name() + " queue " + index;
    }
}
