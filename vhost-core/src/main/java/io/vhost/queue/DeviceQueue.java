package io.vhost.queue;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.memory.MemoryFault;
import io.vhost.state.AccessLock;
import io.vhost.state.QueueCounters;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.QueueSnapshot;
import io.vhost.state.RingElement;
import io.vhost.state.RingViolation;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;

/**
 * One queue of a device, of whatever kind: its lock, its counters and the life of its ring. What moves
 * through it is the business of those who extend it.
 *
 * <p>Threads: any. Lock: none may be held, unless a method says so; all may be called under
 * {@link #access_lock} as well.
 *
 * <p>Javadoc shows what is here with the queues that applications have, but for what is for those who extend
 * it alone, which is hidden.
 */
@SuppressWarnings("InvalidBlockTag") // Error Prone does not know the standard doclet's @hidden.
public abstract class DeviceQueue {
    /**
     * Guards everything about this queue. Applications may hold it around calls; bursts and control calls are
     * re-entrant. Never wait for another thread's burst while holding it.
     */
    public final AccessLock access_lock;

    private static final int SNAPSHOT_TRIES = 200;
    private static final long SNAPSHOT_PAUSE_NANOS = 50_000;

    private final QueueOwner owner;
    private final int index;
    private final QueueTally tally;
    private final QueueEvents events;
    private final QueueGate gate = new QueueGate();

    @GuardedBy("access_lock")
    private final QueueLife life;

    /** The transport's side, see {@link QueueAccess}. */
    final QueueControl control;

    /**
     * A queue whose ring is stopped.
     *
     * @param owner the device
     * @param index place among the device's queues, from 0
     * @param lockTiming whether {@link AccessLock#longestHold} is measured
     * @param tally of this queue
     * @param user what the chains are for
     */
    protected DeviceQueue(
            QueueOwner owner, int index, boolean lockTiming, QueueTally tally, QueueUser user) {
        this.owner = owner;
        this.index = index;
        this.tally = tally;
        this.access_lock = new AccessLock(lockTiming);
        this.events = new QueueEvents(owner.name(), index);
        this.life = new QueueLife(owner, index, gate, tally, user);
        this.control = new QueueControl(index, access_lock, gate, life);
    }

    /** Place among the device's queues, from 0. */
    public final int index() {
        return index;
    }

    /**
     * Whether bursts can move anything: the ring is set up, started and enabled,
     * and the guest has kept its rules.
     */
    public final boolean isRunning() {
        return gate.isOpen();
    }

    /** What has been counted. */
    public final QueueCounters counters() {
        return tally;
    }

    /**
     * How the queue is at this moment. Waits a little when another thread works on the queue,
     * without standing in its way.
     *
     * @return null when the lock was not to be had in that time
     */
    public final QueueSnapshot snapshot() {
        return look(QueueLife::snapshot);
    }

    /**
     * What the driver has offered at a position of the ring. Only addresses, lengths and flags are read, and
     * nothing is checked. Waits as {@link #snapshot} does.
     *
     * @param position counted as the ring's format does; none: the next chain to take
     * @return null when the ring is stopped, its memory is gone, or the lock was not to be had
     */
    public final RingElement element(OptionalInt position) {
        try {
            RingElement element = look(at -> at.element(position));
            MemoryFault.surface();
            return element;
        } catch (InternalError _) {
            // The guest truncated the file behind its memory;
            // the next burst finds out too, and gives the device up.
            return null;
        }
    }

    /**
     * Finds out whether the guest's memory is gone, and then fences the queue and has the device fail, as a
     * burst does that met it. Takes the lock.
     */
    public final void checkMemory() {
        access_lock.lock();
        try {
            life.checkMemory();
        } finally {
            access_lock.unlock();
        }
    }

    private <T> T look(Function<QueueLife, T> at) {
        for (int tries = 0; tries < SNAPSHOT_TRIES; tries++) {
            if (access_lock.tryLock()) {
                try {
                    return at.apply(life);
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
    public final RingViolation violation() {
        access_lock.lock();
        try {
            return life.violation();
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * The life of the ring, for who holds the lock.
     *
     * @hidden
     */
    @GuardedBy("access_lock")
    protected final QueueLife life() {
        return life;
    }

    /**
     * What has been counted, for who counts.
     *
     * @hidden
     */
    protected final QueueTally tally() {
        return tally;
    }

    /**
     * What Flight Recorder is told about this queue.
     *
     * @hidden
     */
    protected final QueueEvents events() {
        return events;
    }

    /**
     * Waits for the lock as long as the queue runs. The control thread ends that before it takes the lock for
     * a change, so a listener that waits for a polling thread under the lock gets its answer.
     *
     * @return false when the queue does not run, and then the lock is not held
     * @hidden
     */
    protected final boolean lockWhileRunning() {
        int spins = 0;
        while (!access_lock.tryLock()) {
            if (!gate.isOpen()) {
                return false;
            }
            if (++spins % 128 == 0) {
                tally.addShared(Counter.BUSY);
                LockSupport.parkNanos(1);
            } else {
                Thread.onSpinWait();
            }
        }
        return true;
    }

    /**
     * Takes the lock for a control call, and counts those who have it already.
     *
     * @hidden
     */
    protected final void lockForControl() {
        if (access_lock.isHeldByCurrentThread()) {
            tally.addShared(Counter.REENTRANT_CALLS);
        }
        access_lock.lock();
    }

    /**
     * Checks before anything guarded is read that the calling thread holds the lock. Another thread's hold
     * does not count.
     *
     * @param call name of the method that was called
     * @param log where the misuse is reported
     * @throws IllegalMonitorStateException if it does not
     * @hidden
     */
    protected final void requireLock(String call, Logger log) {
        if (access_lock.isHeldByCurrentThread()) {
            return;
        }
        Thread holder = access_lock.owner();
        String text = ("(%s) queue %d: %s() called without access lock taken, which %s; call it inside"
                + " access_lock.lock() and unlock(), or call %s(), which takes it").formatted(
                owner.name(), index, call,
                holder == null ? "nobody holds" : "thread \"" + holder.getName() + "\" holds",
                call.replace("ThreadUnsafe", ""));
        log.log(Level.ERROR, text);
        tally.addShared(Counter.LOCK_MISUSE);
        events.lockMisuse(call);
        throw new IllegalMonitorStateException(text);
    }

    /**
     * Asks the guest for kicks, for a thread that is about to sleep.
     *
     * @param sleeper is told of changes of the queue from now on
     * @param kick what to sleep on
     * @return what the thread has to do
     * @hidden
     */
    protected final KickSource.Answer arm(Runnable sleeper, KickSource kick) {
        gate.sleeper(sleeper);
        if (!gate.isOpen() || !lockWhileRunning()) {
            return KickSource.Answer.IS_STOPPED;
        }
        try {
            return gate.isOpen() ? life.arm(kick) : KickSource.Answer.IS_STOPPED;
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * The thread no longer sleeps. Without effect when another one has asked for kicks since: a queue that is
     * polled by another thread now is left by the first one whenever that gets to run.
     *
     * @param sleeper as it was told to {@link #arm}
     * @hidden
     */
    protected final void disarm(Runnable sleeper) {
        if (!gate.isOpen() || !lockWhileRunning()) {
            return;
        }
        try {
            if (gate.isOpen() && gate.isSleeper(sleeper)) {
                life.disarm();
            }
        } finally {
            access_lock.unlock();
        }
    }

    @Override
    public String toString() {
        return owner.name() + " queue " + index;
    }
}
