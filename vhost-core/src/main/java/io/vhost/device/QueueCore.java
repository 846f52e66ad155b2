package io.vhost.device;

import io.vhost.device.QueueCounters.Counter;
import io.vhost.dma.DmaChannel;
import io.vhost.memory.DirtyLog;
import io.vhost.memory.GuestMemory;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.EventFd;
import io.vhost.os.OsException;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingElement;
import io.vhost.ring.RingViolation;
import io.vhost.ring.SplitRing;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * The state of one queue and what is done with it. Everything here is used under the queue's lock, without
 * exception: {@link VirtQueue} holds the only reference, and the compiler checks that it holds the lock when
 * it follows it.
 */
final class QueueCore {
    private final VirtQueue queue;
    private final VhostDevice device;
    private final QueueCounters counters;
    private final MemorySegment scratch = Arena.ofAuto().allocate(NetHeader.LENGTH, Long.BYTES);
    private final RingSetup setup = new RingSetup();
    /** Null while the ring is stopped or cannot be located. */
    private ActiveRing active;
    private RingViolation violation;
    private boolean reportedRunning;
    private final VhostConfig config;
    /** Null unless asynchronous copies are registered. */
    private AsyncChannel async;

    QueueCore(VirtQueue queue, VhostConfig config) {
        this.queue = queue;
        this.config = config;
        this.device = queue.device();
        this.counters = queue.counters();
    }

    RingSetup setup() {
        return setup;
    }

    RingViolation violation() {
        return violation;
    }

    QueueSnapshot snapshot() {
        return QueueInspector.snapshot(queue, setup, active, async, violation);
    }

    /** What the driver has offered at a position of the ring; null while the ring is stopped. */
    RingElement element(OptionalInt position) {
        SplitRing ring = active == null ? null : active.ring();
        return ring == null ? null : ring.element(active.memory(), position.orElse(ring.nextAvail()));
    }

    boolean isAttached() {
        return active != null;
    }

    // The packet's way. The queue runs, so there is an active ring.

    int dequeue(PacketPool pool, Packet[] packets, int offset, int count) {
        requireNothingInFlight();
        int own = announce(pool, packets, offset, count);
        int moved = 0;
        try {
            SplitRing ring = active.ring();
            int before = ring.nextUsed();
            moved = active.dequeue(pool, packets, offset + own, count - own);
            finish(ring, before);
            return own + moved;
        } catch (InternalError e) {
            pool.release(packets, offset + own, moved);
            memoryLost(e);
            return own;
        }
    }

    /** What the device itself sends in the guest's name, before the guest's packets. */
    private int announce(PacketPool pool, Packet[] packets, int offset, int count) {
        return device.announcement().isPending()
                ? device.announcement().take(pool, packets, offset, count) : 0;
    }

    int enqueue(Packet[] packets, int offset, int count) {
        requireNothingInFlight();
        try {
            SplitRing ring = active.ring();
            int before = ring.nextUsed();
            try {
                return active.enqueue(packets, offset, count);
            } finally {
                // After a packet that was refused as well: the guest waits for those before it.
                finish(ring, before);
            }
        } catch (InternalError e) {
            memoryLost(e);
            return 0;
        }
    }

    /**
     * One interrupt for the whole burst, if the guest wants one; then the fence for a guest that broke a
     * rule.
     */
    private void finish(SplitRing ring, int usedBefore) {
        if (ring.nextUsed() != usedBefore) {
            interrupt(ring);
        }
        if (ring.violation() != null) {
            fence(ring.violation(), ring.violationDetail());
        }
    }

    private void interrupt(SplitRing ring) {
        if (setup.call == null) {
            // Not asked, so that the ring goes on owing the interrupt until there is a way to send it.
            return;
        }
        if (ring.needsInterrupt()) {
            counters.add(setup.call.signal() ? Counter.INTERRUPTS : Counter.INTERRUPTS_FAILED, 1);
        } else {
            counters.add(Counter.INTERRUPTS_SUPPRESSED, 1);
        }
    }

