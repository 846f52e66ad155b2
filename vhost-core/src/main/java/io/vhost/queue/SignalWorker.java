package io.vhost.queue;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.limit.account.SlowPeers;
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
    private final SlowPeers peers;
    private final BlockingQueue<Runnable> due = new LinkedBlockingQueue<>();
    private volatile boolean closed;
    @GuardedBy("this")
    private Thread thread;

    /** A worker whose thread, when there is one, has this name, for one of these front-ends. */
    public SignalWorker(String name, SlowPeers peers) {
        this(name, peers, thread -> {
            thread.start();
            return thread;
        });
    }

    /** The same with another way to start the thread. */
    SignalWorker(String name, SlowPeers peers, UnaryOperator<Thread> starter) {
        this.name = name;
        this.peers = peers;
        this.starter = starter;
    }

    /** Whether front-ends like this one had slow eventfds lately. */
    boolean expectsSlow() {
        return peers.wereSlow();
    }

    /** This one has. */
    void foundSlow() {
        peers.slow();
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
