package io.vhost.queue;

import io.vhost.os.EventFd;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * An eventfd that is signalled by a thread which does nothing else, for all of the process: the kernel may
 * take as long as it likes. Signals that come meanwhile become one.
 *
 * <p>Thread: any for {@link #request}; {@link #close} comes last.
 */
final class DeferredSignal {
    private static final BlockingQueue<DeferredSignal> DUE = new LinkedBlockingQueue<>();

    private final EventFd eventFd;
    private final AtomicBoolean due = new AtomicBoolean();
    private volatile boolean closed;

    /** Signals {@code eventFd}, which is this object's from now on. */
    DeferredSignal(EventFd eventFd) {
        this.eventFd = eventFd;
        Worker.begin();
    }

    /** Has the eventfd signalled soon. */
    void request() {
        if (due.compareAndSet(false, true)) {
            DUE.add(this);
        }
    }

    /** Has the eventfd closed soon. */
    void close() {
        closed = true;
        request();
    }

    private void serve() {
        // First: what is asked for from here on needs another signal.
        due.set(false);
        if (closed) {
            eventFd.close();
        } else {
            eventFd.signal();
        }
    }

    /** Started with its first use, and then as long as the process. */
    private static final class Worker {
        private static final Thread THREAD =
                Thread.ofPlatform().daemon().name("vhost-signals").unstarted(Worker::run);

        static {
            THREAD.start();
        }

        /** The class has begun, and the thread with it. */
        static void begin() {}

        private static void run() {
            while (true) {
                try {
                    DUE.take().serve();
                } catch (InterruptedException _) {
                    // Nobody has a reason to end it.
                }
            }
        }
    }
}
