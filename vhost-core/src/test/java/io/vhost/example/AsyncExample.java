package io.vhost.example;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaChannel;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.util.function.IntSupplier;

/** Sends a guest's packets back to it; a DMA channel makes all copies. */
record AsyncExample(DmaChannel channel, PacketPool pool, Packet[] moving, Packet[] done) implements DeviceListener {
    @Override
    @GuardedBy("queue.access_lock") // This callback has the lock of its queue: the ThreadUnsafe forms.
    public synchronized void vringStateChanged(VirtQueue queue, boolean enabled) {
        if (enabled) {
            queue.registerAsyncThreadUnsafe();
        } else if (queue.isAsyncRegistered()) {
            while (queue.getInflightThreadUnsafe() > 0) {
                pool.release(done, 0, queue.clearQueueThreadUnsafe(done, 0, done.length, channel));
            }
            queue.unregisterAsyncThreadUnsafe();
        }
    }

    @Override // This one has no lock: the safe forms. The monitor keeps the polling thread away.
    public synchronized void destroyDevice(VhostDevice device) {
        for (int i = 0; i < device.queueCount(); i++) {
            while (device.queue(i).isAsyncRegistered() && device.queue(i).getInflight() > 0) {
                pool.release(done, 0, device.queue(i).clearQueue(done, 0, done.length, channel));
            }
            device.queue(i).unregisterAsync();
        }
    }

    /** One round of the polling thread. */
    synchronized int poll(VirtQueue from, VirtQueue to) {
        int count = ifRegistered(from, () -> from.tryDequeueBurst(pool, moving, 0, moving.length, channel));
        int sent = ifRegistered(to, () -> to.submitEnqueueBurst(moving, 0, count, channel));
        pool.release(moving, sent, count - sent); // those before are the library's now, until poll gives them back
        int back = ifRegistered(to, () -> to.pollEnqueueCompleted(done, 0, done.length, channel));
        pool.release(done, 0, back);
        return count + back;
    }

    /** The listener unregisters under the lock, so under the lock it cannot come between question and call. */
    private static int ifRegistered(VirtQueue queue, IntSupplier call) {
        if (!queue.access_lock.tryLock()) {
            return 0;
        }
        try {
            return queue.isAsyncRegistered() ? call.getAsInt() : 0;
        } finally {
            queue.access_lock.unlock();
        }
    }
}
