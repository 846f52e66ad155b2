package io.vhost.app.vswitch;

import io.vhost.app.polling.Idle;
import io.vhost.app.polling.PollingThread;
import io.vhost.device.QueueWaiter;
import io.vhost.device.VirtQueue;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * One thread of {@code switch}: it polls its share of the ports while there is work, and soon after it found
 * none waits for kicks. Threads: any plans, one closes.
 */
final class SwitchThread {
    /** How long the thread polls after the last packet, in ns, before it waits. */
    private static final long LINGER = 50_000;
    private static final int LOOK_AROUND_MILLIS = 10_000;
    private static final VirtQueue[] NONE = {};

    private final SwitchWorker worker;
    private final boolean waits;
    /** Numbers of file descriptors that end a wait besides queues and uplinks. */
    private final int[] others;
    private final BooleanSupplier copying;
    private final QueueWaiter waiter;
    private final PollingThread thread;
    private volatile VirtQueue[] queues = NONE;
    private volatile Uplink[] uplinks = {};
    private volatile boolean closing;
    /** What the waiter knows of. */
    private Uplink[] watched = {};
    private long busyUntil;
    private boolean begun;

    /**
     * A thread that runs.
     *
     * @param name of the thread
     * @param cpu that it is bound to, if any
     * @param worker what it polls
     * @param waits whether it waits when there is nothing to do
     * @param others numbers of file descriptors that end a wait, too
     * @param copying whether DMA channels copy packets at present
     * @param memoryCheck has the guests' devices look at their memory
     */
    SwitchThread(String name, OptionalInt cpu, SwitchWorker worker, boolean waits, int[] others,
            BooleanSupplier copying, Runnable memoryCheck) {
        this.worker = worker;
        this.waits = waits;
        this.others = others.clone();
        this.copying = copying;
        waiter = new QueueWaiter(others);
        thread = new PollingThread(
                name, cpu, new Idle(Integer.MAX_VALUE, 0, 0), this::round, memoryCheck).start();
    }

    /**
     * Has other work from now on.
     *
     * @param from the queues from guests that it polls
     * @param drives the uplinks that it polls
     */
    void plan(VirtQueue[] from, List<Uplink> drives) {
        queues = from;
        uplinks = drives.toArray(Uplink[]::new);
        waiter.wakeUp();
    }

    /** Throws if the thread has failed. */
    void check() {
        thread.check();
    }

    private int round() {
        if (!begun) {
            begun = true;
            worker.begin();
        }
        long now = System.nanoTime();
        int moved = worker.poll(now);
        if (moved > 0) {
            busyUntil = now + LINGER;
        } else if (waits && now - busyUntil > 0 && !closing && !copying.getAsBoolean()) {
            sleep();
        }
        return moved;
    }

    private void sleep() {
        Uplink[] present = uplinks;
        if (!Arrays.equals(present, watched)) {
            watched = present;
            waiter.watch(IntStream.concat(Arrays.stream(others),
                    Arrays.stream(present).mapToInt(Uplink::interruptFd)).toArray());
        }
        boolean work = false;
        for (Uplink uplink : present) {
            work |= uplink.arm();
        }
        if (!work) {
            waiter.await(LOOK_AROUND_MILLIS, queues);
        }
        for (Uplink uplink : present) {
            uplink.disarm();
        }
    }

    /** The thread is to end. */
    void end() {
        closing = true;
        waiter.wakeUp();
    }

    /** Ends the thread and waits for that. */
    void join() {
        thread.close();
    }

    /** When nobody plans any more. */
    void close() {
        waiter.close();
    }
}
