package io.vhost.bpf;

import java.util.Optional;

/**
 * The types of what a map holds, as far as the object tells.
 *
 * @param key   the key's type, or 0 if only its size is known
 * @param value the value's type, likewise; of a section of variables its DATASEC
 * @param inner of a map of maps, what the maps in it are like
 */
public record MapTypes(int key, int value, Optional<BpfMap> inner) {
    /** Nothing is known. */
    public static final MapTypes UNKNOWN = new MapTypes(0, 0, Optional.empty());
}
