package io.vhost.state;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What has happened on the connection behind a device so far.
 *
 * @param outgoing whether this process connected to the front-end; false: the front-end came
 * @param requests how often each request of the vhost-user protocol has come, by its name, in alphabetical
 *     order
 * @param lastError what was wrong last with a request or the connection; empty if nothing was
 */
public record ConnectionSnapshot(boolean outgoing, Map<String, Long> requests, String lastError) {
    /** Takes a copy. */
    public ConnectionSnapshot {
        requests = Collections.unmodifiableMap(new LinkedHashMap<>(requests));
    }
}
