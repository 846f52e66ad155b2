package io.vhost.queue;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.UnaryOperator;

/**
 * The thread of one connection that signals its slow eventfds, see {@link Signals}: what one front-end makes
 * slow holds up no other. Started when it is needed first.
 *
 * <p>Thread: any.
 */
public final class SignalWorker {
    private final UnaryOperator<Thread> starter;
    private final String name;
    private final BlockingQueue<Runnable> due = new LinkedBlockingQueue<>();
    private volatile boolean closed;
    @GuardedBy("this")
    private Thread thread;

    /** A worker whose thread, when there is one, has this name. */
    public SignalWorker(String name) {
        this(name, thread -> {
            thread.start();
            return thread;
        });
    }

    /** The same with another way to start the thread. */
    SignalWorker(String name, UnaryOperator<Thread> starter) {
        this.name = name;
        this.starter = starter;
    }

    /** Whether there is a thread: the system may have none left. */
    synchronized boolean begin() {
        if (thread == null) {
            try {
                thread = starter.apply(Thread.ofPlatform().daemon().name(name).unstarted(this::run));
            } catch (OutOfMemoryError _) {
                return false;
            }
        }
        return true;
    }

    void add(Runnable work) {
        due.add(work);
    }

    /** Ends the thread after what was added before. */
    public synchronized void close() {
        closed = true;
        if (thread != null) {
            due.add(() -> {});    // for the thread to look at the end
        }
    }

    private void run() {
        while (!closed || !due.isEmpty()) {
            try {
                due.take().run();
            } catch (InterruptedException _) {
                // Nobody has a reason to end it.
            }
        }
    }
}
