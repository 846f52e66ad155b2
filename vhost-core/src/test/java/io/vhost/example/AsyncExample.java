package io.vhost.example;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaChannel;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.time.Duration;

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
            // What is under way is waited for by the device, when this has returned.
            if (queue.drainThreadUnsafe(Packet::release, Duration.ZERO) == 0) {
                queue.unregisterAsyncThreadUnsafe();
            }
        }
    }

    @Override // This one has no lock: the safe forms.
    public void destroyDevice(VhostDevice device) {
        for (int i = 0; i < device.queueCount(); i++) {
            VirtQueue queue = device.queue(i);
            // Longer than the device itself has waited: what is left then hangs in a guest's page fault.
            if (queue.drain(Packet::release, Duration.ofSeconds(1)) == 0) {
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
