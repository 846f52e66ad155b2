package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.state.RingPositions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every ring format does when both ends keep the rules: driver against device. */
abstract class RingSuite extends ChainSuite {
    /** Chains that were taken and not given back are taken again by whoever goes on. */
    @Test
    void aSuccessorGoesOnWithTheNextChainToGiveBack() {
        RingEnds ring = ends(4, TO_GUEST);
        ChainBatch batch = new ChainBatch(4);
        assertEquals(format().start(), ring.device().base());
        for (int i = 0; i < 3; i++) {
            assertTrue(ring.offer(i, buffer(i)));
        }
        ring.driver().publish();
        assertEquals(3, ring.device().gather(batch, 3));
        assertEquals(format().start(), ring.device().base());
        ring.device().ungather(batch, 1);
        ring.device().publish(batch);
        int afterTwo = ring.device().base();
        assertEquals(1, ring.device().gather(batch, 1));
        assertEquals(afterTwo, ring.device().base());
        ring.device().publish(batch);
        assertNotEquals(afterTwo, ring.device().base());
        assertEquals(3, ring.device().published());
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

    /** Without VIRTIO_F_IN_ORDER the driver gets chains in the order in which the device gives them back. */
    @ParameterizedTest
    @MethodSource("sizes")
    void chainsInFlightMayBeGivenBackInAnyOrder(int size) {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        RingEnds ring = ends(size, TO_GUEST);
        ChainBatch batch = new ChainBatch(size);
        ChainsInFlight flight = new ChainsInFlight(size);
        List<Integer> ids = new ArrayList<>();
        int[] tokens = new int[size];
        int offered = 0;
        int gathered = 0;
        for (int used = 0; used < 4 * size + 100 || !ids.isEmpty(); ) {
            boolean ending = used >= 4 * size + 100;
            int buffers = 1 + random.nextInt(Math.min(size, 3));
            while (!ending && random.nextInt(8) != 0
                    && ring.offer(offered, Buffer.of(buffers, GuestWindow.BUFFERS, 64))) {
                offered++;
                buffers = 1 + random.nextInt(Math.min(size, 3));
            }
            ring.driver().publish();
            int count = ring.device().gather(batch, random.nextInt(40));
            assertTrue(flight.canTake(batch, 0, count));
            for (int i = 0; i < count; i++) {
                ids.add(batch.id(i));
                tokens[batch.id(i)] = gathered;
                batch.written(i, gathered++ & 63);
            }
            flight.take(batch, 0, count);
            ring.device().keep(batch, count);
            Collections.shuffle(ids, random);
            List<Integer> back = ids.subList(0, random.nextInt(ids.size() + 1));
            back.forEach(flight::giveBack);
            ring.device().publish(flight);
            flight.forgetReturned();
            for (int id : back) {
                assertEquals(tokens[id], ring.driver().poll(), "seed " + seed);
                assertEquals(tokens[id] & 63, ring.driver().usedLength());
                used++;
            }
            back.clear();
            assertEquals(-1, ring.driver().poll());
        }
        while (ring.device().gather(batch, size) > 0) {
            ring.device().publish(batch);
        }
        drain(ring);
        assertEquals(size, ring.driver().free(), "seed " + seed);
        assertEquals(0, ring.device().positions().inUse());
        assertEquals(offered, ring.device().published());
        assertNull(ring.device().violation());
    }

    @Test
    void nothingGivenBackShowsNothing() {
        RingEnds ring = ends(4, TO_GUEST);
        offerAndShow(ring, 2);
        RingPositions before = ring.device().positions();
        ring.device().publish(new ChainBatch(4));
        ring.device().publish(new ChainsInFlight(4));
        assertEquals(before, ring.device().positions());
        assertEquals(-1, ring.driver().poll());
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
        for (int idle = 0; back < 1000; idle++) {
            assertTrue(idle < 1000, "nothing comes back any more, " + text);
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
                idle = 0;
            }
            assertNull(ring.device().violation(), text);
            assertNull(ring.driver().violation(), text);
        }
    }
}
