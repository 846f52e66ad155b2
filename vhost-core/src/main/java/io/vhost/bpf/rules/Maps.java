package io.vhost.bpf.rules;

import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.map.MapType;

/** Which map goes into which helper, and what programs may do with its values. Thread: stateless. */
final class Maps {
    private static final int LOOKUP = 1;
    private static final int UPDATE = 2;
    private static final int DELETE = 3;
    private static final int TAIL_CALL = 12;
    private static final int EVENT = 25;
    private static final int REDIRECT = 51;
    private static final int PUSH = 87;
    private static final int PEEK = 89;
    private static final int RING_FIRST = 130;
    private static final int RING_LAST = 134;
    private static final int LOOKUP_PER_CPU = 195;

    private Maps() {
    }

    static boolean fits(MapSpec map, int helper) {
        MapType type = MapType.of(map.type());
        return switch (helper) {
            case TAIL_CALL -> type == MapType.PROG_ARRAY;
            case EVENT -> type == MapType.PERF_EVENT_ARRAY;
            case REDIRECT -> type == MapType.DEVMAP || type == MapType.DEVMAP_HASH || type == MapType.CPUMAP;
            case LOOKUP_PER_CPU -> type == MapType.PERCPU_ARRAY || type == MapType.PERCPU_HASH
                    || type == MapType.LRU_PERCPU_HASH;
            case LOOKUP -> isTable(type) || isOfMaps(type) || isOfDevices(type);
            case UPDATE, DELETE -> isTable(type);
            default -> {
                boolean queue = type == MapType.QUEUE || type == MapType.STACK;
                boolean ring = type == MapType.RINGBUF;
                yield (helper >= PUSH && helper <= PEEK) ? queue
                        : (helper >= RING_FIRST && helper <= RING_LAST) ? ring : true;
            }
        };
    }

    private static boolean isTable(MapType type) {
        return switch (type) {
            case HASH, ARRAY, PERCPU_HASH, PERCPU_ARRAY, LRU_HASH, LRU_PERCPU_HASH, LPM_TRIE -> true;
            default -> false;
        };
    }

    static boolean isOfMaps(MapType type) {
        return type == MapType.ARRAY_OF_MAPS || type == MapType.HASH_OF_MAPS;
    }

    /** Whether a look-up with this key cannot fail. */
    static boolean hasAlways(MapSpec map, long key) {
        MapType type = MapType.of(map.type());
        return (type == MapType.ARRAY || type == MapType.PERCPU_ARRAY) && key >= 0 && key < map.maxEntries();
    }

    private static boolean isOfDevices(MapType type) {
        return type == MapType.DEVMAP || type == MapType.DEVMAP_HASH;
    }

    /** Whether programs may not write values. */
    static boolean isReadOnly(MapSpec map) {
        return (map.flags() & MapSpec.RDONLY_PROG) != 0 || isOfDevices(MapType.of(map.type()));
    }

    static boolean writes(int helper) {
        return helper == UPDATE || helper == DELETE || (helper >= PUSH && helper < PEEK);
    }
}
