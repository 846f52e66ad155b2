package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.HostilePeer;
import io.vhost.os.UnixSocket;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters;
import io.vhost.state.QueueCounters.Counter;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When the guest is interrupted, through the eventfd that it gave. */
class InterruptTest extends EachFormat {

    private final PacketPool pool = PacketPool.create(64, 512);
    private final Packet[] packets = new Packet[64];

    @BeforeEach
    void fillTheBurst() {
        assertEquals(64, pool.take(packets, 0, 64));
        for (Packet packet : packets) {
            packet.reset(60);
        }
    }

    @AfterEach
    void emptyTheBurst() {
        pool.release(packets, 0, 64);
        pool.close();
    }

    private void enqueue(TestGuest guest, int count) {
        for (int i = 0; i < count; i++) {
            guest.toGuest().acceptAt(TestGuest.BUFFERS, 0, 100);
        }
        assertEquals(count, guest.toGuest().queue.enqueueBurst(packets, 0, count));
        for (int i = 0; i < count; i++) {
            guest.toGuest().assertUsed(0, 72);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aBurstOfAnySizeInterruptsOnceIfTheGuestWantsIt(boolean eventIdx) throws ControlException {
        try (TestGuest guest = TestGuest.running(eventIdx ? withEventIdx() : features())) {
            TestQueue queue = guest.toGuest();
            QueueCounters counters = queue.queue.counters();
            for (int i = 0; i < 100; i++) {
                queue.ring.enableInterrupts();
                enqueue(guest, 1 + i % 64);
                assertEquals(1, queue.call.drain());
            }
            assertEquals(100, counters.get(Counter.INTERRUPTS));
            queue.ring.disableInterrupts();
            for (int i = 0; i < 100; i++) {
                enqueue(guest, 40);
            }
            assertEquals(0, queue.call.drain());
            assertEquals(100, counters.get(Counter.INTERRUPTS));
            assertEquals(100, counters.get(Counter.INTERRUPTS_SUPPRESSED));
        }
    }

    @Test
    void aBurstThatTookPacketsInterruptsToo() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.fromGuest();
            queue.send(new byte[100], 100);
            Packet[] one = new Packet[1];
            assertEquals(0, queue.queue.dequeueBurst(pool, one, 0, 1), "the pool is empty");
            assertEquals(0, queue.call.drain(), "nothing was used");
            try (PacketPool other = PacketPool.create(1, 512)) {
                assertEquals(1, queue.queue.dequeueBurst(other, one, 0, 1));
                one[0].release();
            }
            assertEquals(1, queue.call.drain());
        }
    }

    /** With the event index the guest asks once: what nobody could take must not count as sent. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anInterruptThatWasDueWithoutADescriptorIsSentWithTheNext(boolean eventIdx) throws ControlException {
        try (TestGuest guest = TestGuest.running(eventIdx ? withEventIdx() : features())) {
            TestQueue queue = guest.toGuest();
            queue.ring.enableInterrupts();
            enqueue(guest, 1);
            assertEquals(1, queue.call.drain());
            queue.ring.enableInterrupts();
            guest.control.call(0, null);
            enqueue(guest, 1);
            assertEquals(0, queue.call.drain());
            guest.control.call(0, queue.call.descriptor().duplicate());
            assertEquals(1, queue.call.drain(), "what happened in between is told at once");
            enqueue(guest, 1);
            assertTrue(queue.call.drain() > 0);
            guest.control.stopRing(0);
            queue.call.drain();
            guest.control.call(0, queue.call.descriptor().duplicate());
            assertEquals(0, queue.call.drain(), "a ring that is stopped has used nothing in between");
        }
    }

    /** Rows 27 and 28: nobody reads, nobody waits. */
    @Test
    void aGuestThatDoesNotReadItsInterruptsHoldsNobodyUp() throws ControlException {
        try (TestGuest guest = running()) {
            for (int i = 0; i < 100; i++) {
                enqueue(guest, 1);
            }
            assertEquals(100, guest.toGuest().call.drain());
        }
    }

    /** Row 28: the front-end shares the eventfd, and can have its writers wait. */
    @Test
    void aGuestThatMakesWritersOfItsInterruptsWaitHoldsNobodyUp() throws ControlException {
        try (TestGuest guest = running()) {
            HostilePeer.makeWritersWait(guest.toGuest().call);
            // Only a burst that waits for the guest takes this long.
            assertTimeoutPreemptively(Duration.ofSeconds(20), () -> enqueue(guest, 1));
            assertEquals(1, guest.toGuest().queue.counters().get(Counter.INTERRUPTS));
            assertEquals(Long.MAX_VALUE, guest.toGuest().call.drain());
        }
    }

    @Test
    void whatIsNoEventFdIsRefused() throws ControlException {
        UnixSocket[] pair = UnixSocket.pair();
        try (TestGuest guest = running(); UnixSocket other = pair[1]) {
            ControlException refusal = assertThrows(
                    ControlException.class, () -> guest.control.call(0, pair[0].descriptor()));
            assertTrue(refusal.getMessage().contains("queue 0: descriptor cannot be signalled: "),
                    refusal.getMessage());
            assertTrue(refusal.getMessage().contains(": it is socket:["), refusal.getMessage());
            assertFalse(pair[0].descriptor().isOpen());
            assertTrue(other.descriptor().isOpen());
        }
    }
}
