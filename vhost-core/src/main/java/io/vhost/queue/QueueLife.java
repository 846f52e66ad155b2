package io.vhost.queue;

import io.vhost.memory.DirtyLog;
import io.vhost.memory.GuestMemory;
import io.vhost.memory.MemoryFault;
import io.vhost.os.EventFd;
import io.vhost.os.OsException;
import io.vhost.ring.DeviceRing;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingFormat;
import io.vhost.ring.RingOptions;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.QueueSnapshot;
import io.vhost.state.RingElement;
import io.vhost.state.RingViolation;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.OptionalInt;

/**
 * The life of one queue's ring, whatever it carries: attached and detached as its front-end says, moved with
 * its memory, fenced for a guest that breaks a rule, interrupting the driver and asking it for kicks.
 *
 * <p>Everything here is used under the queue's lock, without exception.
 */
public final class QueueLife {
    private final QueueOwner owner;
    private final int index;
    private final QueueGate gate;
    private final QueueTally counters;
    private final RingSetup setup;
    private final QueueUser user;
    /** Of the ring, as it was when the front-end changed it last. */
    private RingFormat format = RingFormat.SPLIT;
    /** Null while the ring is stopped or cannot be located. */
    private OpenRing open;
    private RingViolation violation;
    private boolean reportedRunning;
    /** Of the ring whose heap is in the account of the process; 0: none is. */
    private int entriesTaken;

    QueueLife(QueueOwner owner, int index, QueueGate gate, QueueTally counters, QueueUser user) {
        this.owner = owner;
        this.setup = new RingSetup(owner.signalWorker());
        this.index = index;
        this.gate = gate;
        this.counters = counters;
        this.user = user;
    }

    RingSetup setup() {
        return setup;
    }

    /** The ring; null while it is stopped. While the queue runs there is one. */
    public DeviceRing ring() {
        return open == null ? null : open.ring();
    }

    /** Where the ring lies; null while it is stopped. */
    public GuestMemory memory() {
        return open == null ? null : open.memory();
    }

    /** The rule that the guest broke, for which the queue is fenced; null for none. */
    public RingViolation violation() {
        return violation;
    }

    QueueSnapshot snapshot() {
        return QueueInspector.snapshot(index, gate.isOpen(), setup, format, open, user.copies(), violation);
    }

    /** What the driver has offered at a position of the ring; null while the ring is stopped. */
    RingElement element(OptionalInt position) {
        DeviceRing ring = ring();
        return ring == null
                ? null : ring.element(open.memory(), position.orElse(ring.positions().nextAvail()));
    }

    /** Whether bursts may go on: false as soon as somebody wants to change the queue. */
    public boolean isRunning() {
        return gate.isOpen();
    }

    boolean isAttached() {
        return open != null;
    }

    // What users tell after their bursts.

    /**
     * After a burst: one interrupt for all of it, if the guest wants one; then the fence for a guest that
     * broke a rule.
     *
     * @param publishedBefore {@link DeviceRing#published} when the burst began
     */
    public void finish(int publishedBefore) {
        interruptFor(publishedBefore);
        checkViolation();
    }

    /** Interrupts the guest for what was published since {@code publishedBefore}, if it wants that. */
    public void interruptFor(int publishedBefore) {
        DeviceRing ring = ring();
        if (ring != null && ring.published() != publishedBefore) {
            interrupt(ring);
            // What the guest wrote of its wish for interrupts may break a rule, too.
            checkViolation();
        }
    }

    private void interrupt(DeviceRing ring) {
        if (setup.call == null) {
            // Not asked, so that the ring goes on owing the interrupt until there is a way to send it.
            return;
        }
        if (ring.needsInterrupt()) {
            boolean sent = setup.interrupts.signal(setup.call);
            counters.add(sent ? Counter.INTERRUPTS : Counter.INTERRUPTS_FAILED, 1);
        } else {
            counters.add(Counter.INTERRUPTS_SUPPRESSED, 1);
        }
    }

    /** Fences the queue if the guest broke a rule of the ring and the queue is not fenced yet. */
    public void checkViolation() {
        OpenRing present = open;
        if (present == null || violation != null) {
            return;
        }
        if (present.memory().isReplaced()) {
            // First: a ring of zeros breaks rules, too.
            memoryLost(new InternalError("a file was truncated; zeros are in its place"));
        } else if (present.ring().violation() != null) {
            // What was read of memory that is gone breaks rules, and the error may still be on its way.
            MemoryFault.surface();
            fence(present.ring().violation(), present.ring().violationDetail());
        }
    }

