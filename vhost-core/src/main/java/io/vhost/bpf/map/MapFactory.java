package io.vhost.bpf.map;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Makes maps, with the limits of {@code BPF_MAP_CREATE} (Linux 6.18, kernel/bpf). Memory is freed when nobody
 * refers to the map any more.
 *
 * <p>All entries are set aside at once, also where the flag {@code BPF_F_NO_PREALLOC} asks for less. Thread:
 * immutable; any thread.
 */
public final class MapFactory {
    private static final long MAX_KMALLOC = 1L << 22;
    private static final int MAX_PER_CPU_VALUE = 32 << 10;
    private static final int PAGE = 4096;
    private static final int MAX_PREFIX_BYTES = 256;
    private static final int MAX_BUCKETS = 1 << 28;
    private static final MemorySegment NOTHING = Arena.global().allocate(0, 8);

    private final int cpus;
    private final long maxBytes;

    /**
     * Makes a factory.
     *
     * @param cpus     number of CPUs: how many values each entry of a per-CPU map has, from 1
     * @param maxBytes most bytes of each of a map's tables, its values being the largest of them
     */
    public MapFactory(int cpus, long maxBytes) {
        if (cpus < 1) {
            throw new IllegalArgumentException(cpus + " CPUs; at least 1 runs programs");
        }
        this.cpus = cpus;
        this.maxBytes = maxBytes;
    }

    /** Number of CPUs. */
    public int cpus() {
        return cpus;
    }

    /**
     * Makes a map.
     *
     * @throws MapException if the kernel would not make it, or it is too large, or its type is not known here
     */
    public BpfTable create(MapSpec spec) throws MapException {
        try {
            return switch (MapType.of(spec.type())) {
                case ARRAY -> array(spec, 1, false);
                case PERCPU_ARRAY -> array(spec, cpus, false);
                case DEVMAP, CPUMAP -> array(devices(spec), 1, true);
                case HASH -> hash(spec, 1, false);
                case DEVMAP_HASH -> hash(devices(spec), 1, false);
                case PERCPU_HASH -> hash(spec, cpus, false);
                case LRU_HASH -> hash(spec, 1, true);
                case LRU_PERCPU_HASH -> hash(spec, cpus, true);
                case LPM_TRIE -> trie(spec);
                case PROG_ARRAY, ARRAY_OF_MAPS -> slots(spec);
                case HASH_OF_MAPS -> hashOfMaps(spec);
                case QUEUE, STACK -> queue(spec);
                case RINGBUF -> ring(spec);
                case PERF_EVENT_ARRAY -> events(spec);
                default -> throw new MapException(spec, -Errno.EINVAL, "type " + spec.type()
                        + " is not known here; use a hash, an array or a ring buffer");
            };
        } catch (OutOfMemoryError e) {
            MapException refused = new MapException(spec, -Errno.ENOMEM, "no memory for "
                    + spec.maxEntries() + " entries; lower max_entries");
            refused.addSuppressed(e);
            throw refused;
        }
    }

    private BpfTable array(MapSpec spec, int values, boolean sparse) throws MapException {
        require(spec, spec.maxEntries() > 0, "max_entries is " + unsigned(spec.maxEntries())
                + "; an array has at least one entry and at most 2,147,483,647");
        require(spec, spec.keySize() == 4, "key_size is " + spec.keySize() + "; an array's is 4");
        values(spec, values > 1);
        long perCpu = Words.rounded(spec.valueSize());
        long stride = perCpu * values;
        return new ArrayTable(spec, memory(spec, stride * spec.maxEntries()), stride,
                values > 1 ? perCpu : 0, cpus, sparse);
    }

    private BpfTable hash(MapSpec spec, int values, boolean lru) throws MapException {
        require(spec, spec.maxEntries() > 0, "max_entries is " + unsigned(spec.maxEntries())
                + "; a hash has at least one entry and at most 2,147,483,647");
        require(spec, spec.keySize() > 0, "key_size is 0; a hash needs keys");
        values(spec, values > 1);
        if ((long) spec.keySize() + spec.valueSize() >= MAX_KMALLOC) {
            throw new MapException(spec, -Errno.E2BIG, "key and value have " + spec.keySize() + " and "
                    + spec.valueSize() + " bytes; together they may have less than " + MAX_KMALLOC);
        }
        boolean lazyLru = lru && (spec.flags() & MapSpec.NO_PREALLOC) != 0;
        if (lazyLru) {
            throw new MapException(spec, -Errno.EOPNOTSUPP, "an LRU hash is always preallocated; leave out"
                    + " BPF_F_NO_PREALLOC");
        }
        long count = spec.maxEntries() + (long) cpus + 1;
        long perCpu = Words.rounded(spec.valueSize());
        long stride = perCpu * values;
        int buckets = buckets(spec.maxEntries());
        long nodeStride = Words.rounded(8L + spec.keySize());
        MemorySegment own = memory(spec, stride * count);
        HashNodes nodes = new HashNodes(memory(spec, 4L * buckets), memory(spec, nodeStride * count),
                memory(spec, 2 * count), memory(spec, HashNodes.LOCK * buckets), nodeStride, buckets - 1,
                spec.keySize());
        nodes.clear();
        return new HashTable(spec, own, nodes, free(spec, count), stride, values > 1 ? perCpu : 0, cpus, lru,
                ThreadLocalRandom.current().nextLong());
    }

    private static int buckets(int entries) {
        int rounded = Integer.highestOneBit(Math.max(1, entries - 1)) << 1;
        return rounded <= 0 || rounded > MAX_BUCKETS ? MAX_BUCKETS : rounded;
    }