    private void fence(RingViolation fault, long detail) {
        queue.running(false);
        violation = fault;
        counters.add(fault);
        // A guest that restarts its queue to offend again is logged at the powers of two.
        if (Long.bitCount(counters.get(fault)) == 1) {
            device.log().log(Level.WARNING,
                    "({0}) queue {1} fenced: {2}, value 0x{3} ({4}, {5} times on this queue)",
                    device.name(), queue.index(), fault.text(), Long.toHexString(detail), fault,
                    counters.get(fault));
        }
        if (setup.error != null && !setup.error.signal()) {
            device.log().log(Level.DEBUG, "({0}) queue {1}: error eventfd cannot be signalled",
                    device.name(), queue.index());
        }
    }

    /**
     * The guest truncated the file behind its memory. The error may arrive a little later than the access, so
     * nothing that the burst did can be relied on, and the device is given up.
     */
    private void memoryLost(InternalError cause) {
        fence(RingViolation.MEMORY_LOST, 0);
        device.fail(cause);
    }

    // Waiting for kicks. The queue runs.

    QueueWaiter.Answer arm(QueueWaiter.Kick kick) {
        if (setup.kick == null) {
            return QueueWaiter.Answer.SENDS_NO_KICKS;
        }
        try {
            kick.follow(setup.kick);
            boolean work = active.ring().enableKicks();
            checkViolation();
            return work || violation != null ? QueueWaiter.Answer.HAS_WORK : QueueWaiter.Answer.ARMED;
        } catch (OsException e) {
            device.log().log(Level.WARNING, "({0}) queue {1} cannot be waited for: {2}",
                    device.name(), queue.index(), e.getMessage());
            return QueueWaiter.Answer.SENDS_NO_KICKS;
        } catch (InternalError e) {
            memoryLost(e);
            return QueueWaiter.Answer.HAS_WORK;
        }
    }

    void disarm() {
        try {
            if (active.ring().kicksWanted()) {
                active.ring().disableKicks();
            }
        } catch (InternalError e) {
            memoryLost(e);
        }
    }

    // Asynchronous copies.

    void registerAsync() {
        if (config.dma() == null) {
            throw refusal("registered: asynchronous copies are not enabled; give VhostConfig a DmaRegistry");
        }
        if (active == null) {
            throw refusal("registered: its ring is not started; wait for vringStateChanged");
        }
        if (async != null) {
            throw refusal("registered: it is registered already");
        }
        async = new AsyncChannel(queue, config, active);
        new QueueEvents.Register().emitFor(queue);
    }

    boolean isAsyncRegistered() {
        return async != null;
    }

    void unregisterAsync() {
        if (async == null) {
            return;
        }
        int left = async.inFlight();
        if (left > 0) {
            throw refusal("unregistered: %d packets are in flight; poll or clear them first".formatted(left));
        }
        async = null;
        new QueueEvents.Unregister().emitFor(queue);
    }

    int inFlight() {
        requireAsync("asked");
        return async.inFlight();
    }

    int clear(Packet[] out, int offset, int count, DmaChannel channel) {
        requireAsync("cleared");
        requireChannel(channel);
        Objects.checkFromIndexSize(offset, count, out.length);
        harvest(channel);
        return queue.isToGuest()
                ? async.takeSent(out, offset, count)
                : async.takeReceived(out, offset, count);
    }

    // Bursts. Whoever polls cannot know that a callback in another thread has ended the registration.

    int submitEnqueue(Packet[] packets, int offset, int count, DmaChannel channel) {
        if (async == null) {
            return 0;
        }
        requireChannel(channel);
        if (count > EnqueuePlan.MAX) {
            requirePackets(packets, offset, count);
        }
        int before = async.copies().opened();
        try {
            int total = 0;
            while (total < count && queue.isRunning()) {
                int chunk = Math.min(EnqueuePlan.MAX, count - total);
                int accepted = active.submitEnqueue(async.copies(), packets, offset + total, chunk, channel);
                total += accepted;
                if (accepted < chunk) {
                    break;
                }
            }
        } catch (InternalError e) {
            async.copies().undeliverableSince(before);
            memoryLost(e);
        }
        return submitted(before, count);
    }

