package io.vhost.monitor.qmp;

import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.ErrorClass;
import io.vhost.monitor.dialogue.CommandTable;
import io.vhost.monitor.dialogue.Dialogue;
import io.vhost.monitor.dialogue.DialogueHost;
import io.vhost.monitor.dialogue.Outcome;
import io.vhost.monitor.json.Json;
import io.vhost.monitor.json.JsonException;
import io.vhost.monitor.json.JsonReader;
import java.util.ArrayDeque;
import java.util.Deque;
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

    /** What the client sent: a value, or why it is none. */
    private record Message(Object value, JsonException fault) {}

    private final DialogueHost host;
    private final CommandTable commands;
    private final Object version;
    private final JsonReader reader;
    private final Deque<Message> queue = new ArrayDeque<>();
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
     */
    public QmpDialogue(DialogueHost host, CommandTable commands, Object version, JsonReader.Limits limits) {
        this.host = host;
        this.commands = commands;
        this.version = version;
        this.reader = new JsonReader(limits, this::message);
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

    private void message(Object value, JsonException fault) {
        Message message = new Message(value, fault);
        if (fault == null && outOfBand && QmpRequest.isOutOfBand(value)) {
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
        if (message.fault != null) {
            answer(null, new Outcome(null, new CommandException(message.fault.getMessage())));
            return;
        }
        try {
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
            if (command.name().equals(NEGOTIATE)) {
                negotiate(arguments);
                // The answer first, then events may come.
                answer(message.value, new Outcome(null, null));
                negotiated = true;
            } else {
                run(command, arguments, request.outOfBand(), message.value);
            }
        } catch (CommandException e) {
            answer(message.value, new Outcome(null, e));
        }
    }

    private void negotiate(Arguments arguments) throws CommandException {
        if (negotiated) {
            throw new CommandException(ErrorClass.COMMAND_NOT_FOUND,
                    "Capabilities negotiation is already complete, command ignored");
        }
        outOfBand = arguments.list("enable").contains(OUT_OF_BAND);
    }

    private void run(Command command, Arguments arguments, boolean overtakes, Object message) {
        if (overtakes) {
            runningOutOfBand++;
        } else {
            running = true;
        }
        host.execute(command, arguments, outcome -> {
            if (overtakes) {
                runningOutOfBand--;
            } else {
                running = false;
            }
            answer(message, outcome);
        });
    }

    private void answer(Object message, Outcome outcome) {
        Map<String, Object> answer;
        if (outcome.error() == null) {
            Object result = outcome.result();
            answer = Json.object("return", result == null ? Map.of() : result);
        } else {
            answer = Json.object("error", Json.object(
                    "class", outcome.error().errorClass().wireName(), "desc", outcome.error().getMessage()));
        }
        if (message instanceof Map<?, ?> members && members.containsKey("id")) {
            answer.put("id", members.get("id"));
        }
        host.send(Json.write(answer) + "\r\n");
    }
}
