package io.vhost.server;

import io.vhost.control.DeviceControl;
import io.vhost.device.VhostDevice;
import io.vhost.protocol.BackendSession;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** One connected front-end: the session and the platform thread that runs it. */
final class Connection {
    /** Set while a thread runs a connection, this server's or another's. */
    private static final ScopedValue<Connection> CURRENT = ScopedValue.newInstance();

    private final BackendSession session;
    private final VhostDevice device;
    private final Thread thread;
    private final BooleanSupplier inCallback;

    /** A connection whose thread is not started; {@code ended} is its last act. */
    Connection(String name, BackendSession session, DeviceControl control, Consumer<Connection> ended) {
        this.session = session;
        this.device = control.device();
        inCallback = control::isInCallback;
        thread = Thread.ofPlatform().daemon().name(name).unstarted(new Work(this, ended));
    }

    /**
     * What the thread does. A thread that has ended is kept until somebody has waited for it, and must not
     * keep the device with its rings as long.
     */
    private static final class Work implements Runnable {
        private final Consumer<Connection> ended;
        private Connection connection;

        private Work(Connection connection, Consumer<Connection> ended) {
            this.connection = connection;
            this.ended = ended;
        }

        @Override
        public void run() {
            Connection present = connection;
            connection = null;
            try {
                ScopedValue.where(CURRENT, present).run(present.session::run);
            } finally {
                ended.accept(present);
            }
        }
    }

    /** Whether the calling thread is that of a connection, which must never wait for another. */
    static boolean onConnectionThread() {
        return CURRENT.isBound();
    }

    VhostDevice device() {
        return device;
    }

    void start() {
        thread.start();
    }

    /** Makes the thread end; any thread, does not wait. */
    void stop() {
        session.stop();
    }

    Thread thread() {
        return thread;
    }

    /** Waits for the thread, as long as there is patience. */
    void join(Patience patience) {
        patience.join(thread, inCallback);
    }
}
