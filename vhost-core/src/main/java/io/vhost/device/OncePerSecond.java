package io.vhost.device;

import java.util.concurrent.atomic.AtomicLong;

/** Lets one of many messages through, at most each second. Threads: any. */
final class OncePerSecond {
    private static final long PAUSE = 1_000_000_000;

    /** When the next one may come, in ns; whoever moves it on is the one. */
    private final AtomicLong next = new AtomicLong(System.nanoTime());

    /** Whether a message may come now; then none may for a second. */
    boolean isDue() {
        long now = System.nanoTime();
        long due = next.get();
        return now - due >= 0 && next.compareAndSet(due, now + PAUSE);
    }
}
