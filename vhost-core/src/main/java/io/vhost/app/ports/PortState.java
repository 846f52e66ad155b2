package io.vhost.app.ports;

import io.vhost.app.polling.PortCounters;

/** What can be asked of a port. Any thread. */
public interface PortState {
    /** Number of the port, from 0; no two have the same at a time. */
    int number();

    /** What the user called it: the path of its socket. */
    String name();

    /** Whether packets can pass now. */
    boolean isConnected();

    /** What has passed so far. */
    PortCounters counters();
}
