package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.StuckCopies;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.state.RingViolation;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two guests share a channel, and a copy of the one stands still, as when its memory lies on a cold file. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SlowGuestTest extends EachFormat {
    private static final int STUCK = 777;
    private static final int COUNT = 8;
    private static final byte[] HEADER = new byte[12];

    private final StuckCopies copies = new StuckCopies(STUCK);
    private final DmaRegistry registry = new DmaRegistry();
    private final DmaChannel channel = registry.configureReplaceable("shared", copies::engine);
    private final PacketPool pool = PacketPool.create(64, 2048);
    private final Packet[] packets = new Packet[COUNT + 1];
    private final Packet[] done = new Packet[64];
    private TestGuest slow;
    private TestGuest neighbour;

    private void start() throws ControlException {
        slow = TestGuest.asynchronous(features(), TestGuest.RING, registry);
        neighbour = TestGuest.asynchronous(features(), TestGuest.RING, registry);
        for (int i = 0; i < 2; i++) {
            slow.device.queue(i).registerAsync();
            neighbour.device.queue(i).registerAsync();
        }
    }

    @AfterEach
    void nothingIsLeft() {
        copies.release();
        until(() -> DmaChannel.leftBehind() == 0);
        until(() -> back(slow) == 0
                && slow.device.queue(0).getInflight() + slow.device.queue(1).getInflight() == 0);
        slow.close();
        neighbour.close();
        until(() -> endsAreOver());
        assertEquals(0, pool.outstanding());
        pool.close();
        registry.close();
    }

    private static boolean endsAreOver() {
        return Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("end of shared"));
    }

    private static void until(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            Thread.onSpinWait();
        }
    }

    /** Packets that the slow guest's queue to it gives back now; they have not been delivered. */
    private int back(TestGuest guest) {
        int count = guest.device.queue(0).clearQueue(done, 0, done.length, channel);
        for (int i = 0; i < count; i++) {
            assertTrue(done[i].isUndelivered());
            done[i].release();
        }
        assertEquals(0, guest.device.queue(1).tryDequeueBurst(pool, done, 0, done.length, channel));
        return count;
    }

    /** One copy of the slow guest gets stuck. */
    private void stick(boolean toGuest) throws InterruptedException {
        if (toGuest) {
            slow.toGuest().accept(0, 1000);
            packets[COUNT] = pool.take();
            packets[COUNT].copyFrom(TestGuest.pattern(STUCK, 99), 0, STUCK);
            assertEquals(1, slow.device.queue(0).submitEnqueueBurst(packets, COUNT, 1, channel));
        } else {
            slow.fromGuest().send(
                    TestGuest.join(HEADER, TestGuest.pattern(STUCK, 99)), HEADER.length + STUCK);
            assertEquals(0, slow.device.queue(1).tryDequeueBurst(pool, done, 0, 1, channel));
        }
        copies.awaitStuck();
    }

    private void submitToNeighbour() {
        assertEquals(COUNT, pool.take(packets, 0, COUNT));
        for (int i = 0; i < COUNT; i++) {
            neighbour.toGuest().accept(i, 600);
            packets[i].copyFrom(TestGuest.pattern(500, i), 0, 500);
        }
        assertEquals(COUNT, neighbour.device.queue(0).submitEnqueueBurst(packets, 0, COUNT, channel));
    }

    private void assertNeighbourHasAll() {
        int count = 0;
        while (count < COUNT) {
            count += neighbour.device.queue(0).pollEnqueueCompleted(done, count, COUNT, channel);
        }
        for (int i = 0; i < COUNT; i++) {
            neighbour.toGuest().assertUsed(i, 512);
            assertSame(packets[i], done[i]);
            assertFalse(done[i].isUndelivered());
        }
        pool.release(done, 0, COUNT);
        assertNull(neighbour.device.queue(0).violation());
        assertNull(channel.failure());
    }

    private void assertSlowIsFenced(int queue) {
        VirtQueue fenced = slow.device.queue(queue);
        assertEquals(0, back(slow), "what a late copy may touch is withheld");
        assertEquals(RingViolation.DMA_FAILED, fenced.violation());
        assertEquals(1, slow.queues.get(queue).error.drain());
        assertEquals(1, fenced.getInflight());
        assertEquals(1, fenced.counters().get(RingViolation.DMA_FAILED));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theNeighbourGoesOnAndTheSlowGuestIsFenced(boolean toGuest) throws Exception {
        start();
        stick(toGuest);
        submitToNeighbour();
        assertNeighbourHasAll();
        assertEquals(1, channel.replacements());
        assertEquals(1, DmaChannel.leftBehind());
        assertSlowIsFenced(toGuest ? 0 : 1);
        assertEquals(1, pool.outstanding());
        assertEquals(1, channel.inFlight());
        copies.release();
        until(() -> DmaChannel.leftBehind() == 0);
        int before = pool.outstanding();
        int back = back(slow);
        assertEquals(toGuest ? 1 : 0, back);
        assertEquals(1, before - pool.outstanding());
        assertEquals(0, channel.inFlight());
        assertEquals(1, copies.made().size());
        if (toGuest) {
            slow.toGuest().assertUsed(0, 0);
        }
    }

    @Test
    void packetsFromTheNeighbourArriveInOrder() throws Exception {
        start();
        stick(false);
        for (int i = 0; i < COUNT; i++) {
            neighbour.fromGuest().send(
                    TestGuest.join(HEADER, TestGuest.pattern(300, i)), HEADER.length + 300);
        }
        int count = 0;
        while (count < COUNT) {
            count += neighbour.device.queue(1).tryDequeueBurst(pool, done, count, COUNT - count, channel);
        }
        byte[] bytes = new byte[300];
        for (int i = 0; i < COUNT; i++) {
            done[i].copyTo(bytes, 0);
            assertArrayEquals(TestGuest.pattern(300, i), bytes);
        }
        pool.release(done, 0, COUNT);
        assertSlowIsFenced(1);
    }

    /** The ring that stops is not the one to blame: its copies are made before it has stopped. */
    @Test
    void aNeighboursRingThatStopsGetsItsCopies() throws Exception {
        start();
        stick(true);
        submitToNeighbour();
        neighbour.control.enable(0, false);
        assertNeighbourHasAll();
        assertSlowIsFenced(0);
    }

    /** What was behind the stuck copy on the same queue fails, and comes back in order. */
    @Test
    void laterPacketsOfTheSlowGuestFailBehindIt() throws Exception {
        start();
        stick(true);
        slow.toGuest().accept(1, 600);
        packets[0] = pool.take();
        packets[0].copyFrom(TestGuest.pattern(500, 1), 0, 500);
        assertEquals(1, slow.device.queue(0).submitEnqueueBurst(packets, 0, 1, channel));
        until(() -> {
            assertEquals(0, back(slow));
            return slow.device.queue(0).violation() != null;
        });
        assertEquals(2, slow.device.queue(0).getInflight());
        copies.release();
        until(() -> DmaChannel.leftBehind() == 0);
        assertEquals(2, back(slow));
        slow.toGuest().assertUsed(0, 0);
        slow.toGuest().assertUsed(1, 0);
    }

    /** The guest's memory stays until the copy has ended, and its connection does not wait for that. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aConnectionEndsAlthoughACopyDoesNot(boolean toGuest) throws Exception {
        start();
        long before = slow.mappings();
        stick(toGuest);
        slow.control.disconnected();
        assertEquals(1, DmaChannel.leftBehind());
        assertEquals(before, slow.mappings());
        assertEquals(1, slow.device.queue(toGuest ? 0 : 1).getInflight());
        assertEquals(0, back(slow));
        submitToNeighbour();
        assertNeighbourHasAll();
        copies.release();
        until(() -> DmaChannel.leftBehind() == 0 && endsAreOver());
        assertTrue(slow.mappings() < before);
        assertEquals(toGuest ? 1 : 0, back(slow));
        assertEquals(0, pool.outstanding());
    }

    /** A ring that comes back takes nothing while a late copy could meet it, and then the chain again. */
    @Test
    void aRingThatComesBackWaitsForTheLateCopy() throws Exception {
        start();
        stick(true);
        VirtQueue queue = slow.device.queue(0);
        assertEquals(slow.toGuest().baseAfter(0), slow.control.stopRing(0), "the chain is not given back");
        slow.control.kick(0, null);
        assertTrue(queue.isRunning());
        packets[0] = pool.take();
        packets[0].copyFrom(TestGuest.pattern(500, 5), 0, 500);
        assertEquals(0, queue.submitEnqueueBurst(packets, 0, 1, channel));
        assertEquals(0, back(slow));
        copies.release();
        until(() -> DmaChannel.leftBehind() == 0);
        assertEquals(1, back(slow));
        assertEquals(1, queue.submitEnqueueBurst(packets, 0, 1, channel));
        until(() -> queue.pollEnqueueCompleted(done, 0, 1, channel) == 1);
        assertFalse(done[0].isUndelivered());
        done[0].release();
        slow.toGuest().assertUsed(0, 512);
    }

    @Test
    void aRegistryThatIsClosedDoesNotWaitForTheLateCopy() throws Exception {
        start();
        stick(true);
        slow.control.disconnected();
        org.junit.jupiter.api.Assertions.assertThrows(IllegalStateException.class, registry::close);
        assertFalse(channel.isClosed());
    }
}
