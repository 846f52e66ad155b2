package io.vhost.bpf.map;

/** Types of maps by the numbers of {@code enum bpf_map_type}. */
public enum MapType {
    /** No type. */
    UNSPEC(0),
    /** Values by keys of any bytes. */
    HASH(1),
    /** Values by number. */
    ARRAY(2),
    /** Programs for tail calls. */
    PROG_ARRAY(3),
    /** Ways to the application. */
    PERF_EVENT_ARRAY(4),
    /** A hash with a value for each CPU. */
    PERCPU_HASH(5),
    /** An array with a value for each CPU. */
    PERCPU_ARRAY(6),
    /** A hash that gives up old entries. */
    LRU_HASH(9),
    /** The same with a value for each CPU. */
    LRU_PERCPU_HASH(10),
    /** Values by prefix. */
    LPM_TRIE(11),
    /** Maps by number. */
    ARRAY_OF_MAPS(12),
    /** Maps by keys of any bytes. */
    HASH_OF_MAPS(13),
    /** Interfaces by number. */
    DEVMAP(14),
    /** CPUs by number. */
    CPUMAP(16),
    /** First in, first out. */
    QUEUE(22),
    /** Last in, first out. */
    STACK(23),
    /** Interfaces by key. */
    DEVMAP_HASH(25),
    /** Records to the application. */
    RINGBUF(27);

    private final int id;

    MapType(int id) {
        this.id = id;
    }

    /** The number. */
    public int id() {
        return id;
    }

    /** The type with a number; {@link #UNSPEC} if it is none of these. */
    public static MapType of(int id) {
        for (MapType type : values()) {
            if (type.id == id) {
                return type;
            }
        }
        return UNSPEC;
    }
}
