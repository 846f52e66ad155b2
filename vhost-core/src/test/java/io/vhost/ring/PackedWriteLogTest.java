package io.vhost.ring;

import static io.vhost.ring.RawPackedRing.INDIRECT;
import static io.vhost.ring.RawPackedRing.LENGTH;
import static io.vhost.ring.RawPackedRing.NEXT;
import static io.vhost.ring.RawPackedRing.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.vhost.memory.DirtyLog;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is logged of a packed ring while its guest migrates: buffers, used descriptors and events. */
class PackedWriteLogTest {
    /** Four pages of descriptors, the last one not full. */
    private static final int SIZE = 1000;
    private static final int A_PAGE = DirtyLog.PAGE / Descriptors.DESC_SIZE;
    private static final long RING = GuestWindow.MAIN / DirtyLog.PAGE;
    private static final long BUFFERS = GuestWindow.BUFFERS / DirtyLog.PAGE;

    private final MemorySegment bits = Arena.ofAuto().allocate(0x8_0000, Long.BYTES);
    private final RawPackedRing raw = new RawPackedRing(SIZE);

    private PackedRing ring(int position, RingOptions options) {
        raw.start(position, true);
        PackedRing ring = raw.device(options, PackedBase.of(PackedLayout.offWrap(position, true)));
        ring.logWrites(DirtyLog.of(bits), DeviceRing.NOT_LOGGED);
        return ring;
    }

    private Set<Long> marks() {
        Set<Long> pages = new TreeSet<>();
        for (long i = 0; i < bits.byteSize() * Byte.SIZE; i++) {
            if ((bits.get(ValueLayout.JAVA_BYTE, i / Byte.SIZE) >> (i % Byte.SIZE) & 1) != 0) {
                pages.add(i);
            }
        }
        bits.fill((byte) 0);
        return pages;
    }

    private void use(PackedRing ring, int... written) {
        assertEquals(written.length, ring.gather(raw.batch, written.length));
        for (int i = 0; i < written.length; i++) {
            raw.batch.written(i, written[i]);
        }
        ring.publish(raw.batch);
        assertNull(ring.violation());
    }

    @Test
    void thePagesOfUsedDescriptorsAreMarkedAndNoOthers() {
        PackedRing ring = ring(A_PAGE - 1, RingSuite.TO_GUEST);
        raw.offer(2, WRITE);
        use(ring, 0);
        assertEquals(Set.of(RING), marks());
        use(ring, 0);
        assertEquals(Set.of(RING + 1), marks());
        raw.offer(A_PAGE, WRITE);
        use(ring, new int[A_PAGE]);
        assertEquals(Set.of(RING + 1, RING + 2), marks());
    }

    @Test
    void aBurstAcrossTheEndOfTheRingMarksBothEnds() {
        for (boolean inOrder : new boolean[] {false, true}) {
            PackedRing ring = ring(SIZE - 1, new RingOptions(false, true, false, inOrder));
            raw.offer(2, 0);
            use(ring, 0, 0);
            assertEquals(Set.of(RING, RING + 3), marks());
        }
    }

    @Test
    void onlyBuffersThatWereWrittenAreMarked() {
        PackedRing ring = ring(0, RingSuite.TO_GUEST);
        raw.tableDesc(GuestWindow.FAR, 0, GuestWindow.BUFFERS, LENGTH, WRITE);
        raw.tableDesc(GuestWindow.FAR, 1, GuestWindow.BUFFERS + 0x5000, 2 * DirtyLog.PAGE, WRITE);
        raw.desc(GuestWindow.FAR, 32, 0, INDIRECT);
        use(ring, LENGTH + 1);
        assertEquals(Set.of(RING, BUFFERS, BUFFERS + 5), marks());
    }

    @Test
    void aChainThatIsRewrittenAfterItWasGatheredIsMarkedAsItWas() {
        PackedRing ring = ring(0, RingSuite.TO_GUEST);
        raw.desc(GuestWindow.BUFFERS, LENGTH, 0, WRITE | NEXT);
        raw.desc(GuestWindow.BUFFERS + 0x5000, LENGTH, 0, WRITE);
        assertEquals(1, ring.gather(raw.batch, 1));
        for (int i = 0; i < 2; i++) {
            raw.raw(i, GuestWindow.HOLE, -1, 0xFFFF, WRITE | NEXT | INDIRECT);
        }
        raw.batch.written(0, 2 * LENGTH);
        ring.publish(raw.batch);
        assertEquals(Set.of(RING, BUFFERS, BUFFERS + 5), marks());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aTableOfNearly4GbThatBeginsWithAnEmptyEntryWhichNamesItselfIsNotFollowed(boolean inFlight) {
        PackedRing ring = ring(0, RingSuite.TO_GUEST);
        raw.desc(GuestWindow.BUFFERS, LENGTH, 0, WRITE);
        assertEquals(1, ring.gather(raw.batch, 1));
        raw.batch.written(0, LENGTH);
        ChainsInFlight chains = new ChainsInFlight(SIZE);
        if (inFlight) {
            chains.take(raw.batch, 0, 1);
            ring.keep(raw.batch, 1);
            chains.giveBack(0);
        }
        raw.raw(0, GuestWindow.FAR, -16, 0, INDIRECT | PackedLayout.availFlags(true));
        raw.tableDesc(GuestWindow.FAR, 0, GuestWindow.FAR, 0, WRITE | NEXT | INDIRECT);
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
            ring.publish(raw.batch);
            ring.publish(chains);
        });
        assertEquals(Set.of(RING, BUFFERS), marks());
    }

    @Test
    void chainsInFlightAreMarkedWhenTheyAreGivenBack() {
        PackedRing ring = ring(SIZE - 1, RingSuite.TO_GUEST);
        ChainsInFlight chains = new ChainsInFlight(SIZE);
        raw.desc(GuestWindow.BUFFERS, LENGTH, 0, WRITE);
        raw.desc(GuestWindow.BUFFERS + 0x5000, LENGTH, 1, WRITE);
        assertEquals(2, ring.gather(raw.batch, 2));
        raw.batch.written(0, LENGTH);
        raw.batch.written(1, 1);
        chains.take(raw.batch, 0, 2);
        ring.keep(raw.batch, 2);
        assertEquals(Set.of(), marks());
        chains.giveBack(1);
        ring.publish(chains);
        chains.forgetReturned();
        assertEquals(Set.of(RING + 3, BUFFERS + 5), marks());
        chains.giveBack(0);
        ring.publish(chains);
        chains.forgetReturned();
        assertEquals(Set.of(RING, BUFFERS), marks());
    }

    @Test
    void theDeviceAreaIsMarkedWhereItsAddressIsKnown() {
        for (RingOptions options : new RingOptions[] {RingSuite.TO_GUEST, RingSuite.EVENT_IDX}) {
            PackedRing ring = ring(0, options);
            ring.enableKicks();
            ring.disableKicks();
            assertEquals(Set.of(), marks());
            ring.logWrites(DirtyLog.of(bits), GuestWindow.FAR - 2);
            ring.enableKicks();
            Set<Long> both = Set.of(GuestWindow.FAR / DirtyLog.PAGE - 1, GuestWindow.FAR / DirtyLog.PAGE);
            assertEquals(both, marks());
            ring.disableKicks();
            assertEquals(both, marks());
            ring.logWrites(null, GuestWindow.FAR);
            ring.enableKicks();
            raw.offer(1, WRITE);
            use(ring, LENGTH);
            assertEquals(Set.of(), marks());
        }
    }
}
