package io.vhost.monitor.qmp;

import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.ErrorClass;
import io.vhost.monitor.dialogue.CommandTable;
import io.vhost.monitor.dialogue.Dialogue;
import io.vhost.monitor.dialogue.DialogueHost;
import io.vhost.monitor.dialogue.Outcome;
import io.vhost.monitor.json.InputBudget;
import io.vhost.monitor.json.Json;
import io.vhost.monitor.json.JsonException;
import io.vhost.monitor.json.JsonReader;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The machine's language: JSON commands, answered in order unless they are out of band, and events.
 *
 * <p>Thread: the monitor's.
 */
public final class QmpDialogue implements Dialogue {
    /** Commands that wait, with out-of-band execution: so many may be sent and one more still be read. */
    static final int QUEUE_LIMIT = 8;

    private static final String NEGOTIATE = "qmp_capabilities";
    private static final String OUT_OF_BAND = "oob";
    private static final String ID = "id";

    /** Chars of an id, as it is sent back; and of what is said about an error. */
    private static final int MOST_OF_ID = 64 * 1024;
    private static final int MOST_OF_ERROR = 4096;

    /**
     * What the client sent.
     *
     * @param value null if it is none
     * @param fault why it is none; null if it is one
     * @param weight what it costs to keep, in bytes
     */
    private record Message(Object value, String fault, long weight) {}

    private final DialogueHost host;
    private final CommandTable commands;
    private final Object version;
    private final InputBudget.Share share;
    private final JsonReader reader;
    private final Deque<Message> queue = new ArrayDeque<>();
    /** What was taken of the share for messages that have not become running commands, in bytes. */
    private long waiting;
    private boolean negotiated;
    private boolean outOfBand;
    private boolean running;
    private int runningOutOfBand;

    /**
     * A dialogue that has not begun.
     *
     * @param host the session that speaks
     * @param commands which may be called
     * @param version the result of {@code query-version}, for the greeting
     * @param limits of a message
     * @param share pays for what the client sends until it is answered
     */
    public QmpDialogue(DialogueHost host, CommandTable commands, Object version, JsonReader.Limits limits,
            InputBudget.Share share) {
        this.host = host;
        this.commands = commands;
        this.version = version;
        this.share = share;
        this.reader = new JsonReader(limits, share, this::message);
    }

    @Override
    public String greeting() {
        return Json.write(Json.object("QMP", Json.object(
                "version", version, "capabilities", List.of(OUT_OF_BAND)))) + "\r\n";
    }

    @Override
    public void accept(int octet) {
        reader.accept(octet);
    }

    @Override
    public boolean takesInput() {
        return outOfBand
                ? queue.size() < QUEUE_LIMIT && runningOutOfBand < QUEUE_LIMIT
                : queue.isEmpty() && !running;
    }

    @Override
    public boolean isIdle() {
        return queue.isEmpty() && !running && runningOutOfBand == 0;
    }

    @Override
    public boolean takesEvents() {
        return negotiated;
    }

    @Override
    public String mode() {
        return "control";
    }

    @Override
    public String state() {
        return negotiated ? "command" : "negotiation";
    }

    @Override
    public long held() {
        return share.held();
    }

    @Override
    public void close() {
        reader.release();
        queue.clear();
        share.give(waiting);
        waiting = 0;
    }

    private void message(Object value, JsonException fault) {
        Message message = fault != null ? new Message(null, fault.getMessage(), 0)
                : !share.take(reader.weight()) ? new Message(null, JsonReader.CROWDED, 0)
                : new Message(value, null, reader.weight());
        waiting += message.weight;
        if (message.fault == null && outOfBand && QmpRequest.isOutOfBand(value)) {
            handle(message);
        } else {
            queue.add(message);
            proceed();
        }
    }

    @Override
    public void proceed() {
        while (!running && !queue.isEmpty() && host.hasRoom()) {
            handle(queue.remove());
        }
    }

    private void handle(Message message) {
        Json.Raw id = null;
        try {
            if (message.fault != null) {
                throw new CommandException(message.fault);
            }
            id = id(message.value);
            QmpRequest request = QmpRequest.of(message.value, outOfBand);
            if (!negotiated && !request.command().equals(NEGOTIATE)) {
                throw new CommandException(ErrorClass.COMMAND_NOT_FOUND,
                        "Expecting capabilities negotiation with 'qmp_capabilities'");
            }
            Command command = commands.find(request.command());
            if (request.outOfBand() && !command.isOutOfBand()) {
                throw new CommandException("The command " + command.name() + " does not support OOB");
            }
            Arguments arguments = command.check(request.arguments());
            if (!command.name().equals(NEGOTIATE)) {
                run(command, arguments, request.outOfBand(), id, message.weight);
                return;
            }
            negotiate(arguments);
            // The answer first, then events may come.
            host.send(answer(id, new Outcome(null, null)));
            negotiated = true;
        } catch (CommandException e) {
            host.send(answer(id, new Outcome(null, e)));
        }
        waiting -= message.weight;
        share.give(message.weight);
    }

    private void negotiate(Arguments arguments) throws CommandException {
        if (negotiated) {
            throw new CommandException(ErrorClass.COMMAND_NOT_FOUND,
                    "Capabilities negotiation is already complete, command ignored");
        }
        outOfBand = arguments.list("enable").contains(OUT_OF_BAND);
    }

    private void run(Command command, Arguments arguments, boolean overtakes, Json.Raw id, long weight)
            throws CommandException {
        boolean runs = host.execute(() -> call(command, arguments, id), answer -> {
            if (overtakes) {
                runningOutOfBand--;
            } else {
                running = false;
            }
            share.give(weight);
            host.send(answer);
        });
        if (!runs) {
            throw new CommandException("too many commands are under way; send it again later");
        }
        waiting -= weight;
        if (overtakes) {
            runningOutOfBand++;
        } else {
            running = true;
        }
    }

    /** Runs a command, on the calling thread; its answer. */
    private static String call(Command command, Arguments arguments, Json.Raw id) {
        Outcome outcome = Outcome.of(command, arguments);
        try {
            return answer(id, outcome);
        } catch (RuntimeException | Error e) {
            // Its result changes while it is read, or takes more memory than there is.
            return answer(id, Outcome.failed(command, e));
        }
    }

    /** What comes back with the answer; null if nothing was given for that. */
    private static Json.Raw id(Object message) throws CommandException {
        if (!(message instanceof Map<?, ?> members) || !members.containsKey(ID)) {
            return null;
        }
        Json.Raw id = new Json.Raw(Json.write(members.get(ID)));
        if (id.text().length() > MOST_OF_ID) {
            throw new CommandException("QMP input member 'id' is longer than " + MOST_OF_ID + " characters");
        }
        return id;
    }

    /** The message for an outcome, in QEMU's order. */
    private static String answer(Json.Raw id, Outcome outcome) {
        Map<String, Object> answer = new LinkedHashMap<>();
        if (outcome.error() == null) {
            answer.put("return", outcome.result() == null ? Map.of() : outcome.result());
        }
        if (id != null) {
            answer.put(ID, id);
        }
        if (outcome.error() != null) {
            answer.put("error", Json.object(
                    "class", outcome.error().errorClass().wireName(),
                    "desc", Json.cut(outcome.error().getMessage(), MOST_OF_ERROR)));
        }
        return Json.write(answer) + "\r\n";
    }
}
