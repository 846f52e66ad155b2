package io.vhost.monitor;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;

import io.vhost.monitor.dialogue.Dialogue;
import io.vhost.monitor.dialogue.DialogueHost;
import io.vhost.monitor.event.MonitorEvent;
import io.vhost.monitor.json.Json;
import io.vhost.os.OsException;
import io.vhost.os.PeerCredentials;
import io.vhost.os.UnixSocket;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * One client: the owner of everything that is the client's, from the accepted socket to the last byte of
 * output. When it is closed all of that is dropped, and what a command that still runs will answer finds
 * nobody.
 *
 * <p>Thread: the monitor's, without exception. An error of a write always closes; nothing is kept for anyone
 * else.
 */
final class Session implements DialogueHost {
    private static final System.Logger LOGGER = System.getLogger("io.vhost.monitor");
    private static final int CHUNK = 4096;
    /** How long a client that has ended its input may leave our output unread, in ns. */
    static final long DRAIN_TIME = 10_000_000_000L;

    private enum State { GREETING, OPEN, DRAINING, CLOSED }

    private final int id;
    private final UnixSocket socket;
    private final PeerCredentials peer;
    private final SessionOwner owner;
    private final long highWater;
    private final Output output;
    private final Dialogue dialogue;
    private final Instant since = Instant.now();
    private final byte[] input = new byte[CHUNK];
    private int inputPosition;
    private int inputEnd;
    private State state = State.GREETING;
    private long deadline;
    private long eventsUntold;
    private long eventsDropped;
    private long commands;
    private boolean shutdownTold;

    /** A session that owns {@code socket}; {@code dialogue} makes what it speaks. */
    Session(int id, UnixSocket socket, PeerCredentials peer, SessionOwner owner, long highWater,
            Function<DialogueHost, Dialogue> dialogue) {
        this.id = id;
        this.socket = socket;
        this.peer = peer;
        this.owner = owner;
        this.highWater = highWater;
        this.output = new Output(socket);
        this.dialogue = dialogue.apply(this);
    }

    void greet() {
        guarded(() -> {
            send(dialogue.greeting());
            progress();
        });
    }

    UnixSocket socket() {
        return socket;
    }

    boolean isClosed() {
        return state == State.CLOSED;
    }

    boolean wantsRead() {
        return state == State.OPEN && inputPosition == inputEnd && hasRoom() && dialogue.takesInput();
    }

    boolean wantsWrite() {
        return state != State.CLOSED && output.size() > 0;
    }

    @Override
    public boolean hasRoom() {
        return output.size() < highWater;
    }

    /** The socket is ready for something, or its peer has gone. */
    void ready() {
        guarded(this::serve);
    }

    private void serve() {
        boolean read = wantsRead();
        boolean write = wantsWrite();
        if (!read && !write) {
            // Only the peer's end is reported unasked; were it ignored, it would be reported for ever.
            close("peer has gone");
            return;
        }
        try {
            if (read) {
                receive();
            }
        } catch (OsException e) {
            close(e.getMessage());
        }
        progress();
    }

    private void receive() {
        int count = socket.tryReceive(input);
        if (count < 0) {
            drain(DRAIN_TIME);
        } else {
            inputPosition = 0;
            inputEnd = count;
        }
    }

    /** Sends, takes input and runs commands as far as that goes now. */
    void progress() {
        if (state == State.CLOSED) {
            return;
        }
        try {
            boolean wasFull;
            do {
                flush();
                work();
                wasFull = !hasRoom();
                flush();
                // What waited for room would wait for ever if this flush was the last.
            } while (wasFull && hasRoom() && state != State.CLOSED);
        } catch (OsException e) {
            close(e.getMessage());
        }
        if (state == State.DRAINING && output.size() == 0 && dialogue.isIdle()) {
            close("done");
        }
    }

    private void work() {
        if (state == State.OPEN || state == State.DRAINING) {
            dialogue.proceed();
        }
        while (inputPosition < inputEnd && state == State.OPEN && hasRoom() && dialogue.takesInput()) {
            dialogue.accept(input[inputPosition++]);
        }
    }

