package io.vhost.app.service;

import io.vhost.os.NotifySocket;
import io.vhost.os.OsException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jline.utils.Signals;

/**
 * Tells the service manager that started this process how it does (sd_notify(3)); nobody where there is none.
 *
 * <p>Threads: any. A thread of its own answers the watchdog, as long as the program's check finds nothing.
 */
public final class ServiceManager implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(ServiceManager.class.getPackageName());

    private static final String HANG_UP = "HUP";

    /** Null: nobody wants to know. */
    private final NotifySocket socket;
    private ScheduledExecutorService watchdog;
    /** What SIGHUP did before; null: it does that still. */
    private Object hangUp;

    private ServiceManager(NotifySocket socket) {
        this.socket = socket;
    }

    /**
     * Says that the program is ready, and from now on that it lives.
     *
     * @param environment with NOTIFY_SOCKET, and WATCHDOG_USEC and WATCHDOG_PID
     * @param pid of this process
     * @param check throws when the program does not work any more; it is not said to live then
     * @param hangUp what SIGHUP does from now on, if anything
     * @throws IOException if the manager cannot be told
     */
    static ServiceManager ready(
            Map<String, String> environment, long pid, Runnable check, Optional<Runnable> hangUp)
            throws IOException {
        String address = environment.getOrDefault("NOTIFY_SOCKET", "");
        long micros = address.isEmpty() ? 0 : watchdogMicros(environment, pid);
        ServiceManager manager = null;
        boolean complete = false;
        try {
            manager = new ServiceManager(address.isEmpty() ? null : NotifySocket.connect(address));
            // Before the manager is told, which may send the signal at once.
            hangUp.ifPresent(manager::onHangUp);
            if (manager.socket != null) {
                manager.socket.send("READY=1");
                manager.watchdog = micros > 0 ? watch(manager.socket, micros, check) : null;
            }
            complete = true;
            return manager;
        } catch (OsException e) {
            throw new IOException("NOTIFY_SOCKET: " + e.getMessage(), e);
        } finally {
            if (!complete && manager != null) {
                manager.leave();
            }
        }
    }

    /** After how long without a sign of life the manager acts, in µs; 0: it does not. */
    private static long watchdogMicros(Map<String, String> environment, long pid) throws IOException {
        String micros = environment.getOrDefault("WATCHDOG_USEC", "0");
        String owner = environment.getOrDefault("WATCHDOG_PID", Long.toString(pid));
        if (!micros.matches("[0-9]{1,18}")) {
            throw new IOException("WATCHDOG_USEC=" + micros + " is not a number");
        }
        return owner.equals(Long.toString(pid)) ? Long.parseLong(micros) : 0;
    }

    private static ScheduledExecutorService watch(NotifySocket socket, long micros, Runnable check) {
        ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("vhost-watchdog").factory());
        long half = Math.max(1, micros / 2);
        ScheduledFuture<?> _ = thread.scheduleAtFixedRate(
                () -> sign(socket, check), 0, half, TimeUnit.MICROSECONDS);
        return thread;
    }

    /** An exception ends the signs of life. */
    private static void sign(NotifySocket socket, Runnable check) {
        try {
            check.run();
            socket.send("WATCHDOG=1");
        } catch (RuntimeException | Error e) {
            LOGGER.log(Level.WARNING, "the service manager is not told any more that this program lives", e);
            throw e;
        }
    }

    private void send(String text) {
        if (socket == null) {
            return;
        }
        try {
            socket.send(text);
        } catch (OsException e) {
            LOGGER.log(Level.WARNING, "the service manager was not told: " + e.getMessage());
        }
    }

    /** Has SIGHUP do this from now on, until the end, and tells the manager when it begins and is done. */
    private void onHangUp(Runnable work) {
        hangUp = Signals.register(HANG_UP, () -> {
            send("RELOADING=1");
            try {
                work.run();
            } finally {
                send("READY=1");
            }
        });
    }

    private void leave() {
        if (hangUp != null) {
            Signals.unregister(HANG_UP, hangUp);
        }
    }

    /** Says that the program ends; before it begins to. */
    @Override
    public void close() {
        leave();
        send("STOPPING=1");
        if (watchdog != null) {
            watchdog.shutdownNow();
        }
        if (socket != null) {
            socket.close();
        }
    }
}