    private FreeList free(MapSpec spec, long count) throws MapException {
        FreeList free = new FreeList(memory(spec, FreeList.STATE), memory(spec, 4 * count),
                spec.maxEntries());
        free.fill();
        return free;
    }

    private BpfTable trie(MapSpec spec) throws MapException {
        require(spec, spec.maxEntries() > 0, "max_entries is " + unsigned(spec.maxEntries())
                + "; a trie has at least one entry");
        int bytes = spec.keySize() - LpmTrie.LENGTH;
        require(spec, bytes >= 1 && bytes <= MAX_PREFIX_BYTES, "key_size is " + spec.keySize()
                + "; a prefix has 1 to 256 bytes, behind 4 for its length");
        require(spec, (spec.flags() & MapSpec.NO_PREALLOC) != 0,
                "a trie is never preallocated; set BPF_F_NO_PREALLOC");
        values(spec, false);
        long count = 2L * spec.maxEntries() + 2;
        long stride = Words.rounded(LpmTrie.HEADER + (long) bytes);
        long valueStride = Words.rounded(spec.valueSize());
        LpmTrie trie = new LpmTrie(spec, memory(spec, valueStride * count), memory(spec, stride * count),
                memory(spec, LpmTrie.STATE), free(spec, count), stride, valueStride);
        trie.clear();
        return trie;
    }

    private BpfTable slots(MapSpec spec) throws MapException {
        require(spec, spec.maxEntries() > 0, "max_entries is " + unsigned(spec.maxEntries()));
        limit(spec, (long) Long.BYTES * spec.maxEntries());
        require(spec, spec.keySize() == 4 && spec.valueSize() == 4,
                "key and value have " + spec.keySize() + " and " + spec.valueSize() + " bytes; both have 4");
        return new SlotTable(spec);
    }

    private BpfTable hashOfMaps(MapSpec spec) throws MapException {
        require(spec, spec.valueSize() == 4, "value_size is " + spec.valueSize()
                + "; it is 4, a map's descriptor in the kernel");
        BpfTable tickets = hash(new MapSpec(spec.name(), MapType.HASH.id(), spec.keySize(), Long.BYTES,
                spec.maxEntries(), spec.flags()), 1, false);
        limit(spec, (long) Long.BYTES * spec.maxEntries());
        return new MapHash(spec, tickets);
    }

    private BpfTable queue(MapSpec spec) throws MapException {
        require(spec, spec.maxEntries() > 0, "max_entries is " + unsigned(spec.maxEntries()));
        require(spec, spec.keySize() == 0, "key_size is " + spec.keySize() + "; values have no keys here");
        values(spec, false);
        long stride = Words.rounded(spec.valueSize());
        return new QueueTable(spec, memory(spec, stride * spec.maxEntries()),
                memory(spec, QueueTable.STATE), stride, spec.type() == MapType.STACK.id());
    }

    private BpfTable ring(MapSpec spec) throws MapException {
        require(spec, spec.keySize() == 0 && spec.valueSize() == 0,
                "a ring buffer has neither keys nor values; leave key_size and value_size out");
        int size = spec.maxEntries();
        boolean whole = size > 0 && Integer.bitCount(size) == 1 && size % PAGE == 0;
        require(spec, whole, "max_entries is " + unsigned(size)
                + "; a ring's bytes are a power of two and whole pages of 4096");
        return new RingBuffer(spec, memory(spec, 2L * size), memory(spec, size / 2), memory(spec,
                RingBuffer.STATE));
    }

    private BpfTable events(MapSpec spec) throws MapException {
        require(spec, spec.maxEntries() > 0, "max_entries is " + unsigned(spec.maxEntries()));
        limit(spec, (long) Long.BYTES * spec.maxEntries());
        require(spec, spec.keySize() == 4, "key_size is " + spec.keySize() + "; it is 4");
        return new SlotTable(spec);
    }

    private static MapSpec devices(MapSpec spec) throws MapException {
        require(spec, spec.keySize() == 4 || spec.type() == MapType.DEVMAP_HASH.id(),
                "key_size is " + spec.keySize() + "; it is 4");
        require(spec, spec.valueSize() == 4 || spec.valueSize() == 8,
                "value_size is " + spec.valueSize() + "; it is 4, or 8 with a program's descriptor");
        return spec;
    }

    private static void values(MapSpec spec, boolean perCpu) throws MapException {
        require(spec, spec.valueSize() != 0, "value_size is 0; a map needs values");
        if (spec.valueSize() < 0) {
            throw new MapException(spec, -Errno.E2BIG, "value_size is " + unsigned(spec.valueSize())
                    + "; at most 2,147,483,647 bytes");
        }
        if (perCpu && Words.rounded(spec.valueSize()) > MAX_PER_CPU_VALUE) {
            throw new MapException(spec, -Errno.E2BIG, "value_size is " + spec.valueSize()
                    + "; a per-CPU map's is at most " + MAX_PER_CPU_VALUE);
        }
    }

    private void limit(MapSpec spec, long bytes) throws MapException {
        if (bytes > maxBytes || bytes < 0) {
            throw new MapException(spec, -Errno.ENOMEM, spec.maxEntries() + " entries take " + bytes
                    + " bytes and more; one map may have " + maxBytes + ", lower max_entries or allow more");
        }
    }

    private MemorySegment memory(MapSpec spec, long bytes) throws MapException {
        limit(spec, bytes);
        return bytes == 0 ? NOTHING : Arena.ofAuto().allocate(bytes, 8);
    }

    private static String unsigned(int number) {
        return Integer.toUnsignedString(number);
    }

    private static void require(MapSpec spec, boolean condition, String text) throws MapException {
        if (!condition) {
            throw new MapException(spec, -Errno.EINVAL, text);
        }
    }
}
