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
import java.util.function.BooleanSupplier;

/** Listens on a socket and passes packets from each front-end that connects to the next one. */
public final class Bridge implements DeviceListener {
    private final List<VhostDevice> devices = new CopyOnWriteArrayList<>();

    @Override
    public void newDevice(VhostDevice device) {
        devices.add(device);
    }

    @Override
    public void destroyDevice(VhostDevice device) {
        devices.remove(device);
    }

    void run(Path socket, BooleanSupplier running) throws IOException {
        Packet[] packets = new Packet[32];
        try (VhostServer _ = VhostServer.listen(socket, VhostConfig.defaults(), this);
                PacketPool pool = PacketPool.create(64, 2048)) {
            while (running.getAsBoolean()) {
                VhostDevice[] present = devices.toArray(VhostDevice[]::new);
                for (int i = 0; i < present.length; i++) {
                    int count = present[i].queue(1).dequeueBurst(pool, packets, 0, packets.length);
                    present[(i + 1) % present.length].queue(0).enqueueBurst(packets, 0, count);
                    pool.release(packets, 0, count);
                }
            }
        }
    }

    public static void main(String[] args) throws IOException {
        new Bridge().run(Path.of(args[0]), () -> true);
    }
}
