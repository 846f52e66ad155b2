package io.vhost.app.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.app.demo.Exchange;
import io.vhost.app.polling.DmaKind;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaRegistry;
import io.vhost.driver.DriverConfig;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Queues are registered while they run, and neither registration nor packets outlive the connection. */
class AsyncForwarderTest {
    private static final long PACKETS = 3_000;

    @TempDir
    private Path directory;

    private final List<VhostDevice> devices = new CopyOnWriteArrayList<>();
    private final AtomicInteger registeredAtEnd = new AtomicInteger();
    private final AtomicInteger ended = new AtomicInteger();

    private static boolean isRegistered(VhostDevice device) {
        for (int i = 0; i < device.queueCount(); i++) {
            if (device.queue(i).isAsyncRegistered()) {
                return true;
            }
        }
        return false;
    }

    /** Looks at the queues before and after the application has heard of each event. */
    private DeviceListener watched(DeviceListener application) {
        return new DeviceListener() {
            @Override
            public void newConnection(VhostDevice device) {
                devices.add(device);
                application.newConnection(device);
            }

            @Override
            public void vringStateChanged(VirtQueue queue, boolean enabled) {
                application.vringStateChanged(queue, enabled);
                assertTrue(!enabled || queue.isAsyncRegistered());
            }

            @Override
            public void newDevice(VhostDevice device) {
                application.newDevice(device);
            }

            @Override
            public void destroyDevice(VhostDevice device) {
                application.destroyDevice(device);
            }

            @Override
            public void destroyConnection(VhostDevice device) {
                application.destroyConnection(device);
                registeredAtEnd.addAndGet(isRegistered(device) ? 1 : 0);
                ended.incrementAndGet();
            }
        };
    }

    private Forwarder forwarder(VhostConfig config) throws IOException {
        List<String> names = new ArrayList<>();
        List<Forwarder.Opening> openings = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Path path = directory.resolve("port" + i);
            names.add(path.toString());
            openings.add((offer, port) -> VhostServer.listen(path, offer, watched(port)));
        }
        return new Forwarder(config, names, openings, false, List.of(), _ -> {});
    }

    @ParameterizedTest
    @EnumSource(DmaKind.class)
    void aConnectionThatEndsLeavesNoRegistrationAndNoPacket(DmaKind kind) throws IOException {
        try (DmaRegistry dma = kind.channels(1);
                Forwarder forwarder = forwarder(VhostConfig.builder().asyncCopy(dma).build())) {
            for (int round = 1; round <= 3; round++) {
                int connections = 2 * round;
                try (Exchange exchange = Exchange.between(
                        directory.resolve("port0"), directory.resolve("port1"),
                        DriverConfig.defaults(), 0, PACKETS).start()) {
                    assertEquals(2 * PACKETS, exchange.finish());
                    assertTrue(isRegistered(devices.getLast()));
                }
                Await.until("both connections have ended", () -> ended.get() == connections);
                assertEquals(0, registeredAtEnd.get());
                dma.channels().forEach(channel -> assertEquals(0, channel.packetsInFlight()));
            }
            forwarder.check();
        }
        assertEquals(6, devices.size());
        assertFalse(devices.stream().anyMatch(AsyncForwarderTest::isRegistered));
    }
}
