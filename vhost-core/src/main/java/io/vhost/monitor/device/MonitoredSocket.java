package io.vhost.monitor.device;

/**
 * What has happened on one socket of front-ends, over all its connections.
 *
 * @param outgoing whether this process connects to it; false: it listens there
 * @param open connections at this moment
 * @param connections since the beginning
 * @param reconnects those of them that came when there had been others and none was left
 * @param lastError what was wrong last on one that has ended; empty if nothing was
 */
public record MonitoredSocket(
        boolean outgoing, int open, long connections, long reconnects, String lastError) {
    static MonitoredSocket unused(boolean outgoing) {
        return new MonitoredSocket(outgoing, 0, 0, 0, "");
    }

    MonitoredSocket connected() {
        boolean again = open == 0 && connections > 0;
        return new MonitoredSocket(outgoing, open + 1, connections + 1, reconnects + (again ? 1 : 0),
                lastError);
    }

    MonitoredSocket disconnected(String error) {
        return new MonitoredSocket(outgoing, open - 1, connections, reconnects,
                error.isEmpty() ? lastError : error);
    }

    /** As QEMU writes it. */
    public String filename(String path) {
        return (open > 0 ? "" : "disconnected:") + "unix:" + path + (outgoing ? "" : ",server=on");
    }
}
