package io.vhost.ring;

import static io.vhost.ring.RawSplitRing.INDIRECT;
import static io.vhost.ring.RawSplitRing.LENGTH;
import static io.vhost.ring.RawSplitRing.NEXT;
import static io.vhost.ring.RawSplitRing.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.memory.GuestMemory;
import io.vhost.memory.MemoryRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Drivers that break the rules of a split ring. Each broken chain stands behind two good ones and before a
 * good one: the first two must arrive, the last must not.
 */
class SplitRingHostileTest {
    private static final int SIZE = 16;
    private static final int BAD = 2;
    private static final long TABLE = GuestWindow.FAR;

    /** Lays a broken chain with head {@link #BAD}; {@code direction} is the flag of good buffers. */
    interface Attack {
        void lay(RawSplitRing raw, int direction);
    }

    private static Arguments attack(String text, RingViolation violation, long detail, Attack attack) {
        return Arguments.of(text, violation, detail, attack);
    }

    private static void table(RawSplitRing raw, long address, int bytes) {
        raw.desc(BAD, address, bytes, INDIRECT, 0);
    }

    /** A chain of {@code count} table entries that are all in order. */
    private static void entries(RawSplitRing raw, int count, int direction) {
        for (int i = 0; i < count; i++) {
            int flags = i + 1 < count ? direction | NEXT : direction;
            raw.tableDesc(TABLE, i, GuestWindow.BUFFERS, LENGTH, flags, i + 1);
        }
    }

