package io.vhost.app.polling;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Closes several sockets at the same time: each may have to wait some seconds for what its front-ends sent,
 * and the program's end should not take as long as all of them one after another.
 */
public final class ClosedTogether {
    private ClosedTogether() {}

    /** Runs all and returns when all have returned, or throws what one has thrown; an interrupt stays set. */
    public static void run(List<Runnable> closes) {
        CompletableFuture<?>[] closing = closes.stream()
                .map(close -> CompletableFuture.runAsync(close, ClosedTogether::start))
                .toArray(CompletableFuture[]::new);
        try {
            CompletableFuture.allOf(closing).join();
        } catch (CompletionException failure) {
            switch (failure.getCause()) {
                case RuntimeException exception -> throw exception;
                case Error error -> throw error;
                default -> throw failure;
            }
        }
    }

    private static void start(Runnable close) {
        try {
            Thread.ofPlatform().name("vhost-close").start(close);
        } catch (OutOfMemoryError noThread) {
            close.run();
        }
    }
}
