package io.vhost.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.limit.ResourceUsage;
import io.vhost.limit.account.ResourceAccount;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.Proc;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import io.vhost.server.VhostServer;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A front-end is killed under traffic, again and again ({@code -Dkill.rounds}, 3): its packets have come once
 * and in order, those that were submitted to it come back, and nothing of it is left for the next.
 */
@Tag("slow")
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FrontEndKillTest extends VirtioUserFixture implements DeviceListener {
    private static final int ROUNDS = Integer.getInteger("kill.rounds", 3);
    private static final int BURST = 16;

    private final Packet[] burst = new Packet[BURST];
    private final Packet[] done = new Packet[BURST];
    private DmaChannel channel;
    private volatile VhostDevice device;
    private volatile boolean gone;
    private int next;

    @Override
    public void newDevice(VhostDevice present) {
        device = present;
    }

    @Override
    public void destroyConnection(VhostDevice present) {
        gone = true;
    }

    @Override
    @GuardedBy("queue.access_lock")
    public void vringStateChanged(VirtQueue queue, boolean enabled) {
        if (enabled && channel != null && !queue.isAsyncRegistered()) {
            queue.registerAsyncThreadUnsafe();
        }
    }

    /** Sends each packet back; those that the receiver does not take are not for it. */
    private void exchange(PacketPool pool, VhostDevice present) {
        VirtQueue from = present.queue(1);
        VirtQueue to = present.queue(0);
        int count = channel == null ? from.dequeueBurst(pool, burst, 0, BURST)
                : from.tryDequeueBurst(pool, burst, 0, BURST, channel);
        check(count);
        if (channel == null) {
            to.enqueueBurst(burst, 0, count);
            pool.release(burst, 0, count);
        } else {
            int sent = to.submitEnqueueBurst(burst, 0, count, channel);
            pool.release(burst, sent, count - sent);
            pool.release(done, 0, to.pollEnqueueCompleted(done, 0, BURST, channel));
        }
    }

    private void check(int count) {
        for (int i = 0; i < count; i++) {
            int number = 0;
            for (int at = 0; at < Integer.BYTES; at++) {
                number |= (burst[i].byteAt(at) & 0xFF) << (8 * at);
            }
            assertEquals(next++, number);
        }
    }

    /** Everything that the queues still have, and the end of their registration. */
    private void drain(PacketPool pool, VhostDevice present) {
        for (int i = 0; i < 2 && channel != null; i++) {
            VirtQueue queue = present.queue(i);
            int count = queue.clearQueue(burst, 0, BURST, channel);
            while (count > 0) {
                if (i == 1) {
                    check(count);
                }
                pool.release(burst, 0, count);
                count = queue.clearQueue(burst, 0, BURST, channel);
            }
            assertEquals(0, queue.getInflight());
            queue.unregisterAsync();
        }
    }

    @ParameterizedTest
    @CsvSource({"split,sync", "split,async", "packed,sync", "packed,async"})
    void nothingOfAKilledFrontEndIsLeft(String rings, String kind) throws Exception {
        Random random = new Random(rings.hashCode() + kind.hashCode());
        try (DmaRegistry registry = new DmaRegistry(); PacketPool pool = PacketPool.create(512, 2048)) {
            VhostConfig.Builder config = VhostConfig.builder();
            if (kind.equals("async")) {
                channel = registry.configureReplaceable("kills", () -> new WorkerDmaEngine("kills"));
                config.asyncCopy(registry);
            }
            try (VhostServer server = VhostServer.listen(path, config.build(), this)) {
                int descriptors = -1;
                ResourceUsage usage = null;
                for (int round = 0; round < ROUNDS; round++) {
                    round(server, pool, rings, random.nextInt(5000));
                    assertEquals(0, pool.outstanding(), "packets");
                    assertEquals(List.of(), Proc.mapsOf("virtio-user"), "mappings");
                    // The server's accept thread takes one of its own at its beginning.
                    descriptors = round == 0 ? Descriptor.openDescriptors() : descriptors;
                    assertEquals(descriptors, Descriptor.openDescriptors(), "descriptors");
                    usage = round == 0 ? ResourceAccount.ofProcess().usage() : usage;
                    assertEquals(0, usage.connections() + usage.mappings() + usage.mappedBytes());
                    assertEquals(usage, ResourceAccount.ofProcess().usage());
                    assertEquals(0, channel == null ? 0 : channel.inFlight() + channel.packetsInFlight());
                    assertNull(channel == null ? null : channel.failure());
                }
            }
        }
    }

    private void round(VhostServer server, PacketPool pool, String rings, int packets) {
        device = null;
        gone = false;
        next = 0;
        try (Program frontEnd = MainProcess.start(
                List.of("-XX:+UseSerialGC", "-Xmx128m", "-XX:TieredStopAtLevel=1"), SendingFrontEnd.class,
                path.toString(), rings)) {
            while (device == null) {
                Thread.onSpinWait();
            }
            VhostDevice present = device;
            while (next < 100 + packets) {
                exchange(pool, present);
            }
            Program.signal("KILL", frontEnd.pid());
            while (!gone || server.connectionCount() > 0) {
                exchange(pool, present);
            }
            drain(pool, present);
        }
    }
}
