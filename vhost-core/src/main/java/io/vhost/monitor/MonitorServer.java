package io.vhost.monitor;

import io.vhost.monitor.device.DeviceRegistry;
import io.vhost.monitor.dialogue.CommandTable;
import io.vhost.monitor.event.MonitorEvent;
import io.vhost.monitor.json.InputBudget;
import io.vhost.monitor.json.JsonLibrary;
import io.vhost.os.OsException;
import io.vhost.os.UnixListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A monitor that listens on a Unix socket.
 *
 * <p>The socket file is the owner's alone (0600) unless the configuration says otherwise, and there from the
 * moment when clients are greeted until {@link #close}. Threads: all methods may be called by any, in any
 * callback.
 */
public final class MonitorServer implements AutoCloseable {
    private static final int WRITABLE_BY_ALL = 0002;
    private static final int STICKY = 01000;

    private final Path path;
    private final MonitorConfig config;
    private final MonitorLoop loop;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final DeviceRegistry.Watcher watcher = this::published;

    private MonitorServer(Path path, MonitorConfig config, UnixListener listener) {
        this.path = path;
        this.config = config;
        this.loop = new MonitorLoop(listener, config);
    }

    /**
     * Begins to listen. A socket file that a dead process has left behind is replaced.
     *
     * @param path where the socket is created; at most 107 bytes, in a directory that not everyone may change
     * @param config how the monitor behaves
     * @throws IOException if the path cannot be used; the text names path, reason and remedy
     * @throws IllegalStateException if the program lacks the library that writes JSON; the text names it
     */
    public static MonitorServer listen(Path path, MonitorConfig config) throws IOException {
        Objects.requireNonNull(path, "path");
        Objects.requireNonNull(config, "config");
        JsonLibrary.require();
        checkDirectory(path);
        try {
            int backlog = config.isExclusive() ? 1 : UnixListener.BACKLOG;
            MonitorServer server = new MonitorServer(
                    path, config, UnixListener.bind(path, config.socketMode(), backlog));
            config.devices().add(server.watcher);
            CommandTable commands = new BuiltIn(config.subject(path), server.loop::describe,
                    server.loop::announceEnd, config::table).commands();
            InputBudget budget = config.inputBudget();
            server.loop.start(host -> config.dialogue(host, commands, budget.share()));
            return server;
        } catch (OsException failure) {
            throw new IOException(failure.getMessage(), failure);
        }
    }

    /** Where the monitor listens. */
    public Path path() {
        return path;
    }

    /**
     * Tells all clients that have negotiated, soon; does not wait. What comes faster than it can be sent is
     * dropped, beyond 1,024 events or 1 MiB that wait: each client is told how many it missed
     * ({@code VHOST_EVENTS_DROPPED}).
     *
     * @param event upper case, words joined by underscores
     * @param data its members, of the types that JSON has; not looked at any more when this has returned
     */
    public void publish(String event, Map<String, ?> data) {
        published(MonitorEvent.of(Objects.requireNonNull(event, "event"), data));
    }

    /**
     * Tells the clients, sends them what they are owed within a second, and removes the socket file. Waits
     * for that.
     */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            config.devices().remove(watcher);
            loop.stop();
        }
    }

    private void published(MonitorEvent event) {
        if (!closed.get()) {
            loop.publish(event);
        }
    }

    /** In a directory that everyone may change, everyone may put another socket in our place. */
    private static void checkDirectory(Path path) throws IOException {
        Path directory = path.toAbsolutePath().getParent();
        if (directory == null || !Files.isDirectory(directory)) {
            return;   // bind says what is wrong
        }
        int mode = (Integer) Files.getAttribute(directory, "unix:mode");
        if ((mode & WRITABLE_BY_ALL) != 0 && (mode & STICKY) == 0) {
            throw new IOException("bind(" + path + "): everyone may replace files in " + directory
                    + "; take its write permission away (chmod o-w), or choose another directory");
        }
    }
}
