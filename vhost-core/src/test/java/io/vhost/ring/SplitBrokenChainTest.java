package io.vhost.ring;

import static io.vhost.ring.RawSplitRing.INDIRECT;
import static io.vhost.ring.RawSplitRing.LENGTH;
import static io.vhost.ring.RawSplitRing.NEXT;
import static io.vhost.ring.RawSplitRing.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.vhost.memory.GuestMemory;
import io.vhost.state.MemoryRegion;
import io.vhost.state.RingViolation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Chains that break the rules of a split ring. An attack stands behind two good chains and before a good one:
 * the first two must arrive, the last must not.
 */
class SplitBrokenChainTest {
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
}
