package example;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.server.VhostServer;
import io.vhost.state.QueueCounters.Counter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;

/** Uses what a queue and a channel inherit from classes that an application cannot name. */
public final class Inherited {
    private Inherited() {}

    /** Says that all was as it should be. */
    public static void main(String[] args) throws IOException {
        Path directory = Files.createTempDirectory("vhost");
        Path socket = directory.resolve("socket");
        CompletableFuture<VhostDevice> connected = new CompletableFuture<>();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newDevice(VhostDevice device) {
                connected.complete(device);
            }
        };
        try (DmaRegistry registry = new DmaRegistry();
                VhostServer _ = VhostServer.listen(
                        socket, VhostConfig.builder().asyncCopy(registry).build(), listener);
                VirtioUser _ = VirtioUser.connect(socket, DriverConfig.defaults())) {
            DmaChannel channel = registry.configure("inline", new InlineDmaEngine());
            boolean sound = look(connected.join().queue(0), channel);
            System.out.println(sound ? "inherited" : "something is missing");
        } finally {
            Files.delete(directory);
        }
    }

    private static boolean look(VirtQueue queue, DmaChannel channel) {
        queue.checkMemory();
        queue.registerAsync();
        boolean sound = queue.index() == 0 && queue.isRunning() && queue.violation() == null
                && queue.counters().get(Counter.PACKETS) == 0 && queue.snapshot().size() > 0
                && queue.element(OptionalInt.empty()) != null && channel.capacity() > 0;
        queue.access_lock.lock();
        try {
            return sound && queue.clearQueueThreadUnsafe(new Packet[1], 0, 1, channel) == 0
                    && queue.getInflightThreadUnsafe() == 0
                    && Thread.currentThread().equals(queue.access_lock.owner());
        } finally {
            queue.unregisterAsyncThreadUnsafe();
            queue.access_lock.unlock();
        }
    }
}
