package io.vhost.bpf.map;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Maps at their limits, and hashes against one of Java's. */
class MapsTest {
    private static final int ENOENT = -2;
    private static final int E2BIG = -7;
    private static final int EEXIST = -17;
    private static final int EINVAL = -22;
    private static final int ENOSPC = -28;

    private final MemorySegment key = Arena.ofAuto().allocate(64, 8);
    private final MemorySegment value = Arena.ofAuto().allocate(64, 8);

    private static BpfTable map(MapType type, int keySize, int valueSize, int entries, int flags)
            throws MapException {
        return new MapFactory(2, 1 << 20).create(new MapSpec("m", type.id(), keySize, valueSize, entries,
                flags));
    }

    private int put(BpfTable map, int newKey, long newValue, long flags, int cpu) {
        key.set(ValueLayout.JAVA_INT, 0, newKey);
        value.set(ValueLayout.JAVA_LONG, 0, newValue);
        return map.update(key, 0, value, 0, flags, cpu);
    }

    private Long get(BpfTable map, int wanted, int cpu) {
        key.set(ValueLayout.JAVA_INT, 0, wanted);
        long at = map.lookup(key, 0, cpu);
        return at == BpfTable.ABSENT ? null : map.values().get(ValueLayout.JAVA_LONG, at);
    }

    private int remove(BpfTable map, int wanted) {
        key.set(ValueLayout.JAVA_INT, 0, wanted);
        return map.delete(key, 0);
    }

    @Test
    void anArrayHasAllItsEntriesAndNoOthers() throws MapException {
        BpfTable map = map(MapType.ARRAY, 4, 8, 3, 0);
        assertEquals(0, put(map, 2, 7, 0, 0));
        assertEquals(7, get(map, 2, 0));
        assertEquals(0, get(map, 0, 0));
        assertEquals(null, get(map, 3, 0));
        assertEquals(null, get(map, -1, 0));
        assertEquals(E2BIG, put(map, 3, 7, 0, 0));
        assertEquals(EEXIST, put(map, 2, 7, 1, 0));
        assertEquals(0, put(map, 2, 8, 2, 0));
        assertEquals(EINVAL, put(map, 2, 8, 3, 0));
        assertEquals(EINVAL, remove(map, 2));
    }

    @ParameterizedTest
    @EnumSource(value = MapType.class, names = {"PERCPU_ARRAY", "PERCPU_HASH", "LRU_PERCPU_HASH"})
    void eachCpuHasAValueOfItsOwn(MapType type) throws MapException {
        BpfTable map = map(type, 4, 8, 4, 0);
        assertEquals(0, put(map, 1, 10, 0, 0));
        assertEquals(0, get(map, 1, 1));
        assertEquals(0, put(map, 1, 11, 0, 1));
        assertEquals(10, get(map, 1, 0));
        assertEquals(11, get(map, 1, 1));
        assertEquals(null, get(map, 1, 2));
        assertEquals(EINVAL, put(map, 1, 12, 0, 2));
    }

    @Test
    void aFullHashRefusesNewKeysAndReplacesOldOnes() throws MapException {
        BpfTable map = map(MapType.HASH, 4, 8, 2, 0);
        assertEquals(0, put(map, 1, 1, 1, 0));
        assertEquals(0, put(map, 2, 2, 0, 0));
        assertEquals(E2BIG, put(map, 3, 3, 0, 0));
        for (int i = 0; i < 10; i++) {
            assertEquals(0, put(map, 1, 10 + i, 0, 0));
        }
        assertEquals(19, get(map, 1, 0));
        assertEquals(EEXIST, put(map, 1, 1, 1, 0));
        assertEquals(ENOENT, put(map, 3, 3, 2, 0));
        assertEquals(EINVAL, put(map, 3, 3, 3, 0));
        assertEquals(0, remove(map, 1));
        assertEquals(ENOENT, remove(map, 1));
        assertEquals(null, get(map, 1, 0));
        assertEquals(0, put(map, 3, 3, 0, 0));
        assertEquals(E2BIG, put(map, 4, 4, 0, 0));
    }

    @Test
    void whoHasFoundAValueKeepsItWhenItIsReplaced() throws MapException {
        BpfTable map = map(MapType.HASH, 4, 8, 2, 0);
        put(map, 1, 5, 0, 0);
        long found = map.lookup(key, 0, 0);
        put(map, 1, 6, 0, 0);
        assertEquals(5, map.values().get(ValueLayout.JAVA_LONG, found));
        assertEquals(6, get(map, 1, 0));
    }

