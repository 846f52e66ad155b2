package io.vhost.monitor;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.vhost.monitor.device.StuckWatch;
import io.vhost.monitor.dialogue.Dialogue;
import io.vhost.monitor.dialogue.DialogueHost;
import io.vhost.monitor.event.EventQueue;
import io.vhost.monitor.event.EventThrottle;
import io.vhost.monitor.event.MonitorEvent;
import io.vhost.monitor.json.InputBudget;
import io.vhost.os.Descriptor;
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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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
    /** Of one client: eight that overtake others, and one that does not. */
    private static final int COMMANDS_OF_CLIENT = 9;
    /** With so many at least the number of commands is reckoned: some may be those of clients that left. */
    private static final int LEAST_CLIENTS = 8;

    private final UnixListener listener;
    private final MonitorConfig config;
    private final Doorbell wake = new Doorbell();
    /** Bounded by the commands that run: each posts once or twice. */
    private final Queue<Runnable> posted = new ConcurrentLinkedQueue<>();
    private final EventQueue events = new EventQueue();
    private final List<Session> sessions = new ArrayList<>();
    private final EventThrottle throttle = new EventThrottle();
    private final CommandThreads pool;
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
        pool = new CommandThreads(name, (int) Math.min(Integer.MAX_VALUE,
                1L + (long) COMMANDS_OF_CLIENT * Math.max(config.maxClients(), LEAST_CLIENTS)));
        thread = Thread.ofPlatform().daemon().name(name).stackSize(CommandThreads.STACK).unstarted(this::run);
    }

    /** Begins to serve clients; {@code languages} makes what a session speaks. To be called once. */
    void start(Function<DialogueHost, Dialogue> languages) {
        dialogues = languages;
        thread.start();
    }

    @Override
    public void post(Runnable action) {
        posted.add(action);
        wake.ring();
    }

    @Override
    public boolean execute(Runnable action) {
        return pool.execute(action);
    }

    /** Tells all clients, or counts for each that it was not told. */
    void publish(MonitorEvent event) {
        events.offer(event);
        wake.ring();
    }

    /** Tells all clients that the program is about to end, before anything that is posted later. */
    void announceEnd(String reason) {
        post(() -> tellEnd(reason));
    }

    private void tellEnd(String reason) {
        String message = MonitorEvent.of("SHUTDOWN", "guest", false, "reason", reason).message();
        List.copyOf(sessions).forEach(session -> session.shutdown(message));
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
            end = System.nanoTime() + LAST_FLUSH;
            stopping = true;
            tellEvents();
            tellEnd("host-signal");
            List.copyOf(sessions).forEach(session -> session.guarded(() -> {
                session.drain(LAST_FLUSH);
                session.progress();
            }));
        });
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        pool.stop();
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
                try {
                    runOnce();
                } catch (OutOfMemoryError shortage) {
                    relieve(shortage);
                }
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

    /** Nobody is to blame by what it did last: the client that holds most goes, if that is much. */
    private void relieve(OutOfMemoryError shortage) {
        try {
            poll = null;
            sessions.removeIf(Session::isClosed);
            acceptAgain = System.nanoTime() + REST;
            Session largest = null;
            for (Session session : sessions) {
                largest = largest == null || session.held() > largest.held() ? session : largest;
            }
            if (largest != null && largest.held() > InputBudget.OWN) {
                largest.giveUp(shortage);
                return;
            }
        } catch (OutOfMemoryError again) {
            // Whatever was to be said cannot be; what was closed is closed.
        }
        LockSupport.parkNanos(REST);   // it is the application's to find memory
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
        waiting.await(timeout());
        if (waiting.isReady(WAKE)) {
            wake.answer();
        }
        for (int i = 0; i < watched.size(); i++) {
            if (waiting.isReady(FIRST_SESSION + i)) {
                watched.get(i).ready();
            }
        }
        // After the sessions, so that those who have gone make room.
        if (waiting.isReady(LISTENER) && accepts()) {
            accept();
        }
        tellEvents();
        for (Runnable action = posted.poll(); action != null; action = posted.poll()) {
            action.run();
        }
        passTime(System.nanoTime());
    }

    private int timeout() {
        if (!posted.isEmpty() || !events.isEmpty()) {
            return 0;   // left over: those who brought it have rung already
        }
        return isTimeOfInterest() ? TICK : isWatching() ? LOOK : Poll.FOREVER;
    }

    /** Tells of so many events at most as may wait: with more to come, clients have their turn in between. */
    private void tellEvents() {
        for (int i = 0; i < EventQueue.MOST; i++) {
            MonitorEvent event = events.poll();
            if (event == null) {
                break;
            }
            if (throttle.passes(event, System.nanoTime())) {
                broadcast(event);
            }
        }
        long dropped = events.takeDropped();
        if (dropped > 0) {
            List.copyOf(sessions).forEach(session -> session.missed(dropped));
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
        if (!sessions.isEmpty()) {
            String message = event.message();
            List.copyOf(sessions).forEach(session -> session.event(message));
        }
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
        boolean served = false;
        try {
            serve(socket);
            served = true;
        } catch (OsException e) {
            LOGGER.log(WARNING, "({0}) monitor client not served: {1}", listener.path(), e.getMessage());
        } finally {
            if (!served) {
                socket.discard();
            }
        }
    }

    private void serve(UnixSocket socket) {
        PeerCredentials peer = socket.peer();
        int number = ++sessionNumber;
        String refusal = sessions.size() >= config.maxClients() ? config.maxClients()
                + " clients are connected"
                : config.allows(peer.uid(), peer.gid()) ? null : "this user is not on the list";
        LOGGER.log(INFO, "({0}) monitor client {1}: pid {2}, uid {3}{4}", listener.path(), number,
                Integer.toString(peer.pid()), Integer.toString(peer.uid()),
                refusal == null ? "" : ", refused: " + refusal);
        if (refusal != null) {
            socket.discard();
            return;
        }
        Session session = new Session(number, socket, peer, this, config.outputLimit(), dialogues);
        poll = null;
        sessions.add(session);
        session.greet();
    }
}
