package io.vhost.bpf;

import java.util.List;

/**
 * A map that an object defines, or that a loader makes for a section of variables: {@code .data},
 * {@code .rodata}, {@code .bss}, {@code .kconfig}.
 *
 * @param name       its name
 * @param type       its type, the kernel's {@code enum bpf_map_type}
 * @param keySize    bytes of a key
 * @param valueSize  bytes of a value; of a {@code struct_ops} map those of the object's struct, which the
 * kernel wraps in one of its own
 * @param maxEntries most entries, or 0 if the object leaves it open
 * @param flags      {@code map_flags}; of a section of variables those that libbpf sets
 * @param keyType    the key's C type, or the empty string if only its size is known
 * @param valueType  the value's C type, likewise; of a map of maps or of programs, what it holds
 */
public record BpfMap(String name, int type, long keySize, long valueSize, long maxEntries, int flags,
                     String keyType, String valueType) {
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
