package io.vhost.device;

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

/**
 * The state of one queue and what is done with it. Everything here is used under the queue's lock, without exception:
 * {@link VirtQueue} holds the only reference, and the compiler checks that it holds the lock when it follows it.
 */
final class QueueCore {
    private static final Logger LOG = System.getLogger("io.vhost.device");

    private final VirtQueue queue;
    private final VhostDevice device;
    private final QueueCounters counters;
    private final MemorySegment scratch = Arena.ofAuto().allocate(NetHeader.LENGTH, Long.BYTES);
    private final RingSetup setup = new RingSetup();
    /** Null while the ring is stopped or cannot be located. */
    private ActiveRing active;
    private RingViolation violation;
    private boolean reportedRunning;

    QueueCore(VirtQueue queue) {
        this.queue = queue;
        this.device = queue.device();
        this.counters = queue.counters();
    }

    RingSetup setup() {
        return setup;
    }

    RingViolation violation() {
        return violation;
    }

    boolean isAttached() {
        return active != null;
    }

    // The packet's way. The queue runs, so there is an active ring.

    int dequeue(PacketPool pool, Packet[] packets, int offset, int count) {
        try {
            SplitRing ring = active.ring();
            int before = ring.nextUsed();
            int moved = active.dequeue(pool, packets, offset, count);
            finish(ring, before);
            return moved;
        } catch (InternalError e) {
            memoryLost(e);
            return 0;
        }
    }

    int enqueue(Packet[] packets, int offset, int count) {
        try {
            SplitRing ring = active.ring();
            int before = ring.nextUsed();
            int moved = active.enqueue(packets, offset, count);
            finish(ring, before);
            return moved;
        } catch (InternalError e) {
            memoryLost(e);
            return 0;
        }
    }

    /** One interrupt for the whole burst, if the guest wants one; then the fence for a guest that broke a rule. */
    private void finish(SplitRing ring, int usedBefore) {
        if (ring.nextUsed() != usedBefore) {
            interrupt(ring);
        }
        if (ring.violation() != null) {
            fence(ring.violation(), ring.violationDetail());
        }
    }

    private void interrupt(SplitRing ring) {
        if (!ring.needsInterrupt()) {
            counters.add(Counter.INTERRUPTS_SUPPRESSED, 1);
        } else if (setup.call != null) {
            counters.add(setup.call.signal() ? Counter.INTERRUPTS : Counter.INTERRUPTS_FAILED, 1);
        }
    }

    private void fence(RingViolation fault, long detail) {
        queue.running(false);
        violation = fault;
        counters.add(fault);
        // A guest that restarts its queue to offend again is logged at the powers of two.
        if (Long.bitCount(counters.get(fault)) == 1) {
            LOG.log(Level.WARNING, "({0}) queue {1} fenced: {2}, value 0x{3} ({4}, {5} times on this queue)",
                    device.name(), queue.index(), fault.text(), Long.toHexString(detail), fault, counters.get(fault));
        }
        if (setup.error != null && !setup.error.signal()) {
            LOG.log(Level.DEBUG, "({0}) queue {1}: error eventfd cannot be signalled", device.name(), queue.index());
        }
    }

    /**
     * The guest truncated the file behind its memory. The error may arrive a little later than the access, so nothing that
     * the burst did can be relied on, and the device is given up.
     */
    private void memoryLost(InternalError cause) {
        fence(RingViolation.MEMORY_LOST, 0);
        device.fail(cause);
    }

    // The connection's requests.

    /**
     * Stops the ring, makes a change, and starts the ring again if it is complete and started. The listener is told of
     * the outcome. The position in the ring is kept.
     */
    void restart(VirtQueue.Change change, GuestMemory memory, QueueFormat format) throws ControlException {
        try {
            detach();
            change.apply(setup);
            attach(memory, format);
        } finally {
            report();
        }
    }

    /** Stops the ring and tells the listener. */
    void stop() {
        detach();
        report();
    }

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
    private void attach(GuestMemory memory, QueueFormat format) throws ControlException {
        if (!setup.started) {
            violation = null;
            return;
        }
        boolean complete = false;
        try {
            RingAddresses addresses =
                    setup.locate(queue.index(), memory, setup.descUser, setup.availUser, setup.usedUser);
            if (!setup.addressed || addresses == null) {
                throw new ControlException("queue %d was started before its size, its addresses and the memory table"
                        .formatted(queue.index()));
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
    private int base(GuestMemory memory, RingAddresses addresses) {
        int used = SplitRing.usedIdx(memory, addresses);
        if (setup.freshBase && used != setup.base) {
            LOG.log(Level.INFO, "({0}) queue {1}: base {2} differs from the used index, going on at {3}",
                    device.name(), queue.index(), setup.base, used);
            setup.base = used;
        }
        setup.freshBase = false;
        return setup.base;
    }

    private void report() {
        boolean runs = active != null && setup.enabled && violation == null;
        if (runs != reportedRunning) {
            reportedRunning = runs;
            device.notifyListener("vringStateChanged", () -> device.listener().vringStateChanged(queue, runs));
        }
        queue.running(runs);
    }
}
