package io.vhost.server;

import io.vhost.device.VhostDevice;
import io.vhost.protocol.BackendSession;
import java.util.function.Consumer;

/** One connected front-end: the session and the platform thread that runs it. */
final class Connection {
    /** Set while a thread runs a connection, this server's or another's. */
    private static final ScopedValue<Connection> CURRENT = ScopedValue.newInstance();

    private final BackendSession session;
    private final VhostDevice device;
    private final Thread thread;

    /** A connection whose thread is not started; {@code ended} is its last act. */
    Connection(String name, BackendSession session, VhostDevice device, Consumer<Connection> ended) {
        this.session = session;
        this.device = device;
        thread = Thread.ofPlatform().daemon().name(name).unstarted(() -> {
            try {
                ScopedValue.where(CURRENT, this).run(session::run);
            } finally {
                ended.accept(this);
            }
        });
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
}