    static Stream<Arguments> attacks() {
        return Stream.of(
                attack("1 a descriptor that continues with itself", RingViolation.CHAIN_TOO_LONG, BAD,
                        (raw, direction) -> raw.desc(BAD, GuestWindow.BUFFERS, 1, direction | NEXT, BAD)),
                attack("1 the same with no bytes", RingViolation.CHAIN_TOO_LONG, BAD,
                        (raw, direction) -> raw.desc(BAD, GuestWindow.BUFFERS, 0, direction | NEXT, BAD)),
                attack("1 a table entry that continues with itself", RingViolation.CHAIN_TOO_LONG, BAD,
                        (raw, direction) -> {
                            table(raw, TABLE, 64);
                            raw.tableDesc(TABLE, 0, GuestWindow.BUFFERS, 1, direction | NEXT, 0);
                        }),
                attack("2 two descriptors that continue with each other", RingViolation.CHAIN_TOO_LONG, BAD,
                        (raw, direction) -> {
                            raw.desc(BAD, GuestWindow.BUFFERS, 1, direction | NEXT, 9);
                            raw.desc(9, GuestWindow.BUFFERS, 1, direction | NEXT, BAD);
                        }),
                attack("4 next is the size", RingViolation.NEXT_OUT_OF_RANGE, SIZE,
                        (raw, direction) -> raw.desc(BAD, GuestWindow.BUFFERS, 1, direction | NEXT, SIZE)),
                attack("4 next is 65535", RingViolation.NEXT_OUT_OF_RANGE, 0xFFFF,
                        (raw, direction) -> raw.desc(BAD, GuestWindow.BUFFERS, 1, direction | NEXT, 0xFFFF)),
                attack("4 next is behind the table", RingViolation.NEXT_OUT_OF_RANGE, 4,
                        (raw, direction) -> {
                            table(raw, TABLE, 64);
                            raw.tableDesc(TABLE, 0, GuestWindow.BUFFERS, 1, direction | NEXT, 4);
                        }),
                attack("7 a table in a table", RingViolation.NESTED_INDIRECT, TABLE,
                        (raw, direction) -> {
                            table(raw, TABLE, 32);
                            raw.tableDesc(TABLE, 0, TABLE, 16, INDIRECT, 0);
                        }),
                attack("7 a table in a table, not at its beginning", RingViolation.NESTED_INDIRECT, TABLE,
                        (raw, direction) -> {
                            table(raw, TABLE, 32);
                            raw.tableDesc(TABLE, 0, GuestWindow.BUFFERS, 1, direction | NEXT, 1);
                            raw.tableDesc(TABLE, 1, TABLE, 16, INDIRECT, 0);
                        }),
                attack("8 a table that is continued", RingViolation.INDIRECT_WITH_NEXT, TABLE,
                        (raw, direction) -> {
                            raw.desc(BAD, TABLE, 16, INDIRECT | NEXT, 5);
                            entries(raw, 1, direction);
                        }),
                attack("9 a table of 0 bytes", RingViolation.INDIRECT_TABLE_SIZE, 0,
                        (raw, direction) -> table(raw, TABLE, 0)),
                attack("9 a table of 8 bytes", RingViolation.INDIRECT_TABLE_SIZE, 8,
                        (raw, direction) -> table(raw, TABLE, 8)),
                attack("9 a table of 40 bytes", RingViolation.INDIRECT_TABLE_SIZE, 40,
                        (raw, direction) -> table(raw, TABLE, 40)),
                attack("9 a table that is longer than any", RingViolation.INDIRECT_TABLE_SIZE, 1025 * 16,
                        (raw, direction) -> {
                            table(raw, TABLE, 1025 * 16);
                            entries(raw, 1025, direction);
                        }),
                attack("9 a table of 2^32 - 16 bytes", RingViolation.INDIRECT_TABLE_SIZE, 0xFFFF_FFF0L,
                        (raw, direction) -> table(raw, TABLE, -16)),
                attack("10 a table across the end of memory", RingViolation.INDIRECT_TABLE_UNMAPPED,
                        GuestWindow.HOLE - 16, (raw, direction) -> {
                            long end = GuestWindow.HOLE - 16;
                            table(raw, end, 32);
                            raw.tableDesc(end, 0, GuestWindow.BUFFERS, LENGTH, direction, 0);
                        }),
                attack("10 a table in a hole", RingViolation.INDIRECT_TABLE_UNMAPPED, GuestWindow.HOLE,
                        (raw, direction) -> table(raw, GuestWindow.HOLE, 32)),
                attack("10 a table at the end of all addresses", RingViolation.INDIRECT_TABLE_UNMAPPED, -16,
                        (raw, direction) -> table(raw, -16, 32)),
                attack("11 a buffer that wraps around", RingViolation.BUFFER_UNMAPPED, -16,
                        (raw, direction) -> raw.desc(BAD, -16, 32, direction, 0)),
                attack("11 a buffer that wraps around into memory", RingViolation.BUFFER_UNMAPPED, -16,
                        (raw, direction) -> raw.desc(BAD, -16, (int) GuestWindow.BUFFERS + 32, direction, 0)),
                attack("12 a buffer in a hole", RingViolation.BUFFER_UNMAPPED, GuestWindow.HOLE,
                        (raw, direction) -> raw.desc(BAD, GuestWindow.HOLE, LENGTH, direction, 0)),
                attack("12 a buffer that ends in a hole", RingViolation.BUFFER_UNMAPPED, GuestWindow.HOLE,
                        (raw, direction) -> raw.desc(BAD, GuestWindow.HOLE - 1, 2, direction, 0)),
                attack("12 a buffer that ends in a hole, two regions on", RingViolation.BUFFER_UNMAPPED,
                        GuestWindow.HOLE, (raw, direction) -> raw.desc(
                                BAD, GuestWindow.NEXT - 1, (int) GuestWindow.NEXT_SIZE + 2, direction, 0)),
                attack("12 a buffer at 0", RingViolation.BUFFER_UNMAPPED, 0,
                        (raw, direction) -> raw.desc(BAD, 0, LENGTH, direction, 0)),
                attack("13 no bytes at all", RingViolation.EMPTY_CHAIN, BAD,
                        (raw, direction) -> raw.desc(BAD, GuestWindow.BUFFERS, 0, direction, 0)),
                attack("13 no bytes in several buffers", RingViolation.EMPTY_CHAIN, BAD,
                        (raw, direction) -> {
                            raw.desc(BAD, GuestWindow.BUFFERS, 0, direction | NEXT, 9);
                            raw.desc(9, GuestWindow.HOLE, 0, direction, 0);
                        }),
                attack("13 no bytes in a table", RingViolation.EMPTY_CHAIN, BAD,
                        (raw, direction) -> {
                            table(raw, TABLE, 16);
                            raw.tableDesc(TABLE, 0, 0, 0, direction, 0);
                        }),
                attack("14 a buffer of 2^32 - 1 bytes", RingViolation.BUFFER_UNMAPPED, GuestWindow.HOLE,
                        (raw, direction) -> raw.desc(BAD, GuestWindow.BUFFERS, -1, direction, 0)),
                attack("15 a chain of 4 GiB", RingViolation.CHAIN_TOO_LARGE, 1L << 32,
                        (raw, direction) -> {
                            raw.desc(BAD, GuestWindow.BUFFERS, 1, direction | NEXT, 9);
                            raw.desc(9, GuestWindow.BUFFERS, -1, direction, 0);
                        }),
                attack("16 writable before readable", RingViolation.READABLE_AFTER_WRITABLE,
                        GuestWindow.BUFFERS, (raw, direction) -> {
                            raw.desc(BAD, GuestWindow.FAR, LENGTH, WRITE | NEXT, 9);
                            raw.desc(9, GuestWindow.BUFFERS, LENGTH, 0, 0);
                        }),
                attack("16 writable before readable in a table", RingViolation.READABLE_AFTER_WRITABLE,
                        GuestWindow.BUFFERS, (raw, direction) -> {
                            table(raw, TABLE, 32);
                            raw.tableDesc(TABLE, 0, GuestWindow.FAR, LENGTH, WRITE | NEXT, 1);
                            raw.tableDesc(TABLE, 1, GuestWindow.BUFFERS, LENGTH, 0, 0);
                        }));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("attacks")
    void aBrokenChainEndsTheRingAndNoneBeforeIt(
            String text, RingViolation violation, long detail, Attack attack) {
        for (boolean deviceWrites : new boolean[] {false, true}) {
            RawSplitRing raw = new RawSplitRing(SIZE);
            SplitRing ring = raw.device(new RingOptions(deviceWrites, true, false, false));
            int direction = deviceWrites ? WRITE : 0;
            raw.buffers(direction);
            attack.lay(raw, direction);
            assertStopsBefore(raw, ring, violation, detail);
        }
    }

    /** Offers good chains around {@link #BAD}. */
    private static void assertStopsBefore(
            RawSplitRing raw, SplitRing ring, RingViolation violation, long detail) {
        for (int head : new int[] {0, 1, 3}) {
            raw.desc(head, GuestWindow.BUFFERS + (long) LENGTH * head, LENGTH, raw.direction, 0);
        }
        raw.offer(0, 1, BAD, 3);
        assertEquals(2, ring.gather(raw.batch, SIZE), "the good chains before");
        assertEquals(violation, ring.violation());
        assertEquals(detail, ring.violationDetail());
        assertEquals(2, raw.batch.chains());
        assertEquals(2, raw.batch.endBuffer(1), "nothing of the broken chain is left in the batch");
        for (int i = 0; i < 2; i++) {
            long offset = raw.window.offset(GuestWindow.BUFFERS + (long) LENGTH * i);
            assertEquals(offset, raw.batch.bufferOffset(i));
            assertEquals(LENGTH, raw.batch.length(i));
        }
        raw.batch.written(0, 0);
        raw.batch.written(1, 0);
        ring.publish(raw.batch);
        assertEquals(2, raw.usedIdx());
        raw.desc(BAD, GuestWindow.BUFFERS, LENGTH, raw.direction, 0); // repaired, too late
        assertEquals(0, ring.gather(raw.batch, SIZE), "a ring with a violation hands out no more");
        assertFalse(ring.hasAvailable());
        assertFalse(ring.enableKicks());
        assertEquals(2, ring.positions().nextAvail());
    }

    /** Even where memory lies at both ends of the address space, a buffer does not go on at the other end. */
    @Test
    void row11ABufferThatWrapsAroundFromMemoryIntoMemory() {
        MemorySegment window = Arena.ofAuto().allocate(0x2000, 4096);
        GuestMemory memory = GuestMemory.of(window,
                new MemoryRegion(0, 0x7000_0000L, 0x1000, 0),
                new MemoryRegion(-0x1000, 0x8000_0000L, 0x1000, 0x1000));
        SplitRing ring =
                new SplitRing(memory, new RingAddresses(0, 0x100, 0x200), 4, RingSuite.FROM_GUEST, 0);
        Descriptors.put(window, 0, -16, SplitLayout.word(16, 0, 0));
        Descriptors.put(window, 16, -16, SplitLayout.word(17, 0, 0));
        SplitLayout.availEntry(window, 0x100, 1, 1);
        SplitLayout.availIdxRelease(window, 0x100, 2);
        ChainBatch batch = new ChainBatch(4);
        assertEquals(1, ring.gather(batch, 4), "the last bytes of all addresses are memory");
        assertEquals(0x1FF0, batch.bufferOffset(0));
        assertEquals(RingViolation.BUFFER_UNMAPPED, ring.violation());
        assertEquals(-16, ring.violationDetail());
    }

    @Test
    void rows1To3AChainThatLoopsIsAsLongAsTheRingAndNoLonger() {
        for (int size : new int[] {1, 2, 32768}) {
            RawSplitRing raw = new RawSplitRing(size);
            SplitRing ring = raw.device(RingSuite.FROM_GUEST);
            for (int i = 0; i < size; i++) {
                raw.desc(i, GuestWindow.BUFFERS, 1, NEXT, (i + 1) % size);
            }
            raw.offer(0);
            assertEquals(0, ring.gather(raw.batch, 1));
            assertEquals(RingViolation.CHAIN_TOO_LONG, ring.violation());
            ring = raw.device(RingSuite.FROM_GUEST);
            raw.desc(size - 1, GuestWindow.BUFFERS, 1, 0, 0);
            assertEquals(1, ring.gather(raw.batch, 1), "a chain of exactly the ring's size is good");
            assertEquals(size, raw.batch.length(0));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE, SIZE + 1, 0x7FFF, 0x8000, 0xFFFF})
    void row5AHeadBeyondTheRing(int head) {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        raw.buffers(0);
        raw.desc(SIZE, GuestWindow.BUFFERS, LENGTH, 0, 0); // what lies behind the table looks good
        raw.offer(0, 1, head, 3);
        assertEquals(2, ring.gather(raw.batch, SIZE));
        assertEquals(RingViolation.HEAD_OUT_OF_RANGE, ring.violation());
        assertEquals(head, ring.violationDetail());
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE + 1, 0x7FFF, 0x8000, 0xFFFF, -2, -SIZE, -SIZE - 1})
    void row6AnIndexThatJumps(int by) {
        for (int start : new int[] {0, 5, 0xFFFF}) {
            RawSplitRing raw = new RawSplitRing(SIZE);
            raw.start(start);
            SplitRing ring = raw.device(RingSuite.FROM_GUEST, start);
            raw.buffers(0);
            raw.jump(by);
            assertEquals(0, ring.gather(raw.batch, SIZE));
            assertEquals(RingViolation.AVAIL_INDEX_JUMP, ring.violation());
            assertEquals((start + by) & 0xFFFF, ring.violationDetail());
        }
    }