    @Test
    void aFullLruHashGivesUpWhatWasNotLookedUp() throws MapException {
        BpfTable map = map(MapType.LRU_HASH, 4, 8, 8, 0);
        for (int i = 0; i < 100; i++) {
            assertEquals(0, put(map, i, i, 0, 0));
            assertEquals(0, get(map, 0, 0), "the entry that is always used, after " + i);
        }
        int present = 0;
        for (int i = 0; i < 100; i++) {
            present += get(map, i, 0) == null ? 0 : 1;
        }
        assertEquals(8, present);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4, 5, 8, 12, 16, 40})
    void aHashDoesWhatOneOfJavaDoes(int keySize) throws MapException {
        BpfTable map = map(MapType.HASH, keySize, 8, 50, 0);
        Map<List<Byte>, Long> model = new HashMap<>();
        SplittableRandom random = new SplittableRandom(keySize);
        for (int i = 0; i < 20_000; i++) {
            List<Byte> wanted = new ArrayList<>();
            for (int j = 0; j < keySize; j++) {
                byte b = (byte) (j == keySize - 1 ? random.nextInt(100) : 0);
                key.set(ValueLayout.JAVA_BYTE, j, b);
                wanted.add(b);
            }
            switch (random.nextInt(3)) {
                case 0 -> {
                    value.set(ValueLayout.JAVA_LONG, 0, i);
                    boolean fits = model.containsKey(wanted) || model.size() < 50;
                    assertEquals(fits ? 0 : E2BIG, map.update(key, 0, value, 0, 0, 0));
                    if (fits) {
                        model.put(wanted, (long) i);
                    }
                }
                case 1 -> assertEquals(model.remove(wanted) == null ? ENOENT : 0, map.delete(key, 0));
                default -> {
                    long at = map.lookup(key, 0, 0);
                    assertEquals(model.get(wanted),
                            at == BpfTable.ABSENT ? null : map.values().get(ValueLayout.JAVA_LONG, at));
                }
            }
        }
        int entries = 0;
        for (int place = 0; place < map.places(); place++) {
            entries += map.key(place, key, 0) ? 1 : 0;
        }
        assertEquals(model.size(), entries);
    }

    @Test
    void aTrieFindsTheLongestPrefixAsASearchDoes() throws MapException {
        BpfTable map = map(MapType.LPM_TRIE, 8, 8, 40, MapSpec.NO_PREALLOC);
        Map<Long, Long> model = new HashMap<>();
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < 30_000; i++) {
            int bits = random.nextInt(33);
            int address = (random.nextInt(4) << 30 | random.nextInt(4) << 14 | random.nextInt(4))
                    & (bits == 0 ? 0 : -1 << (32 - bits));
            key.set(ValueLayout.JAVA_INT, 0, bits);
            key.set(ValueLayout.JAVA_INT, 4, Integer.reverseBytes(address));
            long prefix = (long) address << 8 | bits;
            switch (random.nextInt(3)) {
                case 0 -> {
                    value.set(ValueLayout.JAVA_LONG, 0, i);
                    boolean fits = model.containsKey(prefix) || model.size() < 40;
                    assertEquals(fits ? 0 : ENOSPC, map.update(key, 0, value, 0, 0, 0));
                    if (fits) {
                        model.put(prefix, (long) i);
                    }
                }
                case 1 -> assertEquals(model.remove(prefix) == null ? ENOENT : 0, map.delete(key, 0));
                default -> {
                    Long expected = null;
                    for (int length = bits; length >= 0 && expected == null; length--) {
                        int mask = length == 0 ? 0 : -1 << (32 - length);
                        expected = model.get((long) (address & mask) << 8 | length);
                    }
                    long at = map.lookup(key, 0, 0);
                    assertEquals(expected,
                            at == BpfTable.ABSENT ? null : map.values().get(ValueLayout.JAVA_LONG, at));
                }
            }
        }
        key.set(ValueLayout.JAVA_INT, 0, 33);
        assertEquals(BpfTable.ABSENT, map.lookup(key, 0, 0));
        assertEquals(EINVAL, map.update(key, 0, value, 0, 0, 0));
        assertEquals(EINVAL, map.delete(key, 0));
    }

    /** What is pushed into a full map with BPF_EXIST takes the place of the oldest, again and again. */
    @ParameterizedTest
    @EnumSource(value = MapType.class, names = {"QUEUE", "STACK"})
    void whatIsForcedInDisplacesTheOldest(MapType type) throws MapException {
        QueueTable map = (QueueTable) map(type, 0, 8, 3, 0);
        for (long i = 1; i <= 8; i++) {
            value.set(ValueLayout.JAVA_LONG, 0, i);
            assertEquals(0, map.push(value, 0, 2));
            assertEquals(Math.min(i, 3), map.size());
        }
        long[] left = type == MapType.QUEUE ? new long[] {6, 7, 8} : new long[] {8, 7, 6};
        for (long each : left) {
            assertEquals(0, map.next(value, 0, true));
            assertEquals(each, value.get(ValueLayout.JAVA_LONG, 0));
        }
        assertEquals(ENOENT, map.next(value, 0, true));
    }

    /** A key may lie at the very end of what a program may read. */
    @Test
    void aTrieReadsNoMoreThanItsKey() throws MapException {
        BpfTable trie = map(MapType.LPM_TRIE, 8, 8, 4, MapSpec.NO_PREALLOC);
        MemorySegment exact = Arena.ofAuto().allocate(8, 8);
        exact.set(ValueLayout.JAVA_INT, 0, 32);
        exact.set(ValueLayout.JAVA_INT, 4, -1);
        assertEquals(0, trie.update(exact, 0, value, 0, 0, 0));
        assertTrue(trie.lookup(exact, 0, 0) >= 0);
        exact.set(ValueLayout.JAVA_INT, 0, 24);
        assertEquals(0, trie.update(exact, 0, value, 0, 0, 0));
        exact.set(ValueLayout.JAVA_INT, 0, 32);
        assertTrue(trie.lookup(exact, 0, 0) >= 0);
        assertEquals(0, trie.delete(exact, 0));
        assertTrue(trie.lookup(exact, 0, 0) >= 0, "the shorter one");
    }

    @ParameterizedTest
    @CsvSource({"QUEUE, 1, 2, 3", "STACK, 3, 2, 1"})
    void valuesComeInTheirOrder(MapType type, long first, long second, long third) throws MapException {
        QueueTable map = (QueueTable) map(type, 0, 8, 3, 0);
        for (long i = 1; i <= 3; i++) {
            value.set(ValueLayout.JAVA_LONG, 0, i);
            assertEquals(0, map.push(value, 0, 0));
        }
        assertEquals(E2BIG, map.push(value, 0, 0));
        assertEquals(EINVAL, map.push(value, 0, 1));
        assertEquals(0, map.next(value, 0, false));
        for (long expected : new long[] {first, second, third}) {
            assertEquals(0, map.next(value, 0, true));
            assertEquals(expected, value.get(ValueLayout.JAVA_LONG, 0));
        }
        assertEquals(ENOENT, map.next(value, 0, true));
        assertEquals(0, value.get(ValueLayout.JAVA_LONG, 0));
    }

    @ParameterizedTest
    @CsvSource({"QUEUE, 8, 3, -22", "STACK, 8, 3, -22", "RINGBUF, 0, 4096, -524"})
    void aMapWithoutKeysRefusesWhoAsksForOne(MapType type, int valueSize, int entries, int refusal)
            throws MapException {
        BpfTable map = map(type, 0, valueSize, entries, 0);
        assertEquals(refusal, put(map, 0, 1, 0, 0));
        assertEquals(refusal, remove(map, 0));
        assertNull(get(map, 0, 0));
        assertEquals(0, map.places());
    }

    @Test
    void recordsOfARingComeWholeAndInOrderAllAroundIt() throws MapException {
        RingBuffer ring = (RingBuffer) map(MapType.RINGBUF, 0, 0, 4096, 0);
        List<Long> seen = new ArrayList<>();
        SplittableRandom random = new SplittableRandom(3);
        long next = 0;
        for (int i = 0; i < 5_000; i++) {
            int size = 8 + random.nextInt(900);
            long record = ring.reserve(size);
            if (record == BpfTable.ABSENT) {
                ring.consume((segment, offset, length) -> {
                    seen.add(segment.get(ValueLayout.JAVA_LONG, offset));
                    assertEquals((byte) segment.get(ValueLayout.JAVA_LONG, offset),
                            segment.get(ValueLayout.JAVA_BYTE, offset + length - 1));
                });
                continue;
            }
            ring.values().set(ValueLayout.JAVA_BYTE, record + size - 1, (byte) next);
            ring.values().set(ValueLayout.JAVA_LONG, record, next);
            ring.values().set(ValueLayout.JAVA_BYTE, record + size - 1, size == 8 ? 0 : (byte) next);
            boolean discard = random.nextInt(5) == 0 || size == 8;
            assertTrue(ring.submit(record, discard));
            next += discard ? 0 : 1;
        }
        assertTrue(seen.size() > 1_000, () -> seen.size() + " records");
        for (int i = 0; i < seen.size(); i++) {
            assertEquals(i, seen.get(i));
        }
    }

    @Test
    void aRingHasRoomForOneByteLessThanItself() throws MapException {
        RingBuffer ring = (RingBuffer) map(MapType.RINGBUF, 0, 0, 4096, 0);
        assertEquals(BpfTable.ABSENT, ring.reserve(4096 - 8));
        assertEquals(BpfTable.ABSENT, ring.reserve(-1));
        assertEquals(BpfTable.ABSENT, ring.reserve(Long.MAX_VALUE));
        long record = ring.reserve(4096 - 16);
        assertEquals(8, record);
        assertEquals(BpfTable.ABSENT, ring.reserve(0));
        assertEquals(0, ring.consume((_, _, _) -> { }), "it is still being written");
        assertTrue(ring.submit(record, false));
        assertEquals(false, ring.submit(record, false));
        assertEquals(false, ring.submit(record + 8, false));
        assertEquals(1, ring.consume((_, _, _) -> { }));
        assertEquals(2, ring.lost(), "those for which the ring was large enough");
    }

    @ParameterizedTest
    @CsvSource({"ARRAY, 4, 8, 0, 0, 22", "ARRAY, 8, 8, 1, 0, 22", "ARRAY, 4, 0, 1, 0, 22",
        "ARRAY, 4, -1, 1, 0, 7", "PERCPU_ARRAY, 4, 32769, 1, 0, 7", "HASH, 0, 8, 1, 0, 22",
        "HASH, 4, 4194304, 1, 0, 7", "HASH, 4, 8, -1, 0, 22", "LRU_HASH, 4, 8, 1, 1, 95",
        "LPM_TRIE, 4, 8, 1, 1, 22", "LPM_TRIE, 261, 8, 1, 1, 22", "LPM_TRIE, 8, 8, 1, 0, 22",
        "RINGBUF, 0, 0, 2048, 0, 22", "RINGBUF, 0, 0, 12288, 0, 22", "RINGBUF, 4, 0, 4096, 0, 22",
        "PROG_ARRAY, 4, 8, 1, 0, 22", "QUEUE, 4, 8, 1, 0, 22", "DEVMAP, 4, 5, 1, 0, 22",
        "ARRAY, 4, 8, 131073, 0, 12", "PROG_ARRAY, 4, 4, 131073, 0, 12", "UNSPEC, 4, 8, 1, 0, 22"})
    void whatTheKernelWouldNotMakeIsRefused(MapType type, int keySize, int valueSize, int entries, int flags,
            int errno) {
        MapException refused = assertThrows(MapException.class,
                () -> map(type, keySize, valueSize, entries, flags));
        assertEquals(errno, refused.errno(), refused.getMessage());
    }

    @Test
    void theLargestOfEachAreMade() throws MapException {
        assertEquals(32768, map(MapType.PERCPU_ARRAY, 4, 32768, 1, 0).spec().valueSize());
        assertEquals(131072, map(MapType.ARRAY, 4, 8, 131072, 0).places());
        assertEquals(260, map(MapType.LPM_TRIE, 260, 8, 1, MapSpec.NO_PREALLOC).spec().keySize());
    }

    /** Two keys of one bucket, replaced all the time: a reader finds both whenever it looks. */
    @Test
    void anEntryThatIsReplacedIsThereAllTheTime() throws Exception {
        BpfTable map = map(MapType.HASH, 4, 8, 2, 0);
        put(map, 0, 0, 0, 0);
        put(map, 1, 0, 0, 0);
        AtomicBoolean stop = new AtomicBoolean();
        AtomicInteger missed = new AtomicInteger();
        Thread reader = Thread.ofPlatform().start(() -> {
            MemorySegment own = Arena.ofAuto().allocate(8, 8);
            while (!stop.get()) {
                for (int i = 0; i < 2; i++) {
                    own.set(ValueLayout.JAVA_INT, 0, i);
                    missed.addAndGet(map.lookup(own, 0, 0) == BpfTable.ABSENT ? 1 : 0);
                }
            }
        });
        for (int i = 0; i < 200_000; i++) {
            put(map, i & 1, i, 0, 0);
        }
        stop.set(true);
        reader.join();
        assertEquals(0, missed.get());
    }
}
