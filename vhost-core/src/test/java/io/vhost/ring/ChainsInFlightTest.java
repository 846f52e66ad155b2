package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.memory.DirtyLog;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is kept of chains that are given back later, above all for the log of a guest that migrates. */
class ChainsInFlightTest {
    private static final int SIZE = 4;

    private final MemorySegment bits = Arena.ofAuto().allocate(0x8_0000, Long.BYTES);

    private Set<Long> marks() {
        Set<Long> pages = new TreeSet<>();
        for (long i = 0; i < bits.byteSize() * Byte.SIZE; i++) {
            if ((bits.get(ValueLayout.JAVA_BYTE, i / Byte.SIZE) >> (i % Byte.SIZE) & 1) != 0) {
                pages.add(i);
            }
        }
        // Those of the ring itself.
        pages.removeIf(page -> page < GuestWindow.BUFFERS / DirtyLog.PAGE);
        bits.fill((byte) 0);
        return pages;
    }

    private static Buffer[] pages(int first, int count) {
        Buffer[] buffers = new Buffer[count];
        for (int i = 0; i < count; i++) {
            buffers[i] = new Buffer(GuestWindow.BUFFERS + (long) DirtyLog.PAGE * (first + i), 100);
        }
        return buffers;
    }

    private static Set<Long> expected(int first, int count) {
        Set<Long> pages = new TreeSet<>();
        for (int i = 0; i < count; i++) {
            pages.add(GuestWindow.BUFFERS / DirtyLog.PAGE + first + i);
        }
        return pages;
    }

    private static void take(RingEnds ring, ChainsInFlight chains, ChainBatch batch, int written) {
        assertEquals(1, ring.device().gather(batch, 1));
        batch.written(0, written);
        assertTrue(chains.canTake(batch, 0, 1));
        assertTrue(chains.hasRoom(batch, 0, 1));
        chains.take(batch, 0, 1);
        ring.device().keep(batch, 1);
    }

    /** The log begins while the chain is in flight, and the first buffer alone is not all. */
    @ParameterizedTest
    @EnumSource(RingFormat.class)
    void onlyWhatWasWrittenIsMarkedWhenTheChainIsGivenBack(RingFormat format) {
        for (int written : new int[] {0, 1, 100, 101, 300, 301, 400}) {
            RingEnds ring = RingEnds.of(format, SIZE, RingSuite.TO_GUEST);
            ChainsInFlight chains = new ChainsInFlight(SIZE);
            ChainBatch batch = new ChainBatch(SIZE);
            assertTrue(ring.offer(1, pages(0, 4)));
            ring.driver().publish();
            take(ring, chains, batch, written);
            ring.device().logWrites(DirtyLog.of(bits), DeviceRing.NOT_LOGGED);
            chains.giveBack(idOf(chains));
            ring.device().publish(chains);
            chains.forgetReturned();
            assertEquals(expected(0, (written + 99) / 100), marks(), "written=" + written);
            assertEquals(0, chains.count());
            assertEquals(1, ring.driver().poll());
            assertEquals(written, ring.driver().usedLength());
        }
    }

    /** The length counts from the first buffer that the device writes, not from the chain's first. */
    @ParameterizedTest
    @EnumSource(RingFormat.class)
    void buffersThatAreReadBeforeThoseThatAreWrittenAreNotMarked(RingFormat format) {
        for (int readable = 0; readable <= 3; readable++) {
            RingEnds ring = RingEnds.of(format, SIZE, RingSuite.TO_GUEST);
            ChainsInFlight chains = new ChainsInFlight(SIZE);
            ChainBatch batch = new ChainBatch(SIZE);
            long[] addresses = RingEnds.addresses(pages(0, 4));
            assertTrue(ring.driver().offer(1, addresses, RingEnds.lengths(pages(0, 4)), readable, 4));
            ring.driver().publish();
            int written = readable == 3 ? 1 : 101;
            take(ring, chains, batch, written);
            ring.device().logWrites(DirtyLog.of(bits), DeviceRing.NOT_LOGGED);
            chains.giveBack(idOf(chains));
            ring.device().publish(chains);
            chains.forgetReturned();
            assertEquals(expected(readable, readable == 3 ? 1 : 2), marks(), "readable=" + readable);
        }
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    void chainsThatAreOnlyReadLeaveNoMark(RingFormat format) {
        RingEnds ring = RingEnds.of(format, SIZE, RingSuite.FROM_GUEST);
        ChainsInFlight chains = new ChainsInFlight(SIZE);
        ChainBatch batch = new ChainBatch(SIZE);
        ring.device().logWrites(DirtyLog.of(bits), DeviceRing.NOT_LOGGED);
        assertTrue(ring.offer(7, new Buffer(GuestWindow.FAR, 100)));
        ring.driver().publish();
        take(ring, chains, batch, 0);
        chains.giveBack(idOf(chains));
        ring.device().publish(chains);
        chains.forgetReturned();
        assertEquals(Set.of(), marks());
        assertEquals(7, ring.driver().poll());
    }

    /** With nothing in flight there is room for any chain; else a long one has to wait for others. */
    @ParameterizedTest
    @EnumSource(RingFormat.class)
    void buffersThatCannotBeKeptWaitForThoseOfOthers(RingFormat format) {
        RingEnds ring = RingEnds.of(format, SIZE, RingSuite.TO_GUEST);
        ChainsInFlight chains = new ChainsInFlight(SIZE);
        ChainBatch batch = new ChainBatch(SIZE);
        Buffer[] longest = Buffer.of(ChainBatch.MAX_INDIRECT, GuestWindow.BUFFERS, 8);
        for (int i = 0; i < 3; i++) {
            assertTrue(ring.offerIndirect(i, GuestWindow.NEXT, longest));
        }
        ring.driver().publish();
        take(ring, chains, batch, 8);
        int first = idOf(chains);
        take(ring, chains, batch, 8);
        assertEquals(1, ring.device().gather(batch, 1));
        assertTrue(chains.canTake(batch, 0, 1));
        assertFalse(chains.hasRoom(batch, 0, 1));
        chains.giveBack(first);
        ring.device().publish(chains);
        chains.forgetReturned();
        assertTrue(chains.hasRoom(batch, 0, 1));
    }

    private static int idOf(ChainsInFlight chains) {
        for (int id = 0; id < SIZE; id++) {
            if (chains.descriptors[id] != 0) {
                return id;
            }
        }
        throw new AssertionError("nothing is in flight");
    }
}
