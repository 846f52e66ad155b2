package io.vhost.ring;

import static io.vhost.ring.RawPackedRing.INDIRECT;
import static io.vhost.ring.RawPackedRing.LENGTH;
import static io.vhost.ring.RawPackedRing.NEXT;
import static io.vhost.ring.RawPackedRing.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.state.RingViolation;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Drivers that write broken chains into a packed ring. Each stands behind two good chains and before a good
 * one: the first two must arrive, the last must not.
 */
class PackedRingHostileTest {
    private static final int SIZE = 16;
    /** Position and buffer id of the broken chain. */
    private static final int BAD = 2;
    private static final long TABLE = GuestWindow.FAR;

    /** Lays a broken chain at {@link #BAD}; {@code direction} is the flag of good buffers. */
    interface Attack {
        void lay(RawPackedRing raw, int direction);
    }

    private static Arguments attack(String text, RingViolation violation, long detail, Attack attack) {
        return Arguments.of(text, violation, detail, attack);
    }

    private static Arguments one(
            String text, RingViolation violation, long detail, long address, int length) {
        return attack(text, violation, detail, (raw, direction) -> raw.desc(address, length, BAD, direction));
    }

    private static Arguments table(
            String text, RingViolation violation, long detail, long address, int bytes) {
        return attack(text, violation, detail, (raw, direction) -> {
            entries(raw, 1024, direction);
            raw.desc(address, bytes, BAD, INDIRECT);
        });
    }

    /** Table entries that are all in order. */
    private static void entries(RawPackedRing raw, int count, int direction) {
        for (int i = 0; i < count; i++) {
            raw.tableDesc(TABLE, i, GuestWindow.BUFFERS, LENGTH, direction);
        }
    }

    private static void chain(RawPackedRing raw, int count, long address, int length, int flags) {
        for (int i = 0; i < count; i++) {
            raw.desc(address, length, BAD, flags | NEXT);
        }
    }

    static Stream<Arguments> attacks() {
        return Stream.concat(Stream.concat(tables(), buffers()), chains());
    }

    private static Stream<Arguments> chains() {
        return Stream.of(
                attack("1 to 3 a chain without an end", RingViolation.CHAIN_TOO_LONG, BAD,
                        (raw, direction) -> chain(raw, SIZE, GuestWindow.BUFFERS, 1, direction)),
                attack("1 to 3 the same without bytes", RingViolation.CHAIN_TOO_LONG, BAD,
                        (raw, direction) -> chain(raw, SIZE, GuestWindow.BUFFERS, 0, direction)),
                attack("3 a chain that is as long as the ring", RingViolation.CHAIN_TOO_LONG, BAD,
                        (raw, direction) -> {
                            chain(raw, SIZE - 1, GuestWindow.BUFFERS, 1, direction);
                            raw.desc(GuestWindow.BUFFERS, 1, BAD, direction);
                        }),
                attack("3 a chain that goes on into one before it", RingViolation.CHAIN_TOO_LONG, BAD,
                        (raw, direction) -> {
                            chain(raw, SIZE - 2, GuestWindow.BUFFERS, 1, direction);
                            raw.desc(GuestWindow.BUFFERS, 1, BAD, direction);
                        }),
                attack("15 a chain of 4 GiB", RingViolation.CHAIN_TOO_LARGE, 1L << 32,
                        (raw, direction) -> {
                            raw.desc(GuestWindow.BUFFERS, 1, BAD, direction | NEXT);
                            raw.desc(GuestWindow.BUFFERS, -1, BAD, direction);
                        }),
                attack("16 writable before readable", RingViolation.READABLE_AFTER_WRITABLE,
                        GuestWindow.BUFFERS, (raw, direction) -> {
                            raw.desc(GuestWindow.FAR, LENGTH, BAD, WRITE | NEXT);
                            raw.desc(GuestWindow.BUFFERS, LENGTH, BAD, 0);
                        }),
                attack("21 a buffer id that is the size", RingViolation.BUFFER_ID_OUT_OF_RANGE, SIZE,
                        (raw, direction) -> raw.desc(GuestWindow.BUFFERS, LENGTH, SIZE, direction)),
                attack("21 a buffer id of 65535", RingViolation.BUFFER_ID_OUT_OF_RANGE, 0xFFFF,
                        (raw, direction) -> raw.desc(GuestWindow.BUFFERS, LENGTH, 0xFFFF, direction)),
                attack("21 a buffer id beyond the ring at the end", RingViolation.BUFFER_ID_OUT_OF_RANGE,
                        SIZE, (raw, direction) -> {
                            raw.desc(GuestWindow.BUFFERS, LENGTH, BAD, direction | NEXT);
                            raw.desc(GuestWindow.BUFFERS, LENGTH, SIZE, direction);
                        }),
                attack("21 a buffer id beyond the ring at a table", RingViolation.BUFFER_ID_OUT_OF_RANGE,
                        0x8000, (raw, direction) -> {
                            entries(raw, 1, direction);
                            raw.desc(TABLE, 16, 0x8000, INDIRECT);
                        }));
    }