    @Test
    void row6AJumpBeyondWhatIsInFlight() {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        raw.buffers(0);
        raw.offer(0, 1, 2);
        assertEquals(3, ring.gather(raw.batch, SIZE));
        raw.jump(SIZE - 3);
        assertTrue(ring.hasAvailable(), "all of the ring may be out");
        assertEquals(SIZE, ring.positions().knownAvail());
        raw.jump(1);
        assertEquals(SIZE - 3, ring.gather(raw.batch, SIZE - 3), "known before");
        assertEquals(0, ring.gather(raw.batch, 1));
        assertEquals(RingViolation.AVAIL_INDEX_JUMP, ring.violation());
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, -2, -3, -4})
    void row6AnIndexThatGoesBack(int by) {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        raw.buffers(0);
        raw.offer(0, 1, 2, 3);
        assertEquals(2, ring.gather(raw.batch, 2), "two are taken, two are known");
        raw.jump(by);
        assertEquals(0, ring.gather(raw.batch, SIZE));
        assertEquals(RingViolation.AVAIL_INDEX_JUMP, ring.violation());
    }

    @Test
    void anIndirectDescriptorWithoutTheFeature() {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(new RingOptions(false, false, false, false));
        raw.buffers(0);
        table(raw, TABLE, 16);
        entries(raw, 1, 0);
        assertStopsBefore(raw, ring, RingViolation.INDIRECT_NOT_NEGOTIATED, TABLE);
    }

    @Test
    void row9ATableAsLongAsTheRingIsGoodForLargeRings() {
        RawSplitRing raw = new RawSplitRing(2048);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        raw.desc(0, TABLE, 2048 * 16, INDIRECT, 0);
        entries(raw, 2048, 0);
        raw.desc(1, TABLE, 2049 * 16, INDIRECT, 0);
        raw.offer(0, 1);
        assertEquals(1, ring.gather(raw.batch, 2));
        assertEquals(2048, raw.batch.endBuffer(0));
        assertEquals(RingViolation.INDIRECT_TABLE_SIZE, ring.violation());
    }

    @Test
    void row22GarbageInTheEventFieldsOnlyCostsInterrupts() {
        RawSplitRing raw = new RawSplitRing(4);
        SplitRing events = raw.device(RingSuite.EVENT_IDX);
        SplitRing flags = raw.device(RingSuite.TO_GUEST);
        for (int value = 0; value < 0x1_0000; value++) {
            raw.usedEvent(value);
            raw.availFlags(value);
            assertEquals(value == 0 && events.positions().nextUsed() == 0, events.needsInterrupt());
            assertEquals((value & 1) == 0, flags.needsInterrupt(), "reserved bits are ignored");
        }
        assertNull(events.violation());
    }

    @Test
    void row23AHeadOfferedTwiceIsHandedOutTwice() {
        RawSplitRing raw = new RawSplitRing(4);
        SplitRing ring = raw.device(RingSuite.TO_GUEST);
        raw.buffers(WRITE);
        raw.offer(1, 1, 1, 1);
        assertEquals(4, ring.gather(raw.batch, 4));
        ring.publish(raw.batch);
        assertEquals(4, raw.usedIdx());
        assertNull(ring.violation());
    }

    /**
     * Every chain is a full table of empty buffers: the costliest there are. Two of them fill a batch, as two
     * of full buffers would, so that a guest cannot make a burst walk the table once for each entry of the
     * ring.
     */
    @Test
    void theWorkOfABurstIsBounded() {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        for (int i = 0; i < SIZE; i++) {
            raw.desc(i, TABLE, 1024 * 16, INDIRECT, 0);
        }
        for (int i = 0; i < 1024; i++) {
            raw.tableDesc(TABLE, i, GuestWindow.BUFFERS, i == 1023 ? 1 : 0, i == 1023 ? 0 : NEXT, i + 1);
        }
        raw.offer(IntStream.range(0, SIZE).toArray());
        for (int used = 0; used < SIZE; used += 2) {
            assertEquals(2, ring.gather(raw.batch, Integer.MAX_VALUE));
            assertEquals(used + 2 < SIZE, raw.batch.isFull());
            assertEquals(2, raw.batch.endBuffer(1));
            assertEquals(0, ring.gather(raw.batch, 1));
            ring.publish(raw.batch);
        }
        assertNull(ring.violation());
        assertEquals(SIZE, raw.usedIdx());
    }

    /** Chains that were taken back leave no trace in the batch. */
    @Test
    void emptyBuffersThatWereTakenBackTakeNoRoom() {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        raw.desc(0, TABLE, 1024 * 16, INDIRECT, 0);
        for (int i = 0; i < 1024; i++) {
            raw.tableDesc(TABLE, i, GuestWindow.BUFFERS, i == 1023 ? 1 : 0, i == 1023 ? 0 : NEXT, i + 1);
        }
        raw.offer(0, 0);
        for (int i = 0; i < 5; i++) {
            assertEquals(2, ring.gather(raw.batch, SIZE));
            ring.ungather(raw.batch, 2);
        }
        assertNull(ring.violation());
    }

    /** Another thread rewrites everything while bursts run: violations are all that may come of it. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void row20AThreadThatRewritesTheRing(boolean deviceWrites) throws InterruptedException {
        long seed = new Random().nextLong();
        RawSplitRing raw = new RawSplitRing(SIZE);
        AtomicBoolean ended = new AtomicBoolean();
        Thread flipper = Thread.ofPlatform().start(() -> flip(raw, new Random(seed), ended));
        int violations = 0;
        long chains = 0;
        try {
            for (int round = 0; violations < 1000; round++) {
                int base = SplitLayout.availIdxAcquire(raw.window.segment, raw.addresses.avail());
                SplitRing ring = raw.device(new RingOptions(deviceWrites, true, round % 2 == 0, false), base);
                for (int burst = 0; burst < 20 && ring.violation() == null; burst++) {
                    int count = ring.gather(raw.batch, 32);
                    chains += count;
                    checkBatch(raw, "seed " + seed);
                    assertTrue(count <= SIZE);
                    ring.publish(raw.batch);
                    ring.needsInterrupt();
                    ring.enableKicks();
                }
                violations += ring.violation() == null ? 0 : 1;
            }
        } finally {
            ended.set(true);
            flipper.join();
        }
        assertTrue(chains > 0, "seed " + seed);
    }

    private static void flip(RawSplitRing raw, Random random, AtomicBoolean ended) {
        long[] addresses = {
            GuestWindow.BUFFERS, GuestWindow.NEXT - 8, GuestWindow.HOLE - 8, GuestWindow.HOLE, -8, TABLE
        };
        int[] lengths = {0, 1, 16, 32, 64, -1, 1024 * 16};
        while (!ended.get()) {
            for (int i = 0; i < SIZE; i++) {
                long address = addresses[random.nextInt(addresses.length)];
                int length = lengths[random.nextInt(lengths.length)];
                int flags = random.nextInt(4) == 0 ? random.nextInt(8) : random.nextInt(4);
                raw.desc(i, address, length, flags, random.nextInt(SIZE + 1));
                raw.tableDesc(TABLE, i, address, length, flags, random.nextInt(5));
            }
            raw.offer(random.nextInt(64) == 0 ? 0xFFFF : random.nextInt(SIZE));
            if (random.nextInt(256) == 0) {
                raw.jump(random.nextInt(0x1_0000));
            }
            raw.usedEvent(random.nextInt(0x1_0000));
        }
    }

    /** Whatever the driver did, buffers are inside the window and add up to their chain. */
    private static void checkBatch(RawSplitRing raw, String text) {
        for (int chain = 0; chain < raw.batch.chains(); chain++) {
            long sum = 0;
            for (int i = raw.batch.firstBuffer(chain); i < raw.batch.endBuffer(chain); i++) {
                long end = raw.batch.bufferOffset(i) + raw.batch.bufferLength(i);
                assertTrue(raw.batch.bufferOffset(i) >= 0 && raw.batch.bufferLength(i) > 0, text);
                assertTrue(end <= raw.window.segment.byteSize(), text);
                sum += raw.batch.bufferLength(i);
            }
            assertEquals(sum, raw.batch.length(chain), text);
            assertTrue(sum > 0, text);
        }
    }

    /** A header in k descriptors is the device's business; to the ring it is a chain like any other. */
    @Test
    void row19ManyBuffersOfOneByte() {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        for (int i = 0; i < SIZE; i++) {
            raw.desc(i, GuestWindow.BUFFERS + 2L * i, 1, i == SIZE - 1 ? 0 : NEXT, i + 1);
        }
        raw.offer(0);
        assertEquals(1, ring.gather(raw.batch, 1));
        assertEquals(SIZE, raw.batch.length(0));
        assertEquals(SIZE, raw.batch.endBuffer(0));
    }

    @Test
    void theFirstViolationStays() {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        assertFalse(ring.fault(RingViolation.NO_ROOM_FOR_HEADER, 7));
        ring.fault(RingViolation.CHAIN_TOO_LARGE, 8);
        assertEquals(RingViolation.NO_ROOM_FOR_HEADER, ring.violation());
        assertEquals(7, ring.violationDetail());
        assertNotNull(ring.violation().text());
    }
}
