package io.vhost.example;

import io.vhost.device.DeviceListener;
import io.vhost.device.QueueWaiter;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * Passes packets between two guests on one socket, except TCP segments to a port that is shut. Sleeps when
 * there is nothing to do, and turns a third guest away.
 */
public final class Firewall implements DeviceListener, AutoCloseable {
    private static final int IPV4 = 0x0800;
    private static final int TCP = 6;
    private static final int ETHERNET_HEADER = 14;

    private final int shutPort;
    private final AtomicInteger connections = new AtomicInteger();
    private final List<VhostDevice> devices = new CopyOnWriteArrayList<>();
    private final QueueWaiter waiter = new QueueWaiter();
    private final Packet[] packets = new Packet[32];
    private volatile boolean closed;
    private final LongAdder blocked = new LongAdder();

    /** A firewall with one rule. */
    public Firewall(int shutPort) {
        this.shutPort = shutPort;
    }

    @Override
    public void newConnection(VhostDevice device) {
        if (connections.incrementAndGet() > 2) {
            device.disconnect("two guests are connected");
        }
    }

    @Override
    public void destroyConnection(VhostDevice device) {
        connections.decrementAndGet();
    }

    @Override
    public void newDevice(VhostDevice device) {
        devices.add(device);
        waiter.wakeUp();
    }

    @Override
    public void destroyDevice(VhostDevice device) {
        devices.remove(device);
    }

    /** Works until {@link #close}, or an interrupt of the thread. */
    void run(Path socket) throws IOException {
        try (VhostServer _ = VhostServer.listen(socket, VhostConfig.defaults(), this);
                PacketPool pool = PacketPool.create(64, 2048)) {
            while (!closed && !Thread.currentThread().isInterrupted()) {
                VhostDevice[] present = devices.toArray(VhostDevice[]::new);
                int moved = 0;
                for (int i = 0; i < present.length; i++) {
                    VirtQueue from = present[i].queue(1);
                    moved += pass(pool, from, present.length == 2 ? present[1 - i].queue(0) : null);
                }
                if (moved == 0) {
                    sleep(present);
                }
            }
        } finally {
            waiter.close();
        }
    }

    private void sleep(VhostDevice... present) {
        VirtQueue[] queues = new VirtQueue[present.length];
        for (int i = 0; i < present.length; i++) {
            queues[i] = present[i].queue(1);
        }
        waiter.await(QueueWaiter.FOREVER, queues);
    }

    private int pass(PacketPool pool, VirtQueue from, VirtQueue to) {
        int count = from.dequeueBurst(pool, packets, 0, packets.length);
        int passed = 0;
        for (int i = 0; i < count; i++) {
            Packet packet = packets[i];
            if (isShut(packet)) {
                blocked.increment();
                packet.release();
            } else {
                packets[passed++] = packet;
            }
        }
        if (to != null) {
            to.enqueueBurst(packets, 0, passed);
        }
        pool.release(packets, 0, passed);
        return count;
    }

    private boolean isShut(Packet packet) {
        if (packet.length() < ETHERNET_HEADER + 20 || packet.networkShortAt(12) != IPV4
                || packet.byteAt(ETHERNET_HEADER + 9) != TCP) {
            return false;
        }
        int tcp = ETHERNET_HEADER + 4 * (packet.byteAt(ETHERNET_HEADER) & 0xF);
        // A fragment that is not the first has no ports, and is of no use without the first.
        return packet.length() >= tcp + 4 && packet.networkShortAt(tcp + 2) == shutPort;
    }

    long blocked() {
        return blocked.sum();
    }

    @Override
    public void close() {
        closed = true;
        waiter.wakeUp();
    }

    public static void main(String[] args) throws IOException {
        new Firewall(Integer.parseInt(args[1])).run(Path.of(args[0]));
    }
}
