package io.vhost.monitor;

import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A command of a session, from its call to its answer. It is made before the command runs, since afterwards
 * there may be no memory left for it.
 *
 * <p>Threads: {@link #run} is called on one of the pool's, {@link #finish} later on the monitor's.
 */
final class Completion implements Runnable {
    private final Session session;
    private final SessionOwner owner;
    private final Supplier<String> command;
    private final Consumer<String> then;
    private final Runnable finish = this::finish;
    private String answer = "";
    private Throwable failure;

    Completion(Session session, SessionOwner owner, Supplier<String> command, Consumer<String> then) {
        this.session = session;
        this.owner = owner;
        this.command = command;
        this.then = then;
    }

    @Override
    public void run() {
        try {
            answer = command.get();
        } catch (Exception | Error e) {
            failure = e;
        } finally {
            owner.post(finish);
        }
    }

    private void finish() {
        if (failure != null) {
            session.giveUp(failure);
        }
        session.guarded(() -> {
            then.accept(answer);
            session.progress();
        });
    }
}
