package io.vhost.monitor.dialogue;

import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.command.Command;
import java.util.function.Consumer;

/** What a {@link Dialogue} needs of its session. Thread: the monitor's. */
public interface DialogueHost {
    /** Whether a command may add its answer: what waits is bounded by this and the largest answer. */
    boolean hasRoom();

    /** Queues a line or text for the client. */
    void send(String text);

    /** Runs a command on another thread, and {@code then} on this one if the session is still there. */
    void execute(Command command, Arguments arguments, Consumer<Outcome> then);
}
