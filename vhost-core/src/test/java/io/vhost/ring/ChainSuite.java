package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every ring format makes of chains when both ends keep the rules. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class ChainSuite {
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

    static Buffer buffer(int number) {
        return new Buffer(GuestWindow.BUFFERS + 64L * (number & 0xFFF), 64);
    }

    /** Chains of 100 descriptors, with bytes or without, that are used or found to be of no use. */
    @ParameterizedTest
    @CsvSource({"1, false", "1, true", "0, false", "0, true"})
    void noMoreIsLookedAtThanTheBudgetAndOneChain(int length, boolean used) {
        int rounds = 300;
        int chain = 100;
        RingEnds ring = ends(256, FROM_GUEST);
        WorkBudget budget = new WorkBudget();
        ring.device().charge(budget);
        Buffer[] buffers = new Buffer[chain];
        Arrays.fill(buffers, new Buffer(GuestWindow.BUFFERS, length));
        buffers[chain - 1] = new Buffer(GuestWindow.BUFFERS, 1);
        ChainBatch batch = new ChainBatch(256);
        int sum = 0;
        for (int round = 0; round < rounds; round++) {
            while (ring.offerIndirect(round, GuestWindow.NEXT, buffers)) { }
            ring.driver().publish();
            if (budget.grant(32)) {
                assertTrue(ring.device().gather(batch, 32) > 0);
            }
            int visited = batch.buffers + batch.empty;
            assertTrue(visited <= 32 * WorkBudget.PER_PACKET + chain, () -> visited + " in one burst");
            sum += visited;
            ring.device().ungather(batch, used ? 0 : batch.chains());
            ring.device().publish(batch);
            while (ring.driver().poll() >= 0) { }
        }
        int granted = rounds * 32 * WorkBudget.PER_PACKET;
        assertTrue(sum <= granted + chain, sum + " of " + granted);
        assertTrue(sum >= granted * 0.95 - chain, "what is granted may be used: " + sum + " of " + granted);
        assertNull(ring.device().violation());
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

    /** Readable and writable buffers of a chain. */
    private static final int[][] KINDS = {{1, 0}, {0, 1}, {2, 1}, {1, 2}, {0, 2}, {2, 0}};

    /** Every three kinds one after the other, so that plain chains stand before and behind all others. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void eachChainKnowsWhichOfItsBuffersTheDeviceWrites(boolean throughTable) {
        for (RingOptions options : new RingOptions[] {TO_GUEST, FROM_GUEST, IN_ORDER}) {
            RingEnds ring = ends(16, options);
            ChainBatch batch = new ChainBatch(16);
            for (int i = 0; i < KINDS.length * KINDS.length * KINDS.length; i++) {
                int[][] kinds = {KINDS[i % 6], KINDS[i / 6 % 6], KINDS[i / 36]};
                for (int token = 0; token < 3; token++) {
                    offerMixed(ring, token, kinds[token][0], kinds[token][1], throughTable);
                }
                ring.driver().publish();
                assertEquals(3, ring.device().gather(batch, 3));
                assertKinds(batch, kinds);
                ring.device().ungather(batch, 1);
                assertKinds(batch, kinds[0], kinds[1]);
                assertEquals(1, ring.device().gather(batch, 3));
                assertKinds(batch, kinds);
                for (int chain = 0; chain < 3; chain++) {
                    batch.written(chain, kinds[chain][1] == 0 ? 0 : 64 * kinds[chain][1] - chain);
                }
                ring.device().publish(batch);
                for (int token = 0; token < 3; token++) {
                    assertEquals(token, ring.driver().poll());
                    int written = kinds[token][1] == 0 ? 0 : 64 * kinds[token][1] - token;
                    assertEquals(written, ring.driver().usedLength());
                }
                assertEquals(16, ring.driver().free());
            }
            assertNull(ring.device().violation());
            assertNull(ring.driver().violation());
        }
    }

    private static void offerMixed(
            RingEnds ring, int token, int readable, int writable, boolean throughTable) {
        int total = readable + writable;
        Buffer[] buffers = Buffer.of(total, GuestWindow.BUFFERS + 0x1000L * token, 64);
        long[] addresses = RingEnds.addresses(buffers);
        int[] lengths = RingEnds.lengths(buffers);
        long table = GuestWindow.FAR + 0x100L * token;
        if (throughTable && total > 1) {
            assertTrue(ring.driver().offerIndirect(
                    token, ring.window().offset(table), table, addresses, lengths, readable, total));
        } else if (total > 1) {
            assertTrue(ring.driver().offer(token, addresses, lengths, readable, total));
        } else {
            assertTrue(ring.driver().offer(token, addresses[0], lengths[0], writable == 1));
        }
    }

    private static void assertKinds(ChainBatch batch, int[]... kinds) {
        int readable = 0;
        int writable = 0;
        assertEquals(kinds.length, batch.chains());
        for (int chain = 0; chain < kinds.length; chain++) {
            readable += kinds[chain][0];
            writable += kinds[chain][1];
            assertEquals(kinds[chain][0], batch.firstWritable(chain) - batch.firstBuffer(chain));
            assertEquals(kinds[chain][1], batch.endBuffer(chain) - batch.firstWritable(chain));
        }
        assertEquals(readable == 0, batch.isOneWay(true));
        assertEquals(writable == 0, batch.isOneWay(false));
    }
}