    private static Stream<Arguments> tables() {
        RingViolation unmapped = RingViolation.INDIRECT_TABLE_UNMAPPED;
        return Stream.of(
                attack("7 a table in a table", RingViolation.NESTED_INDIRECT, TABLE,
                        (raw, direction) -> {
                            raw.tableDesc(TABLE, 0, TABLE, 16, INDIRECT);
                            raw.desc(TABLE, 32, BAD, INDIRECT);
                        }),
                attack("7 a table in a table, at its end", RingViolation.NESTED_INDIRECT, TABLE,
                        (raw, direction) -> {
                            entries(raw, 1, direction);
                            raw.tableDesc(TABLE, 1, TABLE, 16, INDIRECT);
                            raw.desc(TABLE, 32, BAD, INDIRECT);
                        }),
                attack("8 a table that is continued", RingViolation.INDIRECT_WITH_NEXT, TABLE,
                        (raw, direction) -> {
                            entries(raw, 1, direction);
                            raw.desc(TABLE, 16, BAD, INDIRECT | NEXT);
                            raw.desc(GuestWindow.BUFFERS, LENGTH, BAD, direction);
                        }),
                attack("8 a table behind a buffer", RingViolation.INDIRECT_WITH_NEXT, TABLE,
                        (raw, direction) -> {
                            entries(raw, 1, direction);
                            raw.desc(GuestWindow.BUFFERS, LENGTH, BAD, direction | NEXT);
                            raw.desc(TABLE, 16, BAD, INDIRECT);
                        }),
                table("9 a table of 0 bytes", RingViolation.INDIRECT_TABLE_SIZE, 0, TABLE, 0),
                table("9 a table of 8 bytes", RingViolation.INDIRECT_TABLE_SIZE, 8, TABLE, 8),
                table("9 a table of 40 bytes", RingViolation.INDIRECT_TABLE_SIZE, 40, TABLE, 40),
                table("9 a table that is longer than any", RingViolation.INDIRECT_TABLE_SIZE, 1025 * 16,
                        TABLE, 1025 * 16),
                table("9 a table of 2^32 - 16 bytes", RingViolation.INDIRECT_TABLE_SIZE, 0xFFFF_FFF0L,
                        TABLE, -16),
                table("10 a table across the end of memory", unmapped, GuestWindow.HOLE - 16,
                        GuestWindow.HOLE - 16, 32),
                table("10 a table in a hole", unmapped, GuestWindow.HOLE, GuestWindow.HOLE, 32),
                table("10 a table at the end of all addresses", unmapped, -16, -16, 32),
                attack("12 a table with a buffer in a hole", RingViolation.BUFFER_UNMAPPED, GuestWindow.HOLE,
                        (raw, direction) -> {
                            entries(raw, 1, direction);
                            raw.tableDesc(TABLE, 1, GuestWindow.HOLE, 1, direction);
                            raw.desc(TABLE, 32, BAD, INDIRECT);
                        }),
                attack("13 no bytes in a table", RingViolation.EMPTY_CHAIN, BAD,
                        (raw, direction) -> {
                            raw.tableDesc(TABLE, 0, 0, 0, direction);
                            raw.desc(TABLE, 16, BAD, INDIRECT);
                        }),
                attack("16 writable before readable in a table", RingViolation.READABLE_AFTER_WRITABLE,
                        GuestWindow.BUFFERS, (raw, direction) -> {
                            raw.tableDesc(TABLE, 0, GuestWindow.FAR, LENGTH, WRITE);
                            raw.tableDesc(TABLE, 1, GuestWindow.BUFFERS, LENGTH, 0);
                            raw.desc(TABLE, 32, BAD, INDIRECT);
                        }));
    }

