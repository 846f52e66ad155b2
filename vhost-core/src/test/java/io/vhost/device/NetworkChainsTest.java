package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.queue.ControlException;
import io.vhost.state.RingViolation;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Chains with buffers of the direction that a network queue does not have (row 19), behind good ones. */
class NetworkChainsTest extends AsyncFixture {
    private static final int GOOD = 2;
    private static final int SIZE = 100;

    /** Good chains, one whose first {@code readable} buffers are for the device to read, and a good one. */
    private void offer(TestQueue queue, int readable, int total, boolean throughTable) {
        int good = queue == guest.toGuest() ? 0 : 1;
        long[] addresses = new long[3];
        int[] lengths = new int[3];
        for (int i = 0; i < 3; i++) {
            addresses[i] = TestGuest.GUEST + queue.allocate(SIZE);
            lengths[i] = SIZE;
        }
        for (int i = 0; i < GOOD; i++) {
            assertTrue(queue.ring.offer(i, addresses, lengths, good, 1));
        }
        if (throughTable) {
            long table = queue.allocate(16 * total);
            assertTrue(queue.ring.offerIndirect(
                    GOOD, table, TestGuest.GUEST + table, addresses, lengths, readable, total));
        } else {
            assertTrue(queue.ring.offer(GOOD, addresses, lengths, readable, total));
        }
        assertTrue(queue.ring.offer(GOOD + 1, addresses, lengths, good, 1));
        queue.ring.publish();
    }

    private void assertFenced(TestQueue queue) {
        assertEquals(RingViolation.WRONG_DIRECTION, queue.queue.violation());
        assertEquals(1, queue.queue.counters().get(RingViolation.WRONG_DIRECTION));
        assertEquals(1, queue.error.drain());
        assertFalse(queue.queue.isRunning());
        for (int i = 0; i < GOOD; i++) {
            queue.assertUsed(i, queue == guest.toGuest() ? HEADER + 60 : 0);
        }
        assertEquals(-1, queue.ring.poll(), "not the bad one, and none behind it");
        assertFalse(guest.device.isFailed());
    }

    private void fromGuest(int readable, int total, boolean throughTable) throws ControlException {
        offer(guest.fromGuest(), readable, total, throughTable);
        assertEquals(GOOD, queue(1).dequeueBurst(pool, done, 0, 32));
        pool.release(done, 0, GOOD);
        assertFenced(guest.fromGuest());
    }

    private void toGuest(int readable, int total, boolean throughTable) throws ControlException {
        offer(guest.toGuest(), readable, total, throughTable);
        fill(0, 4, 60);
        assertEquals(GOOD, queue(0).enqueueBurst(packets, 0, 4));
        assertEquals(0, queue(0).enqueueBurst(packets, GOOD, 2));
        pool.release(packets, 0, 4);
        assertFenced(guest.toGuest());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aChainOfTheWrongDirectionFencesTheQueueBehindTheGoodOnes(boolean throughTable)
            throws ControlException {
        started(0);
        fromGuest(0, 1, throughTable);
        assertTrue(queue(0).isRunning(), "other queues are not concerned");
        toGuest(1, 1, throughTable);
    }

    /** Allowed by virtio in general, and by no queue of a network device but the control queue. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aChainOfBothDirectionsFencesTheQueueBehindTheGoodOnes(boolean throughTable) throws ControlException {
        started(0);
        fromGuest(1, 2, throughTable);
        toGuest(1, 3, throughTable);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void theSameWithCopiesFromTheGuestByAChannel(int readable) throws ControlException {
        VirtQueue queue = started(1);
        offer(guest.fromGuest(), readable, 3, false);
        int got = queue.tryDequeueBurst(pool, done, 0, 32, channel);
        while (queue.getInflight() > 0) {
            got += queue.clearQueue(done, got, 32, channel);
        }
        assertEquals(GOOD, got);
        pool.release(done, 0, GOOD);
        assertFenced(guest.fromGuest());
        assertBalanced(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void theSameWithCopiesToTheGuestByAChannel(int readable) throws ControlException {
        VirtQueue queue = started(0);
        offer(guest.toGuest(), readable, 3, false);
        fill(0, 4, 60);
        assertEquals(GOOD, queue.submitEnqueueBurst(packets, 0, 4, channel));
        int back = 0;
        while (queue.getInflight() > 0) {
            back += queue.clearQueue(done, back, 32, channel);
        }
        assertEquals(GOOD, back);
        pool.release(packets, 0, 4);
        assertFenced(guest.toGuest());
        assertBalanced(0);
    }
}
