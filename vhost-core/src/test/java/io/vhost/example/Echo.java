package io.vhost.example;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Listens on a socket and sends each guest's packets back to it. */
public final class Echo implements DeviceListener {
    private final List<VhostDevice> devices = new CopyOnWriteArrayList<>();

    private Echo() {}

    @Override
    public void newDevice(VhostDevice device) {
        devices.add(device);
    }

    @Override
    public void destroyDevice(VhostDevice device) {
        devices.remove(device);
    }

    public static void main(String[] args) throws IOException {
        Echo echo = new Echo();
        Packet[] packets = new Packet[32];
        try (VhostServer _ = VhostServer.listen(Path.of(args[0]), VhostConfig.defaults(), echo);
                PacketPool pool = PacketPool.create(64, 2048)) {
            while (!Thread.currentThread().isInterrupted()) {
                for (VhostDevice device : echo.devices) {
                    int count = device.queue(1).dequeueBurst(pool, packets, 0, packets.length);
                    device.queue(0).enqueueBurst(packets, 0, count);
                    pool.release(packets, 0, count);
                }
            }
        }
    }
}
