package io.vhost.app.polling;

import java.util.ArrayList;
import java.util.List;

/**
 * Closes several sockets at the same time: each may have to wait some seconds for what its front-ends sent,
 * and the program's end should not take as long as all of them one after another.
 */
public final class ClosedTogether {
    private ClosedTogether() {}

    /** Runs all and returns when all have returned; an interrupt stays set. */
    public static void run(List<Runnable> closes) {
        List<Thread> threads = new ArrayList<>();
        for (Runnable close : closes) {
            Thread thread = Thread.ofPlatform().name("vhost-close").unstarted(close);
            try {
                thread.start();
                threads.add(thread);
            } catch (OutOfMemoryError noThread) {
                close.run();
            }
        }
        boolean interrupted = false;
        while (!threads.isEmpty()) {
            try {
                threads.getLast().join();
                threads.removeLast();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
