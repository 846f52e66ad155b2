package io.vhost.monitor.dialogue;

import java.util.function.Consumer;
import java.util.function.Supplier;

/** What a {@link Dialogue} needs of its session. Thread: the monitor's. */
public interface DialogueHost {
    /** Whether a command may add its answer: what waits is bounded by this and the largest answer. */
    boolean hasRoom();

    /** Queues a line or text for the client; none if that has gone. */
    void send(String text);

    /**
     * Runs a command on another thread.
     *
     * @param command gives the text of its answer; if it throws, the session is closed
     * @param then takes the answer on this thread, in any case, also when the client has gone
     * @return false, and neither is called, if too many commands run already
     */
    boolean execute(Supplier<String> command, Consumer<String> then);
}