    /** Stops the queue until its front-end starts it again; counted, logged and signalled. */
    public void fence(RingViolation fault, long detail) {
        gate.open(false);
        violation = fault;
        counters.add(fault);
        // A guest that restarts its queue to offend again is logged at the powers of two.
        if (Long.bitCount(counters.get(fault)) == 1) {
            owner.log().log(Level.WARNING,
                    "({0}) queue {1} fenced: {2}, value 0x{3} ({4}, {5} times on this queue)",
                    owner.name(), index, fault.text(), Long.toHexString(detail), fault, counters.get(fault));
        }
        if (setup.error != null && !setup.errors.signal(setup.error)) {
            owner.log().log(Level.DEBUG, "({0}) queue {1}: error eventfd cannot be signalled",
                    owner.name(), index);
        }
    }

    /**
     * The guest truncated the file behind its memory. The error may arrive a little later than the access, so
     * nothing that the burst did can be relied on, and the device is given up.
     */
    public void memoryLost(InternalError cause) {
        fence(RingViolation.MEMORY_LOST, 0);
        owner.fail(cause);
    }

    /** Finds out whether the guest's memory is gone, and then does as a burst that met it. */
    void checkMemory() {
        if (open == null) {
            return;
        }
        try {
            open.memory().touch();
            MemoryFault.surface();
            checkViolation();
        } catch (InternalError e) {
            memoryLost(e);
        }
    }

    // Waiting for kicks. The queue runs.

    KickSource.Answer arm(KickSource kick) {
        if (setup.kick == null || !kick.isOfUse(open.ring().published())) {
            return KickSource.Answer.SENDS_NO_KICKS;
        }
        try {
            kick.follow(setup.kick);
            boolean work = open.ring().enableKicks();
            checkViolation();
            MemoryFault.surface();
            return work || violation != null ? KickSource.Answer.HAS_WORK : KickSource.Answer.ARMED;
        } catch (OsException e) {
            owner.log().log(Level.WARNING, "({0}) queue {1} cannot be waited for: {2}",
                    owner.name(), index, e.getMessage());
            return KickSource.Answer.SENDS_NO_KICKS;
        } catch (InternalError e) {
            memoryLost(e);
            return KickSource.Answer.HAS_WORK;
        }
    }

    void disarm() {
        try {
            if (open.ring().kicksWanted()) {
                open.ring().disableKicks();
            }
            MemoryFault.surface();
        } catch (InternalError e) {
            memoryLost(e);
        }
    }

    // The connection's requests.

    /**
     * Stops the ring, makes a change, and starts the ring again if it is complete and started. The owner is
     * told of the outcome. The position in the ring is kept, and after a change that is refused the ring goes
     * on as before.
     */
    void restart(RingChange change, GuestMemory memory, RingFormat present, RingOptions options)
            throws ControlException {
        try {
            DeviceRing before = ring();
            detach();
            format = present;
            try {
                change.apply(setup);
            } finally {
                attach(memory, options);
            }
            if (before != null && !setup.started) {
                forgetInflight(before);
            }
        } finally {
            report();
        }
    }

    /** Sets where the ring goes on, which is stopped; who looks at it is told so in that format. */
    void base(int base, RingFormat present) throws ControlException {
        RingSetup.requireBase(index, present, base, RingSetup.SIZE_UNKNOWN);
        setup.base = base;
        setup.freshBase = true;
        format = present;
    }

    /**
     * Replaces what interrupts the guest.
     *
     * @return whether it has to be signalled, when the lock is free: a started ring may have used chains in
     *     between
     */
    boolean call(EventFd eventFd) {
        setup.call(eventFd);
        return eventFd != null && open != null;
    }

    /** Where writes are logged from now on; null: nowhere. */
    void dirtyLog(DirtyLog dirtyLog) {
        setup.dirtyLog = dirtyLog;
        if (open != null) {
            open.ring().logWrites(dirtyLog, setup.deviceAreaLogAddress);
        }
    }

