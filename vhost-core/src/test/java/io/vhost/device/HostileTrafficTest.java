package io.vhost.device;

import io.vhost.queue.ControlException;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.ring.RingViolation;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A guest that rewrites descriptors, indexes and packet headers while bursts run (row 20): the application
 * sees packets that are what they say and fences that a restart clears, and never an exception.
 */
class HostileTrafficTest {
    private static final int BURST = 32;
    private static final int FENCES = 300;

    @ParameterizedTest
    @ValueSource(longs = {0, 1L << 15, 1L << 29, (1L << 15) | (1L << 32)})
    void burstsGoOnWhateverTheGuestRewrites(long without) throws Exception {
        long seed = new Random().nextLong();
        AtomicBoolean ended = new AtomicBoolean();
        long features = (VhostConfig.DEFAULT | Feature.VHOST_USER_F_PROTOCOL_FEATURES.mask())
                & ~without & ~Feature.VIRTIO_F_RING_PACKED.mask();
        try (TestGuest guest = TestGuest.running(features); PacketPool pool = PacketPool.create(256, 2048)) {
            Thread flipper = Thread.ofPlatform().start(() -> flip(guest, new Random(seed), ended));
            try {
                long fences = 0;
                while (fences < FENCES) {
                    forward(guest, pool, "seed " + seed);
                    fences += restart(guest, 0) + restart(guest, 1);
                }
            } finally {
                ended.set(true);
                flipper.join();
            }
            assertEquals(0, pool.outstanding());
            assertEquals(0, guest.holds());
            long counted = 0;
            for (TestQueue queue : guest.queues) {
                for (RingViolation violation : RingViolation.values()) {
                    counted += queue.queue.counters().get(violation);
                }
                assertEquals(0, queue.queue.counters().get(RingViolation.MEMORY_LOST));
            }
            assertTrue(counted >= FENCES);
        }
    }

    private static void forward(TestGuest guest, PacketPool pool, String text) {
        Packet[] packets = new Packet[2 * BURST];
        int count = guest.fromGuest().queue.dequeueBurst(pool, packets, 0, BURST);
        for (int i = 0; i < count; i++) {
            Packet packet = packets[i];
            assertTrue(packet.length() > 0 && packet.length() <= packet.capacity(), text);
            boolean plausible =
                    NetHeader.isPlausible(packet.offload(), packet.checksumOffset(), packet.length());
            assertTrue(plausible, text);
        }
        int own = pool.take(packets, count, BURST);
        for (int i = count; i < count + own; i++) {
            packets[i].reset(1 + 37 * (i % 40));
        }
        guest.toGuest().queue.enqueueBurst(packets, 0, count + own);
        pool.release(packets, 0, count + own);
    }

    private static int restart(TestGuest guest, int index) throws ControlException {
        if (guest.device.queue(index).isRunning()) {
            return 0;
        }
        guest.control.stopRing(index);
        // Behind the used index or not: what the guest left in memory decides.
        guest.control.ringBase(index, 0);
        guest.control.kick(index, null);
        return 1;
    }

    /** Mostly chains that could be good, since those take the code furthest. */
    private static void flip(TestGuest guest, Random random, AtomicBoolean ended) {
        while (!ended.get()) {
            for (TestQueue queue : guest.queues) {
                int direction = queue == guest.toGuest() ? 2 : 0;
                for (int i = 0; i < guest.ringSize; i++) {
                    long desc = queue.addresses.desc() + 16L * i;
                    boolean odd = random.nextInt(128) == 0;
                    long offset = odd ? TestGuest.BORDER - 10 : TestGuest.BUFFERS + 64L * i;
                    long length = random.nextInt(128) == 0 ? random.nextLong(1L << 32) : random.nextInt(1600);
                    long flags = random.nextInt(128) == 0 ? random.nextInt(8) : direction | random.nextInt(2);
                    long word = length | (flags << 32) | (long) random.nextInt(guest.ringSize + 1) << 48;
                    guest.memory.set(ValueLayout.JAVA_LONG, desc, TestGuest.GUEST + offset);
                    guest.memory.set(ValueLayout.JAVA_LONG, desc + 8, word);
                    guest.memory.set(ValueLayout.JAVA_LONG, TestGuest.BUFFERS + 64L * i, random.nextLong());
                }
                long slot = queue.addresses.avail() + 4 + 2L * random.nextInt(guest.ringSize);
                guest.memory.set(ValueLayout.JAVA_SHORT, slot, (short) random.nextInt(guest.ringSize));
                long idx = queue.addresses.avail() + 2;
                short used = guest.memory.get(ValueLayout.JAVA_SHORT, queue.addresses.used() + 2);
                int ahead = random.nextInt(64) == 0 ? random.nextInt() : random.nextInt(guest.ringSize);
                guest.memory.set(ValueLayout.JAVA_SHORT, idx, (short) (used + ahead));
            }
        }
    }
}
