package io.vhost.ring;

import static io.vhost.ring.RawSplitRing.INDIRECT;
import static io.vhost.ring.RawSplitRing.LENGTH;
import static io.vhost.ring.RawSplitRing.NEXT;
import static io.vhost.ring.RawSplitRing.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.memory.DirtyLog;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is logged of the chains of a guest that migrates, also of one that changes them after the check. */
class WriteLogTest {
    private static final int SIZE = 4;
    private static final long TABLE = GuestWindow.FAR;

    private final MemorySegment bits = Arena.ofAuto().allocate(0x8_0000, Long.BYTES);
    private final RawSplitRing raw = new RawSplitRing(SIZE);
    private final SplitRing ring = raw.device(RingSuite.TO_GUEST);

    private void start() {
        raw.buffers(WRITE);
        ring.logWrites(DirtyLog.of(bits), DeviceRing.NOT_LOGGED);
    }

    /** Takes the chain that was offered, and gives it back filled after the guest has changed it. */
    private void use(int written, Runnable change) {
        assertEquals(1, ring.gather(raw.batch, 1));
        change.run();
        raw.batch.written(0, written);
        // Only a walk without an end takes this long.
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> ring.publish(raw.batch));
        assertNull(ring.violation());
        assertEquals(1, raw.usedIdx());
    }

    private boolean isMarked(long address) {
        long page = address / DirtyLog.PAGE;
        return (bits.get(ValueLayout.JAVA_BYTE, page / Byte.SIZE) >> (page % Byte.SIZE) & 1) != 0;
    }

    private int marks() {
        int marks = 0;
        for (long i = 0; i < bits.byteSize(); i++) {
            marks += Integer.bitCount(bits.get(ValueLayout.JAVA_BYTE, i) & 0xFF);
        }
        return marks;
    }

    @Test
    void onlyThePagesThatWereWrittenAreMarked() {
        start();
        raw.desc(0, TABLE, 32, INDIRECT, 0);
        raw.tableDesc(TABLE, 0, GuestWindow.BUFFERS, LENGTH, WRITE | NEXT, 1);
        raw.tableDesc(TABLE, 1, GuestWindow.BUFFERS + 0x5000, 2 * DirtyLog.PAGE, WRITE, 0);
        raw.offer(0);
        use(LENGTH + 1, () -> { });
        assertEquals(2, marks());
        assertEquals(true, isMarked(GuestWindow.BUFFERS) && isMarked(GuestWindow.BUFFERS + 0x5000));
    }

    @Test
    void whatTheDeviceReadsBeforeItWritesIsNotMarked() {
        start();
        raw.desc(0, GuestWindow.BUFFERS, LENGTH, NEXT, 1);
        raw.desc(1, GuestWindow.BUFFERS + 0x5000, LENGTH, WRITE, 0);
        raw.offer(0);
        use(LENGTH, () -> { });
        assertEquals(1, marks());
        assertTrue(isMarked(GuestWindow.BUFFERS + 0x5000));
    }

    /** The table is the ring's own, so that it looks like the beginning of a walk each time. */
    @Test
    void aTableThatLeadsToItselfAfterItWasGatheredIsNotFollowed() {
        start();
        raw.desc(1, GuestWindow.MAIN, 16 * SIZE, INDIRECT, 0);
        raw.offer(1);
        use(LENGTH, () -> raw.desc(0, GuestWindow.MAIN, 16 * SIZE, INDIRECT, 0));
    }

    /** The walk of such a table would have no end; what is given back later is marked without one, too. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aTableOfNearly4GbThatBeginsWithAnEmptyEntryWhichNamesItselfIsNotFollowed(boolean inFlight) {
        start();
        raw.desc(0, GuestWindow.BUFFERS, LENGTH, WRITE, 0);
        raw.offer(0);
        assertEquals(1, ring.gather(raw.batch, 1));
        raw.batch.written(0, LENGTH);
        ChainsInFlight chains = new ChainsInFlight(SIZE);
        if (inFlight) {
            chains.take(raw.batch, 0, 1);
            ring.keep(raw.batch, 1);
            chains.giveBack(0);
        }
        raw.desc(0, TABLE, -16, INDIRECT, 0);
        raw.tableDesc(TABLE, 0, GuestWindow.BUFFERS + 0x5000, 0, WRITE | NEXT, 0);
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
            ring.publish(raw.batch);
            ring.publish(chains);
        });
        assertEquals(1, raw.usedIdx());
        assertEquals(1, marks());
        assertTrue(isMarked(GuestWindow.BUFFERS));
    }

    @Test
    void aChainThatLoopsAfterItWasGatheredIsMarkedAsItWas() {
        start();
        raw.desc(0, GuestWindow.BUFFERS, LENGTH, WRITE | NEXT, 1);
        raw.offer(0);
        use(2 * LENGTH, () -> {
            raw.desc(0, GuestWindow.BUFFERS, 0, WRITE | NEXT, 1);
            raw.desc(1, GuestWindow.BUFFERS, 0, WRITE | NEXT, 0);
        });
        assertEquals(1, marks());
        assertTrue(isMarked(GuestWindow.BUFFERS));
    }

    @Test
    void aTableThatLeavesMemoryAfterItWasGatheredIsMarkedAsItWas() {
        start();
        raw.desc(0, TABLE, 16, INDIRECT, 0);
        raw.tableDesc(TABLE, 0, GuestWindow.BUFFERS, LENGTH, WRITE, 0);
        raw.offer(0);
        use(LENGTH, () -> raw.desc(0, GuestWindow.HOLE, -1, INDIRECT, 0));
        assertEquals(1, marks());
        assertTrue(isMarked(GuestWindow.BUFFERS));
    }

    /** The device area's marks, with the border of two pages after so many of its bytes. */
    private String areaMarks(SplitRing of, int border, Runnable work) {
        bits.fill((byte) 0);
        of.logWrites(DirtyLog.of(bits), GuestWindow.FAR - border);
        work.run();
        return (isMarked(GuestWindow.FAR - DirtyLog.PAGE) ? "before" : "")
                + (isMarked(GuestWindow.FAR) ? "behind" : "");
    }

    private void publish(SplitRing of, int count) {
        for (int i = 0; i < count; i++) {
            raw.offer(i);
        }
        assertEquals(count, of.gather(raw.batch, count));
        for (int i = 0; i < count; i++) {
            raw.batch.written(i, 1);
        }
        of.publish(raw.batch);
    }

    /** Flags and index have the first four bytes, elements eight each. */
    @Test
    void ofTheDeviceAreaTheIndexAndEachElementAreMarked() {
        raw.buffers(WRITE);
        assertEquals("beforebehind", areaMarks(ring, 4, () -> publish(ring, 1)));
        assertEquals("before", areaMarks(ring, 4 + 2 * 8, () -> publish(ring, 1)));
        assertEquals("beforebehind", areaMarks(ring, 4 + 3 * 8, () -> publish(ring, 2)));
        assertEquals("before", areaMarks(ring, 4 + 8, () -> publish(ring, 1)));
        // Index 5, in a ring of four: elements 1 and 2.
        assertEquals("beforebehind", areaMarks(ring, 4 + 2 * 8, () -> publish(ring, 2)));
    }

    /** The flags lie at the area's beginning, the index to kick for at its end. */
    @Test
    void wishesForKicksAreMarked() {
        assertEquals("before", areaMarks(ring, 2, ring::enableKicks));
        assertEquals("before", areaMarks(ring, 2, ring::disableKicks));
        SplitRing other = raw.device(RingSuite.EVENT_IDX);
        int event = (int) RingFormat.SPLIT.deviceBytes(SIZE) - 2;
        assertEquals("behind", areaMarks(other, event, other::enableKicks));
        assertEquals("", areaMarks(other, event, other::disableKicks));
    }
}
