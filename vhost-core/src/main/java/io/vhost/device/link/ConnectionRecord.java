package io.vhost.device.link;

import io.vhost.state.ConnectionSnapshot;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * What transports note down about the connection behind a device, for those who look on.
 *
 * <p>Thread: the connection's writes; any may take a {@link #snapshot}, without a lock.
 */
public final class ConnectionRecord {
    private final Map<String, Long> requests = new ConcurrentSkipListMap<>();
    private volatile boolean outgoing;
    private volatile String lastError = "";

    /** Of a connection on which nothing has happened. */
    public ConnectionRecord() {}

    /**
     * This process has connected to the front-end, not the front-end to it; to be said before any callback.
     */
    public void outgoing() {
        outgoing = true;
    }

    /**
     * A request has come.
     *
     * @param name of the request; from a fixed set, since each name is kept
     */
    public void request(String name) {
        requests.merge(name, 1L, Long::sum);
    }

    /**
     * Something was wrong with a request, or with the connection.
     *
     * @param text as it is logged
     */
    public void error(String text) {
        lastError = text;
    }

    /** What has happened so far. */
    public ConnectionSnapshot snapshot() {
        return new ConnectionSnapshot(outgoing, requests, lastError);
    }
}
