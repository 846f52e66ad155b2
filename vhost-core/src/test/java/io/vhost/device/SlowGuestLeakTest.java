package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.Rounds;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.StuckCopies;
import io.vhost.limit.account.ResourceAccount;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.Proc;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Guest after guest holds a channel up and goes: {@code -Dreplacement.rounds}, 100. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SlowGuestLeakTest {
    private static final int ROUNDS = Rounds.of("replacement.rounds", 100);
    private static final int STUCK = 777;

    private final DmaRegistry registry = new DmaRegistry();
    private final PacketPool pool = PacketPool.create(4, 2048);
    private final Packet[] packets = new Packet[4];
    private StuckCopies copies = new StuckCopies(STUCK);
    private final DmaChannel channel = registry.configureReplaceable("leaks", () -> copies.engine());

    /** Threads of engines, and those that end them. */
    private static Set<String> threads() {
        return Thread.getAllStackTraces().keySet().stream().map(Thread::getName)
                .filter(name -> name.startsWith("end of leaks") || name.startsWith("stuck worker"))
                .collect(Collectors.toSet());
    }

    private void round(long features) throws Exception {
        StuckCopies present = copies;
        try (TestGuest guest = new TestGuest(features, TestGuest.RING,
                VhostConfig.builder().asyncCopy(registry).copyTimeout(Duration.ofMillis(2)).build())) {
            guest.start();
            VirtQueue queue = guest.device.queue(0);
            queue.registerAsync();
            guest.toGuest().accept(0, 1000);
            packets[0] = pool.take();
            packets[0].copyFrom(TestGuest.pattern(STUCK, 99), 0, STUCK);
            assertEquals(1, queue.submitEnqueueBurst(packets, 0, 1, channel));
            present.awaitStuck();
            copies = new StuckCopies(STUCK);
            guest.control.disconnected();
            assertEquals(1, DmaChannel.leftBehind());
            assertEquals(1, queue.getInflight());
            assertTrue(present.made().isEmpty());
            present.release();
            int count = 0;
            while (count == 0) {
                count = queue.clearQueue(packets, 0, 4, channel);
            }
            assertTrue(packets[0].isUndelivered());
            assertEquals(1, present.made().size());
            packets[0].release();
            queue.unregisterAsync();
        }
        while (DmaChannel.leftBehind() > 0 || threads().contains("end of leaks")) {
            Thread.onSpinWait();
        }
    }

    @Test
    void everythingIsBackAtItsStartAfterEachReplacement() throws Exception {
        int descriptors = Descriptor.openDescriptors();
        Object usage = ResourceAccount.ofProcess().usage();
        for (int i = 0; i < ROUNDS; i++) {
            round(i % 2 == 0 ? TestGuest.MODERN : TestGuest.PACKED);
            assertEquals(i + 1, channel.replacements());
            assertEquals(0, channel.inFlight() + channel.packetsInFlight() + pool.outstanding());
            assertEquals(List.of(), Proc.mapsOf("memfd:test-guest"));
            assertEquals(descriptors, Descriptor.openDescriptors());
            assertEquals(usage, ResourceAccount.ofProcess().usage());
        }
        registry.close();
        assertEquals(Set.of(), threads());
        pool.close();
    }
}
