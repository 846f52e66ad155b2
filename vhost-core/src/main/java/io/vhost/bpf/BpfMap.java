package io.vhost.bpf;

import java.util.List;

/**
 * A map that an object defines.
 *
 * @param name       its name
 * @param type       its type, the kernel's {@code enum bpf_map_type}
 * @param keySize    bytes of a key
 * @param valueSize  bytes of a value
 * @param maxEntries most entries, or 0 if the object leaves it open
 * @param flags      {@code map_flags}
 * @param keyType    the key's C type, or the empty string if only its size is known
 * @param valueType  the value's C type, likewise
 */
public record BpfMap(String name, int type, long keySize, long valueSize, long maxEntries, int flags,
                     String keyType, String valueType) {
    /** The type with which a loader stores a section of variables. */
    public static final int ARRAY = 2;

    private static final List<String> TYPES = List.of(
            "unspec", "hash", "array", "prog_array", "perf_event_array", "percpu_hash", "percpu_array",
            "stack_trace", "cgroup_array", "lru_hash", "lru_percpu_hash", "lpm_trie", "array_of_maps",
            "hash_of_maps", "devmap", "sockmap", "cpumap", "xskmap", "sockhash", "cgroup_storage",
            "reuseport_sockarray", "percpu_cgroup_storage", "queue", "stack", "sk_storage", "devmap_hash",
            "struct_ops", "ringbuf", "inode_storage", "task_storage", "bloom_filter", "user_ringbuf",
            "cgrp_storage", "arena");

    /** The type in words, as bpftool prints it. */
    public String typeName() {
        return type >= 0 && type < TYPES.size() ? TYPES.get(type) : "type " + Integer.toUnsignedString(type);
    }
}
