package io.vhost.limit;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * What is taken at one moment, and what was refused since the process began. The parts are read one after
 * another, while others may change them.
 *
 * @param connections of all servers and clients
 * @param mappings memory regions and dirty logs that are mapped
 * @param mappedBytes their sizes together
 * @param descriptors file descriptors that this library keeps open
 * @param refusals how often each limit was the reason of a refusal, every limit in its order
 */
public record ResourceUsage(
        long connections, long mappings, long mappedBytes, long descriptors, Map<Limit, Long> refusals) {
    /** Takes a copy. */
    public ResourceUsage {
        refusals = Collections.unmodifiableMap(new EnumMap<>(refusals));
    }
}