    private static Stream<Arguments> buffers() {
        RingViolation unmapped = RingViolation.BUFFER_UNMAPPED;
        long hole = GuestWindow.HOLE;
        return Stream.of(
                one("11 a buffer that wraps around", unmapped, -16, -16, 32),
                one("11 a buffer that wraps around into memory", unmapped, -16,
                        -16, (int) GuestWindow.BUFFERS + 32),
                one("12 a buffer in a hole", unmapped, hole, hole, LENGTH),
                one("12 a buffer that ends in a hole", unmapped, hole, hole - 1, 2),
                one("12 a buffer that ends in a hole, two regions on", unmapped, hole,
                        GuestWindow.NEXT - 1, (int) GuestWindow.NEXT_SIZE + 2),
                one("12 a buffer at 0", unmapped, 0, 0, LENGTH),
                one("13 no bytes at all", RingViolation.EMPTY_CHAIN, BAD, GuestWindow.BUFFERS, 0),
                attack("13 no bytes in several buffers", RingViolation.EMPTY_CHAIN, BAD,
                        (raw, direction) -> {
                            raw.desc(GuestWindow.BUFFERS, 0, SIZE, direction | NEXT);
                            raw.desc(GuestWindow.HOLE, 0, BAD, direction);
                        }),
                one("14 a buffer of 2^32 - 1 bytes", unmapped, hole, GuestWindow.BUFFERS, -1));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("attacks")
    void aBrokenChainEndsTheRingAndNoneBeforeIt(
            String text, RingViolation violation, long detail, Attack attack) {
        for (boolean deviceWrites : new boolean[] {false, true}) {
            for (boolean inOrder : new boolean[] {false, true}) {
                RawPackedRing raw = new RawPackedRing(SIZE);
                PackedRing ring = raw.device(new RingOptions(deviceWrites, true, false, inOrder));
                int direction = deviceWrites ? WRITE : 0;
                raw.offer(2, direction);
                attack.lay(raw, direction);
                if (raw.position > BAD) {
                    raw.desc(RawPackedRing.buffer(3), LENGTH, 3, direction);
                }
                // Where the broken chain has gone round the ring, the good ones have to be there again.
                raw.raw(0, RawPackedRing.buffer(0), LENGTH, 0, direction | RawPackedRing.AVAIL);
                raw.raw(1, RawPackedRing.buffer(1), LENGTH, 1, direction | RawPackedRing.AVAIL);
                assertStopsBefore(raw, ring, violation, detail, direction);
            }
        }
    }

    private static void assertStopsBefore(
            RawPackedRing raw, PackedRing ring, RingViolation violation, long detail, int direction) {
        assertEquals(2, ring.gather(raw.batch, SIZE), "the good chains before");
        assertEquals(violation, ring.violation());
        assertEquals(detail, ring.violationDetail());
        assertEquals(2, raw.batch.chains());
        assertEquals(2, raw.batch.endBuffer(1), "nothing of the broken chain is left in the batch");
        for (int i = 0; i < 2; i++) {
            assertEquals(i, raw.batch.id(i));
            assertEquals(raw.window.offset(RawPackedRing.buffer(i)), raw.batch.bufferOffset(i));
            assertEquals(LENGTH, raw.batch.length(i));
            raw.batch.written(i, 0);
        }
        ring.publish(raw.batch);
        assertTrue(raw.isUsed(0, true));
        assertEquals(2, ring.published());
        raw.raw(BAD, GuestWindow.BUFFERS, LENGTH, BAD, direction | RawPackedRing.AVAIL); // repaired, too late
        assertEquals(0, ring.gather(raw.batch, SIZE), "a ring with a violation hands out no more");
        assertFalse(ring.hasAvailable());
        assertFalse(ring.enableKicks());
        assertEquals(2, ring.positions().nextAvail());
        assertEquals(2, ring.positions().nextUsed());
        assertEquals(0, ring.positions().inUse());
    }
}