    private void flush() {
        if (state == State.CLOSED) {
            return;
        }
        long before = output.size();
        if (!output.flush()) {
            close("peer has gone");
            return;
        }
        if (output.size() < before) {
            deadline = System.nanoTime() + DRAIN_TIME;
        }
        if (output.size() == 0) {
            if (state == State.GREETING) {
                state = State.OPEN;
            }
            tellDropped();
        }
    }

    /** Takes no more input; closes when commands and output are done, or nothing moves for {@code nanos}. */
    void drain(long nanos) {
        if (state == State.GREETING || state == State.OPEN) {
            state = State.DRAINING;
            deadline = System.nanoTime() + nanos;
        }
    }

    /** Closes a session whose client leaves its output unread. */
    void checkDeadline(long now) {
        if (state == State.DRAINING && dialogue.isIdle() && now - deadline > 0) {
            close("output was not read");
        }
    }

    boolean isDraining() {
        return state == State.DRAINING;
    }

    @Override
    public void send(String text) {
        if (state != State.CLOSED && !text.isEmpty()) {
            output.add(text.getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Tells the client of an event, or counts that it was not told. */
    void event(String message) {
        guarded(() -> {
            if (!takesEvents()) {
                return;
            }
            if (hasRoom()) {
                send(message + "\r\n");
            } else {
                dropped(1);
            }
            progress();
        });
    }

    /** The same, of so many that were lost before anybody was told. */
    void missed(long events) {
        guarded(() -> {
            if (takesEvents()) {
                dropped(events);
                progress();
            }
        });
    }

    /** Tells the client that the program ends, once. */
    void shutdown(String message) {
        if (!shutdownTold && takesEvents()) {
            shutdownTold = true;
            event(message);
        }
    }

    private boolean takesEvents() {
        return state != State.CLOSED && dialogue.takesEvents();
    }

    private void dropped(long events) {
        eventsUntold += events;
        eventsDropped += events;
    }

    private void tellDropped() {
        if (eventsUntold > 0 && dialogue.takesEvents()) {
            long count = eventsUntold;
            eventsUntold = 0;
            send(MonitorEvent.of("VHOST_EVENTS_DROPPED", "count", count).message() + "\r\n");
        }
    }

    @Override
    public boolean execute(Supplier<String> command, Consumer<String> then) {
        boolean runs = owner.execute(new Completion(owner, command, (answer, failure) -> {
            if (failure != null) {
                giveUp(failure);
            }
            guarded(() -> {
                then.accept(answer);
                progress();
            });
        }));
        commands += runs ? 1 : 0;
        return runs;
    }

    /** A fault in one session's code, or what it takes of the memory, ends that session, not the others. */
    void guarded(Runnable action) {
        try {
            action.run();
        } catch (RuntimeException | Error failure) {
            giveUp(failure);
        }
    }

    /** Ends the session because of a fault of ours, or for its memory. */
    void giveUp(Throwable failure) {
        // First, since there may be no memory for a line of the log as long as the session has it.
        close("failure");
        LOGGER.log(ERROR, "monitor client " + id + " is given up", failure);
    }

    /** Ends the session at once. A second time has no effect. */
    void close(String reason) {
        if (state == State.CLOSED) {
            return;
        }
        state = State.CLOSED;
        output.clear();
        dialogue.close();
        socket.discard();
        owner.closed(id);
        LOGGER.log(DEBUG, "session {0} closed: {1}", id, reason);
    }

    /** What it holds of the heap, in bytes; more or less. */
    long held() {
        return output.size() + dialogue.held();
    }

    int id() {
        return id;
    }

    /** How it is, for the monitor's look at itself. */
    Map<String, Object> describe() {
        return Json.object(
                "id", id, "mode", dialogue.mode(),
                "peer-uid", peer.uid(),
                "peer-pid", peer.pid(),
                "state",
                state == State.OPEN ? dialogue.state() : state == State.GREETING ? "greeting" : "draining",
                "in-bytes", dialogue.held(), "out-bytes", output.size(), "out-peak", output.peak(),
                "events-dropped", eventsDropped, "commands", commands, "since", since.getEpochSecond());
    }
}
