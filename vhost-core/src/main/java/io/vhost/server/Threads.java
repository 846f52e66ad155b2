package io.vhost.server;

import static java.lang.System.Logger.Level.WARNING;

import java.nio.file.Path;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Names threads, and waits for them. */
final class Threads {
    /** What the kernel keeps of a thread's name: who looks with {@code top -H} tells sockets apart by it. */
    private static final int KERNEL_NAME = 15;

    /** How long a call of the kernel may take at the end. */
    static final Duration HELD = Duration.ofSeconds(10);
    private static final Duration LOOK = Duration.ofMillis(100);

    private static final System.Logger LOGGER = System.getLogger(Threads.class.getPackageName());

    private Threads() {}

    /**
     * A name that tells sockets apart in the characters that the kernel keeps: the end of the file's name,
     * and what the thread is for; then the path.
     */
    static String name(Path socket, String what) {
        String file = String.valueOf(socket.getFileName());
        int room = Math.max(0, KERNEL_NAME - what.length());
        return file.substring(Math.max(0, file.length() - room)) + what + " " + socket;
    }

    /** As {@link #join(Thread, BooleanSupplier, Duration)} of a thread that makes no callbacks. */
    static boolean join(Thread thread) {
        return join(thread, () -> false, HELD);
    }

    /**
     * Returns when {@code thread} has ended, or at once on that very thread; an interrupt stays set. A thread
     * that runs all the time and makes no callback is held by the kernel, in a call on what a front-end has
     * sent: that is not waited for beyond a limit, and said.
     *
     * @param inCallback whether it is in one at this moment
     * @param limit how long it may run at a stretch
     * @return whether it has ended, or is the calling one
     */
    static boolean join(Thread thread, BooleanSupplier inCallback, Duration limit) {
        if (thread.equals(Thread.currentThread())) {
            return true;
        }
        boolean interrupted = false;
        boolean ended = false;
        boolean held = false;
        long since = System.nanoTime();
        while (!ended && !(held && System.nanoTime() - since >= limit.toNanos())) {
            try {
                ended = thread.join(LOOK);
            } catch (InterruptedException _) {
                interrupted = true;
            }
            held = !inCallback.getAsBoolean() && thread.getState() == Thread.State.RUNNABLE;
            if (!held) {
                since = System.nanoTime();
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
}
