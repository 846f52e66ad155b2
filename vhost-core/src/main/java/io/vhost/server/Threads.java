package io.vhost.server;

/** Waits for threads. */
final class Threads {
    private Threads() {}

    /** Returns when {@code thread} has ended, or at once on that very thread; an interrupt stays set. */
    static void join(Thread thread) {
        if (thread.equals(Thread.currentThread())) {
            return;
        }
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
