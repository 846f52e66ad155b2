package io.vhost.app.cli;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Work that may never come back, such as opening a FIFO which nobody writes to: on a daemon thread of its
 * own, so that its user need not wait for it.
 */
public final class Background {
    private Background() {}

    /**
     * Begins some work. Any thread.
     *
     * @param name of its thread
     * @param work what is to be done; an exception of it is the future's
     */
    public static <T> CompletableFuture<T> start(String name, Callable<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name(name).start(() -> run(work, result));
        return result;
    }

    private static <T> void run(Callable<T> work, CompletableFuture<T> result) {
        try {
            result.complete(work.call());
        } catch (Throwable e) {
            result.completeExceptionally(e);   // an error, too, belongs to whoever waits
        }
    }

    /**
     * What came of work that is done. Any thread.
     *
     * @throws Exception what the work has thrown
     */
    public static <T> T result(CompletableFuture<T> done) throws Exception {
        try {
            return done.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw (Exception) e.getCause();
        }
    }
}
