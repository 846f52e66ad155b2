package io.vhost.monitor;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.vhost.monitor.device.StuckWatch;
import io.vhost.monitor.dialogue.Dialogue;
import io.vhost.monitor.dialogue.DialogueHost;
import io.vhost.monitor.event.EventThrottle;
import io.vhost.monitor.event.MonitorEvent;
import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.OsException;
import io.vhost.os.PeerCredentials;
import io.vhost.os.Poll;
import io.vhost.os.UnixListener;
import io.vhost.os.UnixSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * The monitor thread: waits for all sockets at once, and owns all sessions.
 *
 * <p>Threads: {@link #post}, {@link #execute} and {@link #publish} may be called by any, under any lock, and
 * do not wait; everything else happens on the loop's own thread.
 */
final class MonitorLoop implements SessionOwner {
    private static final System.Logger LOGGER = System.getLogger("io.vhost.monitor");
    private static final int WAKE = 0;
    private static final int LISTENER = 1;
    private static final int FIRST_SESSION = 2;
    /** How often time is looked at while anything depends on it, in ms. */
    private static final int TICK = 100;
    /** How often queues are looked at, in ms. */
    private static final int LOOK = 1000;
    /** Rest after an accept that failed, in ns. */
    private static final long REST = 100_000_000;
    /** How long the end of the server waits for clients to take what is theirs, in ns. */
    private static final long LAST_FLUSH = 1_000_000_000;
    private static final long IDLE_THREAD_SECONDS = 5;

    private final UnixListener listener;
    private final MonitorConfig config;
    private final EventFd wake = EventFd.create();
    private final Queue<Runnable> posted = new ConcurrentLinkedQueue<>();
    private final List<Session> sessions = new ArrayList<>();
    private final EventThrottle throttle = new EventThrottle();
    private final AtomicInteger threadNumber = new AtomicInteger();
    private final ExecutorService pool;
    private final Thread thread;
    private final StuckWatch stuck;
    /** Set before the thread begins. */
    private Function<DialogueHost, Dialogue> dialogues;
    private long lastLook = System.nanoTime();
    private Poll poll;
    private int sessionNumber;
    private long acceptAgain = System.nanoTime();
    private volatile boolean stopping;
    private long end;

    MonitorLoop(UnixListener listener, MonitorConfig config) {
        this.listener = listener;
        this.config = config;
        this.stuck = new StuckWatch(config.devices(), this::publish);
        String name = "vhost-monitor " + listener.path();
        // A command that is stuck keeps its thread, so the number is bounded by clients, not by threads.
        pool = new ThreadPoolExecutor(0, Integer.MAX_VALUE, IDLE_THREAD_SECONDS, TimeUnit.SECONDS,
                new SynchronousQueue<>(), action -> Thread.ofPlatform().daemon()
                        .name(name + " command " + threadNumber.incrementAndGet()).unstarted(action));
        thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
    }

    /** Begins to serve clients; {@code languages} makes what a session speaks. To be called once. */
    void start(Function<DialogueHost, Dialogue> languages) {
        dialogues = languages;
        thread.start();
    }

    @Override
    public void post(Runnable action) {
        posted.add(action);
        if (!stopping) {
            wake.signal();
        }
    }

    @Override
    public void execute(Runnable action) {
        try {
            pool.execute(action);
        } catch (RejectedExecutionException e) {
            LOGGER.log(WARNING, "({0}) command not run, the monitor has ended", listener.path());
        }
    }

    /** Tells all clients. */
    void publish(MonitorEvent event) {
        post(() -> {
            if (throttle.passes(event, System.nanoTime())) {
                broadcast(event);
            }
        });
    }

    /** How the sessions are; for a thread of the pool. */
    List<Map<String, Object>> describe() {
        CompletableFuture<List<Map<String, Object>>> answer = new CompletableFuture<>();
        post(() -> answer.complete(sessions.stream().map(Session::describe).toList()));
        return answer.completeOnTimeout(List.of(), 1, TimeUnit.SECONDS).join();
    }

    /** Ends the loop: what clients are owed is sent, within a limit. Waits. To be called once. */
    void stop() {
        post(() -> {
            broadcast(MonitorEvent.of("SHUTDOWN", "guest", false, "reason", "host-signal"));
            end = System.nanoTime() + LAST_FLUSH;
            List.copyOf(sessions).forEach(session -> {
                session.drain(LAST_FLUSH);
                session.progress();
            });
            stopping = true;
        });
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        pool.shutdownNow();
        wake.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void closed(int number) {
        sessions.removeIf(session -> session.id() == number);
        poll = null;
        LOGGER.log(INFO, "({0}) monitor client {1} has gone", listener.path(), number);
    }

    private void run() {
        try (listener) {
            while (!isOver()) {
                runOnce();
            }
        } catch (RuntimeException | Error failure) {
            LOGGER.log(ERROR, "(" + listener.path() + ") the monitor has ended", failure);
        } finally {
            stopping = true;
            List.copyOf(sessions).forEach(session -> session.close("the monitor has ended"));
        }
    }

    private boolean isOver() {
        return stopping && (sessions.isEmpty() || System.nanoTime() - end > 0);
    }

    private void runOnce() {
        List<Session> watched = List.copyOf(sessions);
        if (poll == null) {
            poll = pollOf(watched);
        }
        Poll waiting = poll;
        waiting.interest(LISTENER, accepts(), false);
        for (int i = 0; i < watched.size(); i++) {
            waiting.interest(FIRST_SESSION + i, watched.get(i).wantsRead(), watched.get(i).wantsWrite());
        }
        waiting.await(isTimeOfInterest() ? TICK : isWatching() ? LOOK : Poll.FOREVER);
        if (waiting.isReady(WAKE)) {
            wake.drain();
        }
        for (int i = 0; i < watched.size(); i++) {
            if (waiting.isReady(FIRST_SESSION + i)) {
                guarded(watched.get(i), watched.get(i)::ready);
            }
        }
        // After the sessions, so that those who have gone make room.
        if (waiting.isReady(LISTENER) && accepts()) {
            accept();
        }
        for (Runnable action = posted.poll(); action != null; action = posted.poll()) {
            action.run();
        }
        passTime(System.nanoTime());
    }

    /** A fault in one session's code ends that session, not the others. */
    private static void guarded(Session session, Runnable action) {
        try {
            action.run();
        } catch (RuntimeException | StackOverflowError failure) {
            LOGGER.log(ERROR, "monitor client " + session.id() + " is given up", failure);
            session.close("failure");
        }
    }

    private Poll pollOf(List<Session> watched) {
        Descriptor[] descriptors = new Descriptor[FIRST_SESSION + watched.size()];
        descriptors[WAKE] = wake.descriptor();
        descriptors[LISTENER] = listener.descriptor();
        for (int i = 0; i < watched.size(); i++) {
            descriptors[FIRST_SESSION + i] = watched.get(i).socket().descriptor();
        }
        return new Poll(descriptors);
    }

    private boolean accepts() {
        return !stopping && (!config.isExclusive() || sessions.isEmpty())
                && System.nanoTime() - acceptAgain >= 0;
    }

    private boolean isTimeOfInterest() {
        return stopping || !throttle.isIdle() || System.nanoTime() - acceptAgain < 0
                || sessions.stream().anyMatch(Session::isDraining);
    }

    /** Nobody is told of anything while nobody listens, so nobody looks either. */
    private boolean isWatching() {
        return !stopping && !sessions.isEmpty() && !config.devices().isEmpty();
    }

    private void passTime(long now) {
        if (isWatching() && now - lastLook >= StuckWatch.INTERVAL) {
            lastLook = now;
            execute(stuck::look);
        }
        throttle.due(now).forEach(this::broadcast);
        List.copyOf(sessions).forEach(session -> session.checkDeadline(now));
    }

    private void broadcast(MonitorEvent event) {
        String message = event.message();
        List.copyOf(sessions).forEach(session -> guarded(session, () -> {
            session.event(message);
            session.progress();
        }));
    }

    private void accept() {
        UnixSocket socket;
        try {
            socket = listener.accept();
        } catch (OsException e) {
            LOGGER.log(WARNING, "({0}) monitor client not accepted: {1}", listener.path(), e.getMessage());
            acceptAgain = System.nanoTime() + REST;
            return;
        }
        try {
            serve(socket);
        } catch (OsException e) {
            LOGGER.log(WARNING, "({0}) monitor client not served: {1}", listener.path(), e.getMessage());
            socket.close();
        }
    }

    private void serve(UnixSocket socket) {
        PeerCredentials peer = socket.peer();
        int number = ++sessionNumber;
        String refusal = sessions.size() >= config.maxClients() ? config.maxClients()
                + " clients are connected"
                : config.allows(peer.uid()) ? null : "this user is not on the list";
        LOGGER.log(INFO, "({0}) monitor client {1}: pid {2}, uid {3}{4}", listener.path(), number,
                Integer.toString(peer.pid()), Integer.toString(peer.uid()),
                refusal == null ? "" : ", refused: " + refusal);
        if (refusal != null) {
            socket.close();
            return;
        }
        Session session = new Session(number, socket, peer, this, config.outputLimit(), dialogues);
        sessions.add(session);
        poll = null;
        guarded(session, session::greet);
    }
}
