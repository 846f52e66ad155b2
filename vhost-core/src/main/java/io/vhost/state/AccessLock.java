package io.vhost.state;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The lock of one queue, which can say who has it.
 *
 * <p>It is an ordinary {@link ReentrantLock}, not fair. How long it is held is measured only if the device's
 * configuration asks for it, because reading the clock twice costs more than the lock.
 */
public final class AccessLock extends ReentrantLock {
    private static final long serialVersionUID = 1L;

    private static final VarHandle ACQUIRED;

    static {
        try {
            ACQUIRED = MethodHandles.lookup().findVarHandle(AccessLock.class, "acquired", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final boolean timed;
    // Written by the owner only.
    private long takenAt;
    private long acquired;
    private volatile long longestHold;

    /**
     * A lock that nobody holds. Queues bring theirs along.
     *
     * @param timed whether {@link #longestHold} is measured
     */
    public AccessLock(boolean timed) {
        this.timed = timed;
    }

    /**
     * {@return the thread that holds the lock at this moment, or null} For diagnostics:
     * it may be old when it is read.
     */
    public Thread owner() {
        return getOwner();
    }

    /** {@return how many threads wait, an estimate for diagnostics} */
    public int waiters() {
        return getQueueLength();
    }

    /** {@return how often the lock was taken, by threads that held it already too} */
    public long acquired() {
        return (long) ACQUIRED.getOpaque(this);
    }

    /**
     * {@return the longest time that the lock was held;
     * zero when the configuration does not ask to measure it}
     */
    public Duration longestHold() {
        return Duration.ofNanos(longestHold);
    }

    @Override
    public void lock() {
        super.lock();
        taken();
    }

    @Override
    public void lockInterruptibly() throws InterruptedException {
        super.lockInterruptibly();
        taken();
    }

    @Override
    public boolean tryLock() {
        boolean got = super.tryLock();
        if (got) {
            taken();
        }
        return got;
    }

    @Override
    public boolean tryLock(long timeout, TimeUnit unit) throws InterruptedException {
        boolean got = super.tryLock(timeout, unit);
        if (got) {
            taken();
        }
        return got;
    }

    @Override
    public void unlock() {
        if (timed && getHoldCount() == 1) {
            longestHold = Math.max(longestHold, System.nanoTime() - takenAt);
        }
        super.unlock();
    }

    private void taken() {
        // The owner alone writes, so no read-modify-write instruction is needed.
        ACQUIRED.setOpaque(this, acquired + 1);
        if (timed && getHoldCount() == 1) {
            takenAt = System.nanoTime();
        }
    }
}
