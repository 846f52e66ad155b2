package io.vhost.bpf.map;

/**
 * What a map is made from: the numbers of {@code BPF_MAP_CREATE}.
 *
 * @param name       for messages
 * @param type       the kernel's {@code enum bpf_map_type}
 * @param keySize    bytes of a key
 * @param valueSize  bytes of a value
 * @param maxEntries most entries
 * @param flags      {@code map_flags}
 */
public record MapSpec(String name, int type, int keySize, int valueSize, int maxEntries, int flags) {
    /** Do not set aside memory for all entries at once. */
    public static final int NO_PREALLOC = 1;
    /** Programs must not write. */
    public static final int RDONLY_PROG = 1 << 7;
}
