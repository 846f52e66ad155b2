package io.vhost.queue;

/** A thread that sleeps until a queue has work. */
@FunctionalInterface
public interface QueueSleeper {
    /** Ends its sleep. Called by any thread, with any lock held; must not block. */
    void wakeUp();
}
