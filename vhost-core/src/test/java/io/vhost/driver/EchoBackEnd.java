package io.vhost.driver;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import java.nio.file.Path;

/**
 * A back-end in a process of its own, which sends each packet back until somebody kills it. Words: the
 * socket, and {@code async} for copies by a DMA channel. It listens when it is told so by a line.
 */
public final class EchoBackEnd implements DeviceListener {
    private static final int BURST = 16;

    private final DmaChannel channel; // null: copies are made at once
    private final Packet[] packets = new Packet[BURST];
    private final Packet[] done = new Packet[BURST];
    private volatile VhostDevice device;

    private EchoBackEnd(DmaChannel channel) {
        this.channel = channel;
    }

    public static void main(String[] words) throws Exception {
        boolean async = words[1].equals("async");
        DmaRegistry registry = new DmaRegistry();
        VhostConfig.Builder config = VhostConfig.builder();
        EchoBackEnd echo = new EchoBackEnd(
                async ? registry.configure("worker", new WorkerDmaEngine("worker")) : null);
        System.out.println("ready");
        if (System.in.read() < 0) {
            return;
        }
        try (PacketPool pool = PacketPool.create(512, 2048);
                VhostServer _ = VhostServer.listen(Path.of(words[0]),
                        (async ? config.asyncCopy(registry) : config).build(), echo)) {
            System.out.println("listening");
            while (true) {
                VhostDevice present = echo.device;
                if (present == null) {
                    Thread.onSpinWait();
                } else {
                    echo.move(pool, present.queue(1), present.queue(0));
                }
            }
        }
    }

    @Override
    public void newDevice(VhostDevice present) {
        device = present;
    }

    @Override
    @GuardedBy("queue.access_lock")
    public void vringStateChanged(VirtQueue queue, boolean enabled) {
        if (enabled && channel != null && !queue.isAsyncRegistered()) {
            queue.registerAsyncThreadUnsafe();
        }
    }

    private void move(PacketPool pool, VirtQueue from, VirtQueue to) {
        int count;
        int sent = 0;
        if (channel == null) {
            count = from.dequeueBurst(pool, packets, 0, BURST);
            while (sent < count) {
                sent += to.enqueueBurst(packets, sent, count - sent);
            }
            pool.release(packets, 0, count);
            return;
        }
        count = from.tryDequeueBurst(pool, packets, 0, BURST, channel);
        do {
            sent += to.submitEnqueueBurst(packets, sent, count - sent, channel);
            pool.release(done, 0, to.pollEnqueueCompleted(done, 0, BURST, channel));
        } while (sent < count);
    }
}
