package io.vhost.queue;

/**
 * Whether bursts may work on a queue, and who sleeps until they can: what is looked at without the queue's
 * lock. Any thread.
 */
final class QueueGate {
    private volatile boolean open;
    /** Who is to be told of changes; null: nobody waits. */
    private volatile Runnable sleeper;

    boolean isOpen() {
        return open;
    }

    /**
     * Closed before the lock is taken for a change, so that bursts leave; opened again under the lock.
     */
    void open(boolean runs) {
        open = runs;
    }

    void sleeper(Runnable waiting) {
        sleeper = waiting;
    }

    /** Whether nobody else has waited since. */
    boolean isSleeper(Runnable waiting) {
        return waiting.equals(sleeper);
    }

    /** Something about the queue has changed, which a sleeping thread has to see. */
    void wake() {
        Runnable present = sleeper;
        if (present != null) {
            present.run();
        }
    }
}
