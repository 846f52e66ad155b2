package io.vhost.example;

import io.vhost.device.DeviceListener;
import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.limit.ResourceLimits;
import io.vhost.monitor.MonitorConfig;
import io.vhost.monitor.MonitorServer;
import io.vhost.monitor.MonitoredDevices;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.Type;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/** What can be set up before packets move. */
final class Settings {
    private Settings() {}

    static VhostConfig manyQueues() {
        return VhostConfig.builder()
                .queuePairs(4)
                .segmentation()
                .without(Feature.VIRTIO_F_IN_ORDER)
                .build();
    }

    static VhostConfig strict() {
        ResourceLimits limits = ResourceLimits.builder().connections(16).mappedBytes(8L << 30).build();
        return VhostConfig.builder().limits(limits).requireSealedMemory(true).build();
    }

    static DmaChannel channel(DmaRegistry registry) {
        return registry.configureReplaceable("copies", () -> new WorkerDmaEngine("copies"));
    }

    static VhostConfig withCopies(DmaRegistry registry) {
        return VhostConfig.builder()
                .asyncCopy(registry)
                .copyThreshold(2000)
                .copyTimeout(Duration.ofMillis(500))
                .build();
    }

    static VirtioUser thatOutlivesItsBackEnd(Path socket) throws IOException {
        return VirtioUser.connect(socket, DriverConfig.defaults().withPackedRings().withInflight());
    }

    static void serveAndShow(Path socket, Path monitor, DeviceListener listener, Runnable work)
            throws IOException {
        MonitoredDevices devices = new MonitoredDevices();
        Command greet =
                Command.named("x-greet").help("says hello").returns(Type.STRING).runs(_ -> "hello");
        MonitorConfig config = MonitorConfig.builder().devices(devices).command(greet).build();
        try (VhostServer _ = VhostServer.listen(socket, VhostConfig.defaults(), devices.watch(listener));
                MonitorServer _ = MonitorServer.listen(monitor, config)) {
            work.run();
        }
    }
}