    /** The first chunk is checked when it is planned; later ones too late for those before them. */
    private static void requirePackets(Packet[] packets, int offset, int count) {
        for (int i = offset; i < offset + count; i++) {
            EnqueuePlan.requireSendable(packets, i);
        }
    }

    /** Accounts for what a burst has submitted, also when it ended with an error; how many packets. */
    private int submitted(int before, int offered) {
        int total = async.copies().opened() - before;
        counters.add(Counter.SUBMITTED, total);
        if (async.copies().takeTruncated()) {
            QueueEvents.Truncation.emit(queue, total, offered);
        }
        checkViolation();
        return total;
    }

    int pollEnqueueCompleted(Packet[] done, int offset, int count, DmaChannel channel) {
        return async == null ? 0 : clear(done, offset, count, channel);
    }

    int tryDequeue(PacketPool pool, Packet[] packets, int offset, int count, DmaChannel channel) {
        if (async == null) {
            return 0;
        }
        requireChannel(channel);
        Objects.checkFromIndexSize(offset, count, packets.length);
        int own = queue.isRunning() ? announce(pool, packets, offset, count) : 0;
        int before = async.copies().opened();
        try {
            int total = own;
            while (total < count && queue.isRunning()) {
                int chunk = Math.min(EnqueuePlan.MAX, count - total);
                int accepted = active.submitDequeue(async.copies(), pool, chunk, channel);
                total += accepted;
                if (accepted < chunk) {
                    break;
                }
            }
        } catch (InternalError e) {
            async.copies().undeliverableSince(before);
            memoryLost(e);
        } finally {
            submitted(before, count - own);
        }
        harvest(channel);
        return own + async.takeReceived(packets, offset + own, count - own);
    }

    /**
     * Gives chains back whose copies have ended. Without a ring they are forgotten; packets come back all the
     * same.
     */
    private void harvest(DmaChannel channel) {
        SplitRing ring = active == null || violation == RingViolation.MEMORY_LOST ? null : active.ring();
        try {
            int before = ring == null ? 0 : ring.nextUsed();
            async.harvest(channel, ring);
            if (ring != null && ring.nextUsed() != before) {
                interrupt(ring);
            }
        } catch (InternalError e) {
            memoryLost(e);
        }
        checkEngine();
    }

    /** A queue whose engine has failed is given up, as one whose guest has: the front-end starts it again. */
    private void checkEngine() {
        if (async.copies().takeEngineFailed() && violation == null) {
            fence(RingViolation.DMA_FAILED, 0);
        }
    }

    private void checkViolation() {
        if (active != null && active.ring().violation() != null && violation == null) {
            fence(active.ring().violation(), active.ring().violationDetail());
        }
    }

    /**
     * Chains are used in the order in which they were offered, so a synchronous burst cannot overtake copies.
     */
    private void requireNothingInFlight() {
        if (async != null && async.inFlight() > 0) {
            throw refusal("worked on synchronously: %d packets are in flight; poll or clear them first"
                    .formatted(async.inFlight()));
        }
    }

    private void requireAsync(String what) {
        if (async == null) {
            throw refusal("%s: asynchronous copies are not registered".formatted(what));
        }
    }

    private void requireChannel(DmaChannel channel) {
        Objects.requireNonNull(channel, "channel");
        if (channel.registry() != config.dma()) {
            throw new IllegalArgumentException(
                    "DMA channel %s is in another registry than %s; use one of the device's registry"
                            .formatted(channel, queue));
        }
        if (channel.isClosed()) {
            throw new IllegalArgumentException("DMA channel %s is unconfigured".formatted(channel));
        }
    }