    /** The front-end has stopped the ring and is told where it goes on: the position is its business now. */
    private void forgetInflight(DeviceRing stopped) {
        try {
            stopped.forgetInflight();
            MemoryFault.surface();
        } catch (InternalError e) {
            owner.fail(e);
        }
    }

    /** Stops the ring and tells the owner. */
    void stop() {
        detach();
        report();
    }

    /**
     * Lets go of the ring. The owner is told first and may drain; then the user lets go of it, since the
     * memory may go away.
     */
    private void detach() {
        gate.open(false);
        if (open == null) {
            return;
        }
        tellOwner(false);
        close();
        // Chains that a failed burst took and never returned are taken again.
        setup.base = open.ring().base();
        drop();
    }

    private void close() {
        DeviceRing ring = open.ring();
        try {
            int before = ring.published();
            user.closing(ring, false);
            interruptFor(before);
            MemoryFault.surface();
        } catch (InternalError e) {
            memoryLost(e);
            user.closing(ring, true);
        }
    }

    /** Starts the ring if the front-end said so. A ring that cannot be found in memory counts as stopped. */
    private void attach(GuestMemory memory, RingOptions options) throws ControlException {
        if (!setup.started) {
            violation = null;
            return;
        }
        boolean complete = false;
        try {
            RingAddresses addresses = setup.locate(index, format, memory);
            takeHeap();
            boolean fresh = setup.freshBase;
            int base = base(memory, addresses);
            MemorySegment inflight = setup.inflightPart(index, format);
            DeviceRing ring = format.device(memory, addresses, setup.size, options, base);
            ring.logWrites(setup.dirtyLog, setup.deviceAreaLogAddress);
            if (inflight != null) {
                ring.track(inflight);
            }
            ring.disableKicks();
            int goesOn = ring.base();
            boolean behind = fresh && format.isBehind(memory, addresses, setup.size, goesOn);
            // Nothing is to be undone as long as the ring is not open.
            MemoryFault.surface();
            open = new OpenRing(memory, ring, format, setup.inflight);
            user.opened(ring);
            complete = true;
            // The driver may wait for a position that nobody knows: better a queue that says so than one that
            // waits for ever, or takes chains that the driver has back.
            checkViolation();
            if (behind && violation == null) {
                fence(RingViolation.BASE_BEHIND, Integer.toUnsignedLong(goesOn));
            }
        } catch (InternalError e) {
            owner.fail(e);
            throw new ControlException("queue %d: guest memory is gone".formatted(index), e);
        } finally {
            setup.started = complete;
            if (!complete) {
                drop();
            }
        }
    }

    /** A front-end chooses the size of its rings, and many connections many of them. */
    private void takeHeap() throws ControlException {
        String refusal = owner.takeRing(setup.size);
        if (refusal != null) {
            throw new ControlException("queue %d: %s".formatted(index, refusal));
        }
        entriesTaken = setup.size;
    }

    /** Nothing of the ring is left. */
    private void drop() {
        if (open != null) {
            open.release();
            open = null;
        }
        if (entriesTaken > 0) {
            owner.giveRing(entriesTaken);
            entriesTaken = 0;
        }
    }

    /**
     * Where the ring goes on. After a device that died the front-end gives a base that is behind what the
     * driver has seen used: what that counts is done.
     */
    private int base(GuestMemory memory, RingAddresses addresses) throws ControlException {
        int given = setup.base(index, format);
        if (!setup.freshBase) {
            return given;
        }
        int present = format.resume(memory, addresses, given);
        if ((present & 0xFFFF) != (given & 0xFFFF)) {
            owner.log().log(Level.INFO,
                    "({0}) queue {1}: base {2} differs from the used index, going on at {3}",
                    owner.name(), index, given, present);
        }
        if (setup.call != null) {
            // Whoever worked on the ring before may have died between the used index and the interrupt; a
            // ring that has come round to its beginning looks new. To a driver without work it means nothing.
            setup.interrupts.signal(setup.call);
        }
        setup.base = present;
        setup.freshBase = false;
        return present;
    }

    private void report() {
        boolean runs = open != null && setup.enabled && violation == null;
        tellOwner(runs);
        gate.open(runs);
        gate.wake();
    }

    private void tellOwner(boolean runs) {
        if (runs != reportedRunning) {
            reportedRunning = runs;
            owner.stateChanged(index, runs);
        }
    }

    @Override
    public String toString() {
        return owner.name() + " queue " + index;
    }
}
