package io.vhost.app;

/** What {@code switch} tells of: a socket or an interface of this machine. Any thread. */
interface SwitchMember {
    /** What the user called it. */
    String name();

    /** What has passed so far. */
    PortCounters counters();

    /** Whether packets can pass now. */
    boolean isConnected();
}
