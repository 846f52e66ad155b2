package io.vhost.monitor;

/** What a {@link Session} needs of the loop that owns it. Threads: any, except as said. */
interface SessionOwner {
    /** Runs something on the monitor thread, soon; never after its end. */
    void post(Runnable action);

    /** Runs something on a thread of its own; false if too much runs already. */
    boolean execute(Runnable action);

    /** The session of this number has closed. Thread: the monitor's. */
    void closed(int session);
}
