package io.vhost.server;

import static java.lang.System.Logger.Level.WARNING;

import io.vhost.device.VhostConfig;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Waits for the threads of a server that ends. One that makes no callback and waits for no lock is held by
 * the kernel, in a call on what a front-end has sent, or by copies that a ring waits for. That is not waited
 * for beyond a limit, which all threads of the server have together, and said.
 *
 * <p>Thread: the one that waits.
 */
final class Patience {
    /** How long calls of the kernel may take at the end, besides copies. */
    static final Duration FOR_THE_KERNEL = Duration.ofSeconds(3);

    static final Duration LOOK = Duration.ofMillis(50);
    /** Longer than any program runs, and no more than can be counted in ns, twice. */
    private static final Duration ENDLESS = Duration.ofDays(36_500);
    private static final System.Logger LOGGER = System.getLogger(Patience.class.getPackageName());

    private final long limit;
    private long spent;

    /** One whose threads are held so long, together. */
    Patience(Duration limit) {
        this.limit = TimeUnit.NANOSECONDS.convert(limit);
    }

    /** What the threads of a server with this configuration may take: the kernel's calls, and copies. */
    static Patience of(VhostConfig config) {
        Duration copies = config.copyTimeout();
        boolean endless = copies.compareTo(ENDLESS) > 0;
        return new Patience(endless ? ENDLESS : FOR_THE_KERNEL.plus(copies.multipliedBy(2)));
    }

    /** Returns when a thread that makes no callbacks has ended; as below. */
    boolean join(Thread thread) {
        return join(thread, () -> false);
    }

    /**
     * Returns when {@code thread} has ended, at once on that very thread, or when patience is at its end; an
     * interrupt stays set.
     *
     * @param inCallback whether the thread is in one at this moment
     * @return whether it has ended, or is the calling one
     */
    boolean join(Thread thread, BooleanSupplier inCallback) {
        if (thread.equals(Thread.currentThread())) {
            return true;
        }
        boolean interrupted = false;
        boolean ended = false;
        boolean held = false;
        while (!ended && !(held && spent >= limit)) {
            long begin = System.nanoTime();
            try {
                ended = thread.join(LOOK);
            } catch (InterruptedException _) {
                interrupted = true;
            }
            held = !inCallback.getAsBoolean() && !waits(thread);
            if (held) {
                spent += System.nanoTime() - begin;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (!ended) {
            LOGGER.log(WARNING, "not waited for any longer: " + thread.getName()
                    + ", which the kernel holds with what a front-end has sent");
        }
        return ended;
    }

    /** For a lock, such as that of a queue on which a burst is under way. */
    private static boolean waits(Thread thread) {
        return thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.BLOCKED;
    }
}