    private IllegalStateException refusal(String why) {
        return new IllegalStateException("%s cannot be %s".formatted(queue, why));
    }

    // The connection's requests.

    /**
     * Stops the ring, makes a change, and starts the ring again if it is complete and started. The listener
     * is told of the outcome. The position in the ring is kept, and after a change that is refused the ring
     * goes on as before.
     */
    void restart(QueueControl.Change change, GuestMemory memory, QueueFormat format) throws ControlException {
        try {
            detach();
            try {
                change.apply(setup);
            } finally {
                attach(memory, format);
            }
        } finally {
            report();
        }
    }

    /**
     * Replaces what interrupts the guest. A started ring may have used chains in between: it is told so at
     * once.
     */
    void call(EventFd eventFd) {
        setup.call = RingSetup.replace(setup.call, eventFd);
        if (eventFd != null && active != null) {
            eventFd.signal();
        }
    }

    /** Where writes are logged from now on; null: nowhere. */
    void log(DirtyLog log) {
        setup.log = log;
        if (active != null) {
            active.ring().log(log, setup.usedLogAddress);
        }
    }

    /** Stops the ring and tells the listener. */
    void stop() {
        detach();
        report();
    }

    /**
     * Lets go of the ring. The listener is told first and may drain; then copies under way are waited for,
     * since the memory that they touch may go away.
     */
    private void detach() {
        queue.running(false);
        if (active == null) {
            return;
        }
        tellListener(false);
        if (async != null) {
            finishCopies();
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
            RingAddresses addresses = setup.addressed
                    ? setup.locate(queue.index(), memory, setup.descUser, setup.availUser, setup.usedUser)
                    : null;
            if (addresses == null) {
                throw new ControlException(
                        "queue %d was started before its size, its addresses and the memory table"
                        .formatted(queue.index()));
            }
            SplitRing ring = new SplitRing(
                    memory, addresses, setup.size, format.ring(), base(memory, addresses));
            ring.log(setup.log, setup.usedLogAddress);
            ring.disableKicks();
            active = new ActiveRing(memory, ring, format, counters, scratch);
            if (async != null) {
                async.attached(active);
            }
            complete = true;
        } catch (InternalError e) {
            device.fail(e);
            throw new ControlException("queue %d: guest memory is gone".formatted(queue.index()), e);
        } finally {
            setup.started = complete;
        }
    }

    /**
     * Where the ring goes on. After a device that died the front-end gives a base that is behind the used
     * index in memory, which the driver has seen: what it counts is done.
     */
    private int base(GuestMemory memory, RingAddresses addresses) {
        int used = SplitRing.usedIdx(memory, addresses);
        if (setup.freshBase && used != setup.base) {
            device.log().log(Level.INFO,
                    "({0}) queue {1}: base {2} differs from the used index, going on at {3}",
                    device.name(), queue.index(), setup.base, used);
            setup.base = used;
        }
        if (setup.freshBase && setup.base != 0 && setup.call != null) {
            // Whoever worked on the ring before may have died between the used index and the interrupt.
            setup.call.signal();
        }
        setup.freshBase = false;
        return setup.base;
    }

    private void finishCopies() {
        SplitRing ring = active.ring();
        try {
            int before = ring.nextUsed();
            async.finish(ring);
            if (ring.nextUsed() != before) {
                interrupt(ring);
            }
        } catch (InternalError e) {
            memoryLost(e);
            async.finish(null);
        }
        checkEngine();
    }

    private void report() {
        boolean runs = active != null && setup.enabled && violation == null;
        tellListener(runs);
        queue.running(runs);
        queue.wakeWaiter();
    }

    private void tellListener(boolean runs) {
        if (runs != reportedRunning) {
            reportedRunning = runs;
            device.notifyListener(
                    "vringStateChanged", () -> device.listener().vringStateChanged(queue, runs));
        }
    }
}
