package io.vhost.bpf.rules;

import io.vhost.bpf.map.MapSpec;
import java.lang.foreign.MemorySegment;

/**
 * What is known of a map.
 *
 * @param spec   what it is made from
 * @param lockAt where its values have a lock, or -1
 * @param inner  what the maps are made from that it holds, or null if it holds none or that is not known
 * @param values its values if nobody can change them any more, or null
 */
public record MapFacts(MapSpec spec, int lockAt, MapFacts inner, MemorySegment values) {
    /** Bytes of a {@code struct bpf_spin_lock}. */
    static final int LOCK_SIZE = 4;

    /** A map whose values may change. */
    public MapFacts(MapSpec spec, int lockAt, MapFacts inner) {
        this(spec, lockAt, inner, null);
    }

    /** A map without locks and maps in it. */
    public static MapFacts of(MapSpec spec) {
        return new MapFacts(spec, -1, null);
    }
}
