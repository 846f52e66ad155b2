package io.vhost.app.cli;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Ctrl-C or SIGTERM, as something a command can wait for; any thread.
 *
 * <p>The JVM ends as soon as its shutdown hooks have returned, with a status that says "killed". So
 * the hook here asks the command to end, waits for that, and ends the JVM with the command's own
 * status.
 */
public final class EndSignal {
    /** For what a command has to do at its end, in s. */
    private static final int PATIENCE = 10;

    private final CompletableFuture<Void> raised = new CompletableFuture<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile int status = 1;

    /** A signal that only {@link #raise} gives. */
    public EndSignal() {}

    /** The signal that the JVM gets. */
    public static EndSignal ofShutdown() {
        EndSignal signal = new EndSignal();
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("vhost-end").unstarted(signal::shutDown));
        return signal;
    }

    /** Asks for the end. */
    public void raise() {
        raised.complete(null);
    }

    /** Whether the end was asked for. */
    public boolean isRaised() {
        return raised.isDone();
    }

    /** Waits until the end is asked for or {@code nanos} have passed; whether it was asked for. */
    public boolean await(long nanos) {
        return await(raised, nanos);
    }

    /**
     * Waits until some work is done, the end is asked for or {@code nanos} have passed; whether the work is
     * done. Who is interrupted meanwhile is asked to end.
     */
    public boolean await(CompletableFuture<?> work, long nanos) {
        try {
            CompletableFuture.anyOf(raised, work).get(nanos, TimeUnit.NANOSECONDS);
        } catch (TimeoutException | ExecutionException _) {
            return work.isDone();   // what failed is done as well
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            raise();
        }
        return work.isDone();
    }

    /** The command is through; to be called before the JVM's exit. */
    public void ended(int exitStatus) {
        status = exitStatus;
        ended.countDown();
    }

    private void shutDown() {
        if (ended.getCount() == 0) {
            return;   // an exit with a status of its own
        }
        raise();
        try {
            if (!ended.await(PATIENCE, TimeUnit.SECONDS)) {
                System.err.println("vhost: the command has not ended within " + PATIENCE + " s");
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(status);
    }
}
