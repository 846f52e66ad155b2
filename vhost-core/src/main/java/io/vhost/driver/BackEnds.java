package io.vhost.driver;

import io.vhost.os.Descriptor;
import io.vhost.os.OsException;
import io.vhost.os.Poll;
import io.vhost.os.UnixListener;
import io.vhost.protocol.FrontendSession;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.Set;

/** Where a driver finds its back-end, and each successor of it. Thread: the one that starts and stops. */
final class BackEnds implements AutoCloseable {
    /** One is served at a time: who comes meanwhile waits for its end. */
    private static final int BACKLOG = 1;

    private final Path path;
    private final Duration timeout;
    /** Null: back-ends listen. */
    private final UnixListener listener;

    private BackEnds(Path path, Duration timeout, UnixListener listener) {
        this.path = path;
        this.timeout = timeout;
        this.listener = listener;
    }

    /** Back-ends that listen at {@code path}. */
    static BackEnds listeningAt(Path path, Duration timeout) {
        return new BackEnds(path, timeout, null);
    }

    /**
     * Back-ends that connect to {@code path}.
     *
     * @param permissions of the socket's file
     * @throws IOException if the path cannot be used
     */
    static BackEnds connectingTo(Path path, Set<PosixFilePermission> permissions, Duration timeout)
            throws IOException {
        try {
            return new BackEnds(path, timeout, UnixListener.bind(path, permissions, BACKLOG));
        } catch (OsException failure) {
            throw new IOException(failure.getMessage(), failure);
        }
    }

    Path path() {
        return path;
    }

    /** Becomes readable when a back-end has connected that nobody has asked for yet; null if they listen. */
    Descriptor arrival() {
        return listener == null ? null : listener.descriptor();
    }

    /**
     * The next back-end, to which nothing has been said.
     *
     * @throws IOException when nobody listens, or none has connected in time
     */
    FrontendSession next() throws IOException {
        if (listener == null) {
            return FrontendSession.connect(path, timeout);
        }
        try {
            int millis = Math.clamp(timeout.toMillis(), 1, Integer.MAX_VALUE);
            if (new Poll(listener.descriptor()).await(millis) == 0) {
                throw new IOException("no back-end has connected to " + path + " within " + millis
                        + " ms; have it connect there as a client");
            }
            return new FrontendSession(listener.accept(), timeout);
        } catch (OsException failure) {
            throw new IOException(failure.getMessage(), failure);
        }
    }

    /** Removes the socket's file, if it is this object's. */
    @Override
    public void close() {
        if (listener != null) {
            listener.close();
            listener.settle();
        }
    }
}
