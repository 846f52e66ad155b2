package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The used index moves once a burst: a guest that looks at any moment sees whole bursts only. */
class PublicationTest {
    private static final int BURST = 32;
    private static final int ROUNDS = 20_000;
    private static final VarHandle SHORT = ValueLayout.JAVA_SHORT.varHandle();

    private final Packet[] packets = new Packet[BURST];
    private final AtomicBoolean ended = new AtomicBoolean();
    private final AtomicLong changes = new AtomicLong();
    private final AtomicInteger partOfABurst = new AtomicInteger(-1);

    /** Chains of one buffer, and of two, which are copied elsewhere. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aGuestSeesWholeBurstsOnly(int buffers) throws Exception {
        try (TestGuest guest = TestGuest.running(); PacketPool pool = PacketPool.create(BURST, 512)) {
            long at = guest.toGuest().allocate(128);
            int[] lengths = buffers == 1 ? new int[] {72} : new int[] {30, 42};
            Thread observer = Thread.ofPlatform().start(() -> observe(guest));
            try {
                for (int i = 0; i < ROUNDS; i++) {
                    forward(guest, pool, at, lengths);
                }
            } finally {
                ended.set(true);
                observer.join();
            }
            assertEquals(-1, partOfABurst.get(), "an index that was seen");
            assertTrue(changes.get() > 0);
        }
    }

    private void forward(TestGuest guest, PacketPool pool, long at, int[] lengths) {
        long[] addresses = {TestGuest.GUEST + at, TestGuest.GUEST + at + lengths[0]};
        for (int i = 0; i < BURST; i++) {
            guest.fromGuest().ring.offer(i, addresses, lengths, lengths.length, lengths.length);
            guest.toGuest().ring.offer(i, addresses, lengths, 0, lengths.length);
        }
        guest.fromGuest().ring.publish();
        guest.toGuest().ring.publish();
        assertEquals(BURST, guest.fromGuest().queue.dequeueBurst(pool, packets, 0, BURST));
        assertEquals(BURST, guest.toGuest().queue.enqueueBurst(packets, 0, BURST));
        pool.release(packets, 0, BURST);
        for (int i = 0; i < BURST; i++) {
            guest.fromGuest().assertUsed(i, 0);
            guest.toGuest().assertUsed(i, 72);
        }
    }

    private void observe(TestGuest guest) {
        int last = 0;
        while (!ended.get()) {
            for (TestQueue queue : guest.queues) {
                int idx = (short) SHORT.getVolatile(guest.memory, queue.addresses.used() + 2) & 0xFFFF;
                if (idx % BURST != 0) {
                    partOfABurst.set(idx);
                }
                changes.addAndGet(idx == last ? 0 : 1);
                last = idx;
            }
        }
    }
}
