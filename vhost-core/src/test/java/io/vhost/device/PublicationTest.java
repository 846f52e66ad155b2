package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.ring.RingFormat;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Used chains show once a burst: a guest that looks at any moment sees whole bursts only. */
class PublicationTest extends EachFormat {
    private static final int BURST = 32;
    private static final int ROUNDS = 8_000;
    private static final VarHandle SHORT = ValueLayout.JAVA_SHORT.varHandle();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
    private static final int AVAIL = 1 << 7;
    private static final int USED = 1 << 15;

    private final Packet[] packets = new Packet[BURST];
    private final AtomicBoolean ended = new AtomicBoolean();
    /** Number of the burst that is under way. */
    private final AtomicInteger begun = new AtomicInteger(-1);
    private final AtomicLong changes = new AtomicLong();
    private final AtomicInteger partOfABurst = new AtomicInteger(-1);

    /** Chains of one buffer, and of two, which are copied elsewhere. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aGuestSeesWholeBurstsOnly(int buffers) throws Exception {
        try (TestGuest guest = TestGuest.running(without(Feature.VIRTIO_F_IN_ORDER));
                PacketPool pool = PacketPool.create(BURST, 512)) {
            long at = guest.toGuest().allocate(128);
            int[] lengths = buffers == 1 ? new int[] {72} : new int[] {30, 42};
            Thread observer = Thread.ofPlatform().start(format == RingFormat.SPLIT
                    ? () -> observeSplit(guest) : () -> observePacked(guest, buffers));
            try {
                // Longer where the observer does not get a processor.
                for (int i = 0; i < ROUNDS || (changes.get() == 0 && i < 100 * ROUNDS); i++) {
                    forward(guest, pool, at, lengths);
                }
            } finally {
                ended.set(true);
                observer.join();
            }
            assertEquals(-1, partOfABurst.get(), "an index or a chain that was seen");
            assertTrue(changes.get() > 0);
        }
    }

    private void forward(TestGuest guest, PacketPool pool, long at, int[] lengths) {
        begun.incrementAndGet();
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

    private void observeSplit(TestGuest guest) {
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

    /**
     * There is no index: where the first descriptor of a burst is used, none of the others is only available
     * still. What is read while the guest goes on to its next burst counts for nothing.
     */
    private void observePacked(TestGuest guest, int buffers) {
        while (!ended.get()) {
            int burst = Math.max(0, begun.get()); // None is used before the first has begun.
            int first = burst * BURST * buffers % TestGuest.RING;
            boolean oddLap = burst * BURST * buffers / TestGuest.RING % 2 == 0;
            for (TestQueue queue : guest.queues) {
                if (flags(guest, queue, first) != (oddLap ? AVAIL | USED : 0)) {
                    continue;
                }
                changes.incrementAndGet();
                for (int i = BURST - 1; i > 0; i--) {
                    boolean waits = flags(guest, queue, first + i * buffers) == (oddLap ? AVAIL : USED);
                    if (waits && begun.get() == burst) {
                        partOfABurst.set(i);
                    }
                }
            }
        }
    }

    private static int flags(TestGuest guest, TestQueue queue, int position) {
        long word = (long) LONG.getAcquire(guest.memory, queue.addresses.desc() + 16L * position + 8);
        return (int) (word >>> 48) & (AVAIL | USED);
    }
}
