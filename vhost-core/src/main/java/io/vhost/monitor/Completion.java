package io.vhost.monitor;

import java.util.function.BiConsumer;
import java.util.function.Supplier;

/**
 * A command of a session, from its call to its answer. It is made before the command runs, since afterwards
 * there may be no memory left for it.
 *
 * <p>Thread: {@link #run} is called on one of the pool's; the end is told on the monitor's.
 */
final class Completion implements Runnable {
    private final SessionOwner owner;
    private final Supplier<String> command;
    private final Runnable end;
    private String answer = "";
    private Throwable failure;

    /**
     * A command that has not run.
     *
     * @param owner posts its end
     * @param command gives the answer
     * @param finished takes the answer, and what was thrown instead of it or null
     */
    Completion(SessionOwner owner, Supplier<String> command, BiConsumer<String, Throwable> finished) {
        this.owner = owner;
        this.command = command;
        this.end = () -> finished.accept(answer, failure);
    }

    @Override
    public void run() {
        try {
            answer = command.get();
        } catch (RuntimeException | Error e) {
            failure = e;
        } finally {
            owner.post(end);
        }
    }
}
