package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.net.Packet;
import io.vhost.queue.ControlException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Misuse of the calls that move packets: each is refused with the values, and nothing has changed. */
class AsyncBadInputTest extends AsyncFixture {
    private VirtQueue toGuest;
    private VirtQueue fromGuest;

    @BeforeEach
    void start() throws ControlException {
        toGuest = started(0);
        fromGuest = queue(1);
        fromGuest.registerAsync();
        guest.toGuest().accept(1, 600);
        fill(0, 2, 500);
    }

    @AfterEach
    void nothingHasChanged() {
        assertEquals(0, toGuest.getInflight() + fromGuest.getInflight());
        assertBalanced(0);
        assertBalanced(1);
        assertTrue(toGuest.isRunning() && fromGuest.isRunning());
        assertEquals(0, channel.packetsInFlight() + channel.inFlight());
        // The same packet can be sent as if nothing had been tried.
        assertEquals(1, toGuest.submitEnqueueBurst(packets, 0, 1, channel));
        while (toGuest.getInflight() > 0) {
            toGuest.clearQueue(done, 0, 1, channel);
        }
        pool.release(packets, 0, 2);
    }

    private static void refused(Class<? extends RuntimeException> type, String text, Executable call) {
        String message = String.valueOf(assertThrows(type, call).getMessage());
        assertTrue(message.contains(text), message);
    }

    @Test
    void aRangeOutsideTheArray() {
        int[][] ranges = {{200, 57}, {-1, 1}, {0, -1}, {257, 0}, {Integer.MAX_VALUE, 1}};
        for (int[] range : ranges) {
            int offset = range[0];
            int count = range[1];
            Class<IndexOutOfBoundsException> type = IndexOutOfBoundsException.class;
            refused(type, "", () -> toGuest.submitEnqueueBurst(packets, offset, count, channel));
            refused(type, "", () -> toGuest.pollEnqueueCompleted(done, offset, count, channel));
            refused(type, "", () -> fromGuest.tryDequeueBurst(pool, done, offset, count, channel));
            refused(type, "", () -> toGuest.clearQueue(done, offset, count, channel));
            refused(type, "", () -> fromGuest.clearQueue(done, offset, count, channel));
        }
    }

    @Test
    void aQueueOfTheOtherDirection() {
        Class<IllegalStateException> type = IllegalStateException.class;
        refused(type, "submitEnqueueBurst() on queue 1 of test-guest: use an even queue",
                () -> fromGuest.submitEnqueueBurst(packets, 0, 1, channel));
        refused(type, "pollEnqueueCompleted() on queue 1 of test-guest: use an even queue",
                () -> fromGuest.pollEnqueueCompleted(done, 0, 1, channel));
        refused(type, "tryDequeueBurst() on queue 0 of test-guest: use an odd queue",
                () -> toGuest.tryDequeueBurst(pool, done, 0, 1, channel));
    }

    @Test
    void nothingAtAll() {
        Class<NullPointerException> type = NullPointerException.class;
        refused(type, "channel", () -> toGuest.submitEnqueueBurst(packets, 0, 1, null));
        refused(type, "channel", () -> toGuest.pollEnqueueCompleted(done, 0, 1, null));
        refused(type, "channel", () -> fromGuest.tryDequeueBurst(pool, done, 0, 1, null));
        refused(type, "channel", () -> toGuest.clearQueue(done, 0, 1, null));
        refused(type, "pool", () -> fromGuest.tryDequeueBurst(null, done, 0, 1, channel));
        refused(type, "", () -> toGuest.submitEnqueueBurst(null, 0, 1, channel));
        refused(type, "", () -> toGuest.pollEnqueueCompleted(null, 0, 1, channel));
        refused(type, "", () -> fromGuest.tryDequeueBurst(pool, null, 0, 1, channel));
        refused(type, "", () -> toGuest.clearQueue(null, 0, 1, channel));
        for (int missing = 0; missing < 2; missing++) {
            Packet[] burst = {packets[0], packets[1]};
            burst[missing] = null;
            String text = "packets[" + missing + "] is null";
            refused(type, text, () -> toGuest.submitEnqueueBurst(burst, 0, 2, channel));
            refused(type, text, () -> toGuest.enqueueBurst(burst, 0, 2));
        }
    }

    @Test
    void aChannelOfAnotherRegistryOrAClosedOne() {
        try (DmaRegistry other = new DmaRegistry()) {
            DmaChannel closed = registry.configure("closed", new InlineDmaEngine());
            registry.unconfigure(closed);
            for (DmaChannel bad : new DmaChannel[] {
                    other.configure("foreign", new InlineDmaEngine()), closed}) {
                Class<IllegalArgumentException> type = IllegalArgumentException.class;
                refused(type, bad.name(), () -> toGuest.submitEnqueueBurst(packets, 0, 1, bad));
                refused(type, bad.name(), () -> toGuest.pollEnqueueCompleted(done, 0, 1, bad));
                refused(type, bad.name(), () -> fromGuest.tryDequeueBurst(pool, done, 0, 1, bad));
                refused(type, bad.name(), () -> toGuest.clearQueue(done, 0, 1, bad));
            }
        }
    }

    @Test
    void aPacketThatComesTwiceInABurst() {
        Packet[] burst = {packets[0], packets[1], packets[0]};
        refused(IllegalArgumentException.class, "packets[2] cannot be sent: packets[0] is the same",
                () -> toGuest.submitEnqueueBurst(burst, 0, 3, channel));
    }

    /** Nothing but its queue may use it until it is given back. */
    @Test
    void aPacketThatIsInFlight() {
        engine.hold(true);
        assertEquals(1, toGuest.submitEnqueueBurst(packets, 0, 1, channel));
        assertTrue(packets[0].isInFlight());
        Packet[] burst = {packets[1], packets[0]};
        Class<IllegalArgumentException> argument = IllegalArgumentException.class;
        refused(argument, "in flight", () -> toGuest.submitEnqueueBurst(burst, 0, 2, channel));
        Class<IllegalStateException> state = IllegalStateException.class;
        refused(state, "in flight; release it when", () -> packets[0].release());
        refused(state, "in flight; release it when", () -> pool.release(burst, 0, 2));
        refused(state, "in flight", () -> packets[0].reset(60));
        assertEquals(1, toGuest.getInflight());
        engine.hold(false);
        assertEquals(1, toGuest.pollEnqueueCompleted(done, 0, 2, channel));
        assertEquals(500, packets[0].length());
        assertFalse(packets[0].isInFlight() || packets[1].isInFlight());
        refused(argument, "packets[1] cannot be sent: Packet[index=",
                () -> toGuest.enqueueBurst(new Packet[] {packets[0], stale()}, 0, 2));
        guest.toGuest().accept(2, 600);
    }

    private Packet stale() {
        Packet packet = pool.take();
        packet.release();
        return packet;
    }

    @Test
    void aPacketThatIsBackInItsPoolOrEmpty() {
        Packet stale = stale();
        Packet empty = packets[1];
        empty.reset(0);
        for (Packet bad : new Packet[] {stale, empty}) {
            Packet[] burst = {packets[0], bad};
            refused(IllegalArgumentException.class, "packets[1] cannot be sent",
                    () -> toGuest.submitEnqueueBurst(burst, 0, 2, channel));
        }
    }
}
