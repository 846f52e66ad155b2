package io.vhost.app.polling;

import io.vhost.device.VhostDevice;
import io.vhost.os.CpuAffinity;
import io.vhost.protocol.WarningLimiter;
import java.lang.System.Logger.Level;
import java.util.OptionalInt;
import java.util.function.IntSupplier;

/**
 * A platform thread that does one thing again and again until it is closed.
 *
 * <p>Any thread may ask and close. A failure ends the thread and is kept.
 */
public final class PollingThread implements AutoCloseable {
    private static final WarningLimiter LATE =
            new WarningLimiter(System.getLogger(PollingThread.class.getPackageName()));

    private final IntSupplier poll;
    private final Idle idle;
    private final OptionalInt cpu;
    private final Thread thread;
    /** What to do about memory that is gone when no burst has noticed; null: such an error is a failure. */
    private final Runnable memoryCheck;
    private volatile boolean stopped;
    private volatile Throwable failure;

    /**
     * Starts a thread.
     *
     * @param name of the thread
     * @param cpu that it is bound to, if any
     * @param idle what it does in rounds without work
     * @param poll one round; returns how much it did
     */
    public PollingThread(String name, OptionalInt cpu, Idle idle, IntSupplier poll) {
        this(name, cpu, idle, poll, null);
    }

    /**
     * Starts a thread that works on guests' memory. A guest can take that away, and the error of an access
     * may come late: the bursts make it come to them, and what they miss nevertheless ends no thread.
     *
     * @param name of the thread
     * @param cpu that it is bound to, if any
     * @param idle what it does in rounds without work
     * @param poll one round; returns how much it did
     * @param memoryCheck asks each device that the thread works on to
     *     {@linkplain io.vhost.device.VhostDevice#checkMemory look at its memory}
     */
    public PollingThread(
            String name, OptionalInt cpu, Idle idle, IntSupplier poll, Runnable memoryCheck) {
        this.poll = poll;
        this.memoryCheck = memoryCheck;
        this.idle = idle;
        this.cpu = cpu;
        thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
    }

    /** Starts the thread; this object. */
    public PollingThread start() {
        thread.start();
        return this;
    }

    private void run() {
        try {
            cpu.ifPresent(CpuAffinity::pinCurrentThread);
            loop();
        } catch (RuntimeException | Error e) {
            failure = e;
        }
    }

    private void loop() {
        IntSupplier poll = this.poll;
        Idle idle = this.idle;
        while (!stopped) {
            try {
                idle.after(poll.getAsInt());
            } catch (InternalError e) {
                survive(e);
            }
        }
    }

    private void survive(InternalError late) {
        if (memoryCheck == null || !VhostDevice.isMemoryFault(late)) {
            throw late;
        }
        LATE.log(Level.WARNING, "guest memory is gone, noticed outside a burst", late);
        memoryCheck.run();
    }

    /** The thread's id, for measurements. */
    public long id() {
        return thread.threadId();
    }

    /** Why it ended by itself, or null. */
    public Throwable failure() {
        return failure;
    }

    /** Throws what ended the thread, if anything did. */
    public void check() {
        if (failure != null) {
            throw new IllegalStateException("the thread \"" + thread.getName() + "\" has failed", failure);
        }
    }

    /** Ends the loop and waits for that; an interrupt stays set. A second time has no effect. */
    @Override
    public void close() {
        stopped = true;
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
