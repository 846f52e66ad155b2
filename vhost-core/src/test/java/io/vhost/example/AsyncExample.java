package io.vhost.example;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaChannel;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;

/** Sends a guest's packets back to it; a DMA channel makes all copies. */
final class AsyncExample implements DeviceListener {
    private final DmaChannel channel;
    private final PacketPool pool;
    private final Packet[] moving = new Packet[32]; // Both are the polling thread's.
    private final Packet[] done = new Packet[32];

    AsyncExample(DmaChannel channel, PacketPool pool) {
        this.channel = channel;
        this.pool = pool;
    }

    @Override
    @GuardedBy("queue.access_lock") // This callback has the lock of its queue: the ThreadUnsafe forms.
    public void vringStateChanged(VirtQueue queue, boolean enabled) {
        if (enabled && !queue.isAsyncRegistered()) {
            queue.registerAsyncThreadUnsafe();
        } else if (!enabled && queue.isAsyncRegistered()) {
            Packet[] drained = new Packet[32];
            while (queue.getInflightThreadUnsafe() > 0) {
                pool.release(drained, 0, queue.clearQueueThreadUnsafe(drained, 0, drained.length, channel));
            }
            queue.unregisterAsyncThreadUnsafe();
        }
    }

    @Override // This one has no lock: the safe forms.
    public void destroyDevice(VhostDevice device) {
        Packet[] drained = new Packet[32];
        for (int i = 0; i < device.queueCount(); i++) {
            VirtQueue queue = device.queue(i);
            if (queue.isAsyncRegistered()) {
                while (queue.getInflight() > 0) {
                    pool.release(drained, 0, queue.clearQueue(drained, 0, drained.length, channel));
                }
                queue.unregisterAsync();
            }
        }
    }

    /** One round of the polling thread. While a queue is not registered its bursts return 0. */
    int poll(VirtQueue from, VirtQueue to) {
        int count = from.tryDequeueBurst(pool, moving, 0, moving.length, channel);
        int sent = to.submitEnqueueBurst(moving, 0, count, channel);
        // Those before are the library's now, until poll gives them back.
        pool.release(moving, sent, count - sent);
        int back = to.pollEnqueueCompleted(done, 0, done.length, channel);
        pool.release(done, 0, back);
        return count + back;
    }
}
