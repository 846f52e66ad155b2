package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.testing.FaultyDmaEngine;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets in about as many pieces as a channel has places for copies, and in more than it can ever hold. */
class AsyncDepthTest extends AsyncFixture {
    private static final int DEPTH = 8;
    private static final int PIECE = 20;

    private VirtQueue start(int index) throws ControlException {
        start(features(), TestGuest.RING, FaultyDmaEngine.seeded(1).depth(DEPTH));
        queue(index).registerAsync();
        return queue(index);
    }

    /** Buffers for the header and so many pieces of data. */
    private static int[] buffers(int pieces) {
        int[] lengths = new int[pieces + 1];
        Arrays.fill(lengths, PIECE);
        lengths[0] = HEADER;
        return lengths;
    }

    private void send(int number, int pieces) {
        guest.fromGuest().send(
                TestGuest.join(new byte[HEADER], TestGuest.pattern(pieces * PIECE, number)), buffers(pieces));
    }

    private void assertReceived(int index, int number, int pieces) {
        byte[] bytes = new byte[done[index].length()];
        done[index].copyTo(bytes, 0);
        assertArrayEquals(TestGuest.pattern(pieces * PIECE, number), bytes);
        done[index].release();
    }

    @ParameterizedTest
    @ValueSource(ints = {DEPTH - 1, DEPTH, DEPTH + 1})
    void aPacketFromTheGuestArrivesInItsTurn(int pieces) throws ControlException {
        VirtQueue queue = start(1);
        send(1, 1);
        send(2, pieces);
        send(3, 1);
        int count = 0;
        for (int burst = 0; burst < 4; burst++) {
            count += queue.tryDequeueBurst(pool, done, count, 8, channel);
        }
        assertEquals(3, count);
        assertReceived(0, 1, 1);
        assertReceived(1, 2, pieces);
        assertReceived(2, 3, 1);
        assertEquals(0, queue.getInflight());
        assertNull(queue.violation());
        assertEquals(2 + (pieces > DEPTH ? 0 : pieces), engine.copies());
        assertBalanced(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {DEPTH - 1, DEPTH, DEPTH + 1})
    void aPacketToTheGuestArrivesInItsTurn(int pieces) throws ControlException {
        VirtQueue queue = start(0);
        int[] sizes = {1, pieces, 1};
        long[] offsets = new long[3];
        for (int i = 0; i < 3; i++) {
            offsets[i] = guest.toGuest().accept(i, buffers(sizes[i]));
            fill(i, 1, sizes[i] * PIECE);
        }
        int submitted = 0;
        int back = 0;
        for (int burst = 0; burst < 4; burst++) {
            submitted += queue.submitEnqueueBurst(packets, submitted, 3 - submitted, channel);
            back += queue.pollEnqueueCompleted(done, back, 8, channel);
        }
        assertEquals(3, submitted);
        assertEquals(3, back);
        for (int i = 0; i < 3; i++) {
            guest.toGuest().assertUsed(i, HEADER + sizes[i] * PIECE);
            assertArrived(offsets[i], i, sizes[i] * PIECE);
            assertFalse(done[i].isUndelivered());
        }
        pool.release(done, 0, 3);
        assertEquals(2 + (pieces > DEPTH ? 0 : pieces), engine.copies());
        assertBalanced(0);
    }

    /** It is as late as the copies before it, and takes no place from those behind it. */
    @Test
    void theGuestGetsItBackAfterWhatIsUnderWay() throws ControlException {
        VirtQueue queue = start(1);
        engine.hold(true);
        send(1, 1);
        send(2, DEPTH + 1);
        send(3, DEPTH - 1);
        assertEquals(0, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        assertEquals(3, queue.getInflight());
        assertEquals(DEPTH, channel.inFlight());
        assertEquals(-1, guest.fromGuest().ring.poll());
        send(4, DEPTH + 1);
        assertEquals(0, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        assertEquals(3, queue.getInflight(), "a full channel is waited for");
        assertEquals(1, counted(1, Counter.TRUNCATED));
        engine.hold(false);
        int count = 0;
        for (int burst = 0; burst < 2; burst++) {
            count += queue.tryDequeueBurst(pool, done, count, 8, channel);
        }
        assertEquals(4, count);
        assertReceived(0, 1, 1);
        assertReceived(1, 2, DEPTH + 1);
        assertReceived(2, 3, DEPTH - 1);
        assertReceived(3, 4, DEPTH + 1);
        assertBalanced(1);
    }

    @Test
    void memoryThatIsGoneFailsItToo() throws ControlException {
        VirtQueue queue = start(1);
        send(1, DEPTH + 1);
        guest.truncate(TestGuest.BUFFERS);
        assertEquals(0, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        assertTrue(queue.violation() != null);
        assertEquals(0, queue.getInflight());
        assertEquals(0, channel.packetsInFlight());
    }
}
