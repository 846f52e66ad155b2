package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every ring format does when both ends keep the rules: driver against device. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class RingSuite {
    static final RingOptions TO_GUEST = new RingOptions(true, true, false, false);
    static final RingOptions FROM_GUEST = new RingOptions(false, true, false, false);
    static final RingOptions EVENT_IDX = new RingOptions(true, true, true, false);
    static final RingOptions IN_ORDER = new RingOptions(true, true, false, true);

    abstract RingFormat format();

    /** Sizes that the format has, small and large ones. */
    abstract IntStream sizes();

    /** A size of the format's. */
    abstract int randomSize(Random random);

    RingEnds ends(int size, RingOptions options) {
        return RingEnds.of(format(), size, options);
    }

    private static Buffer buffer(int number) {
        return new Buffer(GuestWindow.BUFFERS + 64L * (number & 0xFFF), 64);
    }

    @Test
    void aChainGoesThereAndBackWithItsLength() {
        RingEnds ring = ends(4, TO_GUEST);
        ChainBatch batch = new ChainBatch(4);
        assertTrue(ring.offer(7, new Buffer(GuestWindow.BUFFERS, 100)));
        assertEquals(0, ring.device().gather(batch, 4), "an offer shows only when it is published");
        ring.driver().publish();
        assertTrue(ring.device().hasAvailable());
        assertEquals(1, ring.device().gather(batch, 4));
        assertEquals(100, batch.length(0));
        assertEquals(ring.window().offset(GuestWindow.BUFFERS), batch.bufferOffset(batch.firstBuffer(0)));
        assertEquals(100, batch.bufferLength(batch.firstBuffer(0)));
        assertEquals(1, batch.endBuffer(0) - batch.firstBuffer(0));
        assertEquals(-1, ring.driver().poll(), "gathered is not used yet");
        batch.written(0, 33);
        ring.device().publish(batch);
        assertEquals(0, batch.chains());
        assertEquals(7, ring.driver().poll());
        assertEquals(33, ring.driver().usedLength());
        assertEquals(-1, ring.driver().poll());
        assertEquals(4, ring.driver().free());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aChainOfManyBuffersKeepsTheirOrder(boolean throughTable) {
        RingEnds ring = ends(16, FROM_GUEST);
        ChainBatch batch = new ChainBatch(16);
        for (int count = 1; count <= 16; count++) {
            Buffer[] buffers = new Buffer[count];
            long total = 0;
            for (int i = 0; i < count; i++) {
                buffers[i] = new Buffer(GuestWindow.BUFFERS + 0x1000L * ((i * 7) % 16), 10 + i);
                total += 10 + i;
            }
            assertTrue(throughTable
                    ? ring.offerIndirect(count, GuestWindow.NEXT, buffers)
                    : ring.offer(count, buffers));
            assertEquals(throughTable ? 15 : 16 - count, ring.driver().free());
            ring.driver().publish();
            assertEquals(1, ring.device().gather(batch, 16));
            assertEquals(total, batch.length(0));
            assertEquals(count, batch.endBuffer(0) - batch.firstBuffer(0));
            for (int i = 0; i < count; i++) {
                int buffer = batch.firstBuffer(0) + i;
                assertEquals(ring.window().offset(buffers[i].address()), batch.bufferOffset(buffer));
                assertEquals(buffers[i].length(), batch.bufferLength(buffer));
            }
            batch.written(0, 0);
            ring.device().publish(batch);
            assertEquals(count, ring.driver().poll());
        }
        assertNull(ring.device().violation());
    }

    /** Full laps, more chains than 16-bit indexes have values. */
    @ParameterizedTest
    @MethodSource("sizes")
    void aRingOfAnySizeIsFilledAndEmptiedBeyondTheEndOfItsIndexes(int size) {
        for (RingOptions options : new RingOptions[] {TO_GUEST, IN_ORDER}) {
            RingEnds ring = ends(size, options);
            ChainBatch batch = new ChainBatch(size);
            int next = 0;
            while (next < 0x1_0000 + 2 * size) {
                int first = next;
                for (int i = 0; i < size; i++) {
                    assertTrue(ring.offer(next, buffer(next)));
                    next++;
                }
                assertFalse(ring.offer(next, buffer(next)), "the ring is full");
                ring.driver().publish();
                assertTrue(ring.device().hasAvailable());
                int gathered = 0;
                while (gathered < size) {
                    int got = ring.device().gather(batch, 1 + (gathered + first) % 32);
                    assertTrue(got > 0);
                    for (int i = 0; i < got; i++) {
                        batch.written(i, (first + gathered + i) & 63);
                    }
                    gathered += got;
                    ring.device().publish(batch);
                }
                assertEquals(0, ring.device().gather(batch, 1));
                for (int i = 0; i < size; i++) {
                    assertEquals(first + i, ring.driver().poll());
                    assertEquals((first + i) & 63, ring.driver().usedLength());
                }
                assertEquals(-1, ring.driver().poll());
            }
            assertNull(ring.device().violation());
            assertNull(ring.driver().violation());
        }
    }

    @Test
    void chainsTakenBackAreHandedOutAgain() {
        RingEnds ring = ends(8, TO_GUEST);
        ChainBatch batch = new ChainBatch(8);
        for (int lap = 0; lap < 5; lap++) {
            for (int i = 0; i < 4; i++) {
                assertTrue(ring.offer(10 * lap + i, buffer(i), buffer(i + 1)));
            }
            ring.driver().publish();
            assertEquals(4, ring.device().gather(batch, 8));
            ring.device().ungather(batch, 3);
            assertEquals(1, batch.chains());
            assertEquals(3, ring.device().gather(batch, 8), "added behind what the batch holds");
            assertEquals(4, batch.chains());
            for (int i = 0; i < 4; i++) {
                assertEquals(128, batch.length(i));
                long offset = ring.window().offset(buffer(i).address());
                assertEquals(offset, batch.bufferOffset(batch.firstBuffer(i)));
                batch.written(i, i);
            }
            ring.device().ungather(batch, 4);
            assertEquals(0, batch.chains());
            assertEquals(2, ring.device().gather(batch, 2));
            ring.device().publish(batch);
            assertEquals(2, ring.device().gather(batch, 2));
            ring.device().publish(batch);
            for (int i = 0; i < 4; i++) {
                assertEquals(10 * lap + i, ring.driver().poll());
            }
        }
    }

    @Test
    void aBufferAcrossRegionsComesInPieces() {
        RingEnds ring = ends(4, FROM_GUEST);
        ChainBatch batch = new ChainBatch(4);
        ring.offer(1, new Buffer(GuestWindow.NEXT - 10, 30));
        ring.offer(2, new Buffer(GuestWindow.NEXT - 10, 10));
        Buffer across = new Buffer(GuestWindow.NEXT - 1, 2);
        ring.offerIndirect(3, GuestWindow.BUFFERS, across, new Buffer(GuestWindow.FAR, 5));
        ring.driver().publish();
        assertEquals(3, ring.device().gather(batch, 4));
        assertEquals(30, batch.length(0));
        assertEquals(2, batch.endBuffer(0));
        assertEquals(10, batch.bufferLength(0));
        assertEquals(20, batch.bufferLength(1));
        assertEquals(ring.window().offset(GuestWindow.NEXT - 10), batch.bufferOffset(0));
        assertEquals(ring.window().offset(GuestWindow.NEXT), batch.bufferOffset(1));
        assertEquals(3, batch.endBuffer(1));
        assertEquals(7, batch.length(2));
        assertEquals(6, batch.endBuffer(2));
        assertEquals(ring.window().offset(GuestWindow.FAR), batch.bufferOffset(5));
        assertNull(ring.device().violation());
    }

    @Test
    void emptyBuffersAreSkippedWhereTheChainHasOthers() {
        RingEnds ring = ends(8, FROM_GUEST);
        ChainBatch batch = new ChainBatch(8);
        Buffer empty = new Buffer(GuestWindow.HOLE, 0);
        ring.offer(1, empty, buffer(1), empty, buffer(2), empty);
        ring.driver().publish();
        assertEquals(1, ring.device().gather(batch, 8));
        assertEquals(128, batch.length(0));
        assertEquals(2, batch.endBuffer(0));
        assertEquals(ring.window().offset(buffer(2).address()), batch.bufferOffset(1));
    }

    @Test
    void aBatchThatIsFullLeavesTheRestInTheRing() {
        RingEnds ring = ends(8, FROM_GUEST);
        ChainBatch batch = new ChainBatch(8);
        Buffer[] many = Buffer.of(900, GuestWindow.BUFFERS, 8);
        for (int i = 0; i < 5; i++) {
            assertTrue(ring.offerIndirect(i, GuestWindow.NEXT, many));
        }
        ring.driver().publish();
        int[] expected = {2, 2, 1};
        for (int count : expected) {
            assertEquals(count, ring.device().gather(batch, 8));
            assertEquals(900 * count, batch.endBuffer(count - 1));
            ring.device().publish(batch);
        }
        assertNull(ring.device().violation());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void kicksComeWhenAskedForOnly(boolean eventIdx) {
        RingEnds ring = ends(8, eventIdx ? EVENT_IDX : TO_GUEST);
        ChainBatch batch = new ChainBatch(8);
        assertFalse(ring.device().enableKicks(), "nothing is available");
        offerAndShow(ring, 2);
        assertTrue(ring.driver().needsKick());
        assertFalse(ring.driver().needsKick(), "asked for the same chains twice");
        ring.device().disableKicks();
        ring.device().gather(batch, 8);
        ring.device().publish(batch);
        drain(ring);
        offerAndShow(ring, 3);
        assertFalse(ring.driver().needsKick());
        assertTrue(ring.device().enableKicks(), "chains came while kicks were off");
        ring.device().gather(batch, 8);
        ring.device().publish(batch);
        drain(ring);
        assertFalse(ring.device().enableKicks());
        offerAndShow(ring, 1);
        assertTrue(ring.driver().needsKick());
    }

    @Test
    void anOfferThatIsNotShownYetIsKickedForLater() {
        RingEnds ring = ends(8, EVENT_IDX);
        ring.device().enableKicks();
        offerAndShow(ring, 1);
        ring.offer(2, buffer(2));
        assertTrue(ring.driver().needsKick());
        ChainBatch batch = new ChainBatch(8);
        assertEquals(1, ring.device().gather(batch, 8));
        assertFalse(ring.device().enableKicks());
        ring.driver().publish();
        assertTrue(ring.driver().needsKick(), "the second chain is what the device waits for");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void interruptsComeWhenAskedForOnly(boolean eventIdx) {
        RingEnds ring = ends(8, eventIdx ? EVENT_IDX : TO_GUEST);
        assertFalse(ring.driver().enableInterrupts(), "nothing is used");
        offerAndShow(ring, 8);
        use(ring, 2);
        assertTrue(ring.device().needsInterrupt());
        ring.driver().disableInterrupts();
        use(ring, 2);
        assertFalse(ring.device().needsInterrupt());
        assertTrue(ring.driver().enableInterrupts(), "chains were used while interrupts were off");
        drain(ring);
        assertFalse(ring.driver().enableInterrupts());
        use(ring, 1);
        assertTrue(ring.device().needsInterrupt());
        drain(ring);
        assertFalse(ring.driver().enableInterrupts());
        use(ring, 1);
        assertTrue(ring.device().needsInterrupt());
    }

    private static void offerAndShow(RingEnds ring, int count) {
        for (int i = 0; i < count; i++) {
            assertTrue(ring.offer(i, buffer(i)));
        }
        ring.driver().publish();
    }

    private static void use(RingEnds ring, int count) {
        ChainBatch batch = new ChainBatch(8);
        assertEquals(count, ring.device().gather(batch, count));
        ring.device().publish(batch);
    }

    private static void drain(RingEnds ring) {
        while (ring.driver().poll() >= 0) {
            assertNull(ring.driver().violation());
        }
    }

    /** Random chains, random bursts, all options; every byte and every length is compared. */
    @Test
    void randomChainsArriveUnchanged() {
        long seed = new Random().nextLong();
        for (int round = 0; round < 60; round++) {
            randomTraffic(new Random(seed + round), "seed " + (seed + round));
        }
    }

    private void randomTraffic(Random random, String text) {
        int size = randomSize(random);
        boolean deviceWrites = random.nextBoolean();
        RingOptions options =
                new RingOptions(deviceWrites, true, random.nextBoolean(), random.nextBoolean());
        RingEnds ring = ends(size, options);
        ChainBatch batch = new ChainBatch(size);
        RandomChains chains = new RandomChains(ring.window(), random, size);
        int offered = 0;
        int back = 0;
        int taken = 0;
        while (back < 1000) {
            while (random.nextInt(4) != 0) {
                Buffer[] buffers = chains.make(offered, deviceWrites);
                boolean accepted = random.nextBoolean()
                        ? ring.offer(offered, buffers)
                        : ring.offerIndirect(offered, chains.table(offered), buffers);
                if (!accepted) {
                    break;
                }
                offered++;
            }
            if (random.nextInt(3) != 0) {
                ring.driver().publish();
            }
            ring.device().gather(batch, random.nextInt(40));
            ring.device().ungather(batch, random.nextInt(batch.chains() + 1));
            for (int i = 0; i < batch.chains(); i++) {
                batch.written(i, chains.deviceUses(batch, i, taken++, deviceWrites, text));
            }
            ring.device().publish(batch);
            int token;
            while ((token = ring.driver().poll()) >= 0) {
                assertEquals(back, token, text);
                chains.checkUsed(token, ring.driver().usedLength(), deviceWrites, text);
                back++;
            }
            assertNull(ring.device().violation(), text);
            assertNull(ring.driver().violation(), text);
        }
    }
}
