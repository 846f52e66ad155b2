package io.vhost.app.polling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.StuckCopies;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import io.vhost.testing.FaultyDmaEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Guests that come to one socket and go. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PolledDevicesTest {
    private record Change(PolledDevice device, boolean runs, boolean listed) {}

    @TempDir
    private Path directory;

    private final DmaRegistry dma = DmaKind.INLINE.channels(1);
    private final BlockingQueue<Change> changes = new LinkedBlockingQueue<>();
    private PolledDevices devices;

    private void changed(PolledDevice device, boolean runs) {
        changes.add(new Change(device, runs, devices.running().contains(device)));
    }

    private VhostServer listen(boolean copies) throws IOException {
        devices = new PolledDevices(copies ? dma : null, PortPrograms.NONE, this::changed);
        return VhostServer.listen(directory.resolve("socket"), copies
                ? VhostConfig.builder().asyncCopy(dma).build() : VhostConfig.defaults(), devices);
    }

    private static VirtioUser guest(VhostServer server) throws IOException {
        VirtioUser guest = VirtioUser.connect(server.path(), DriverConfig.defaults());
        guest.start();
        return guest;
    }

    private static boolean isRegistered(VhostDevice device) {
        return device.queue(0).isAsyncRegistered() && device.queue(1).isAsyncRegistered();
    }

    @AfterEach
    void close() {
        dma.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void devicesAreHandedOverWhileTheyRunAndCountedForGood(boolean copies)
            throws IOException, InterruptedException {
        try (PacketPool pool = PacketPool.create(8, 2048)) {
            Packet[] packets = new Packet[8];
            PolledDevice second;
            try (VhostServer server = listen(copies)) {
                VirtioUser one = guest(server);
                PolledDevice first = begun();
                VirtioUser other = guest(server);
                second = begun();
                assertEquals(List.of(first, second), devices.running());
                assertEquals(copies, isRegistered(first.device()) && isRegistered(second.device()));
                assertEquals(copies, devices.copies());
                pool.take(packets, 0, 3);
                for (int i = 0; i < 3; i++) {
                    packets[i].reset(60);
                }
                assertEquals(2, first.queues().get(0).send(packets, 0, 2));
                assertEquals(1, second.queues().get(0).send(packets, 2, 1));
                assertEquals(copies ? 3 : 0, devices.inFlight());
                assertEquals(copies ? 2 : 0, first.queues().get(0).settle());
                assertEquals(copies ? 1 : 0, devices.inFlight());
                assertEquals(copies ? 2 : 0, first.copied());
                one.close();
                assertSame(first, ceased());
                assertEquals(List.of(second), devices.running());
                other.close();
                assertSame(second, ceased());
            }
            assertEquals(0, pool.outstanding(), "put back when the connection ended");
            assertEquals(List.of(), devices.running());
            assertEquals(3, devices.counters().txPackets());
            assertEquals(180, devices.counters().txBytes());
            assertEquals(0, devices.inFlight());
            assertFalse(isRegistered(second.device()));
        }
        assertTrue(changes.isEmpty());
    }

    /** The stop of the queue does not get it back; what comes afterwards does. */
    @Test
    void aPacketWhoseCopyNeverEndsIsPutBackWhenTheConnectionEnds() throws IOException, InterruptedException {
        FaultyDmaEngine engine = FaultyDmaEngine.seeded(1).build();
        try (PacketPool pool = PacketPool.create(1, 2048); DmaRegistry stuck = new DmaRegistry()) {
            stuck.configure("stuck", engine);
            devices = new PolledDevices(stuck, PortPrograms.NONE, this::changed);
            VhostConfig config =
                    VhostConfig.builder().asyncCopy(stuck).copyTimeout(Duration.ofMillis(20)).build();
            PolledDevice device;
            try (VhostServer server = VhostServer.listen(directory.resolve("socket"), config, devices)) {
                VirtioUser guest = guest(server);
                device = begun();
                engine.hold(true);
                Packet[] packets = {pool.take()};
                packets[0].reset(60);
                assertEquals(1, device.queues().get(0).send(packets, 0, 1));
                guest.close();
                assertSame(device, ceased());
            }
            assertEquals(0, pool.outstanding());
            assertFalse(device.device().queue(0).isAsyncRegistered());
        }
    }

    /** Withheld as long as a copy may touch it, and put back by whoever asks afterwards. */
    @Test
    void aPacketWhoseCopyIsLateIsPutBackAfterTheConnectionHasGone() throws IOException, InterruptedException {
        StuckCopies copies = new StuckCopies(60);
        try (PacketPool pool = PacketPool.create(1, 2048); DmaRegistry shared = new DmaRegistry()) {
            shared.configureReplaceable("shared", copies::engine);
            devices = new PolledDevices(shared, PortPrograms.NONE, this::changed);
            VhostConfig config =
                    VhostConfig.builder().asyncCopy(shared).copyTimeout(Duration.ofMillis(20)).build();
            try (VhostServer server = VhostServer.listen(directory.resolve("socket"), config, devices)) {
                VirtioUser guest = guest(server);
                PolledDevice device = begun();
                Packet[] packets = {pool.take()};
                packets[0].reset(60);
                assertEquals(1, device.queues().get(0).send(packets, 0, 1));
                copies.awaitStuck();
                guest.close();
                assertSame(device, ceased());
            }
            assertEquals(0, devices.inFlight());
            assertEquals(1, pool.outstanding());
            copies.release();
            while (pool.outstanding() > 0) {
                assertEquals(0, devices.inFlight());
            }
        }
    }

    private PolledDevice begun() throws InterruptedException {
        Change change = changes.take();
        assertTrue(change.runs() && change.listed());
        return change.device();
    }

    private PolledDevice ceased() throws InterruptedException {
        Change change = changes.take();
        assertFalse(change.runs() || change.listed());
        return change.device();
    }
}
