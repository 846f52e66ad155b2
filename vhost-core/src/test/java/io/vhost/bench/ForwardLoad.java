package io.vhost.bench;

import io.vhost.device.VirtQueue;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.CpuAffinity;
import java.util.concurrent.atomic.AtomicLong;

/** A thread, bound to a CPU, that moves packets from a guest's one queue to its other until it is closed. */
final class ForwardLoad implements AutoCloseable {
    private static final int BURST = 32;

    private final SyntheticGuest guest;
    private final PacketPool pool;
    private final AtomicLong moved = new AtomicLong();
    private final Thread thread;
    private volatile boolean stopped;
    private volatile Throwable failure;

    ForwardLoad(SyntheticGuest guest, int size, int cpu) {
        this.guest = guest;
        pool = PacketPool.create(2 * BURST, Math.max(2048, size) + PacketPool.DEFAULT_HEADROOM);
        thread = Thread.ofPlatform().daemon().name("forward").start(() -> {
            try {
                CpuAffinity.pinCurrentThread(cpu);
                run();
            } catch (RuntimeException | Error e) {
                failure = e;
            }
        });
    }

    private void run() {
        VirtQueue from = guest.queue(1);
        VirtQueue to = guest.queue(0);
        Packet[] packets = new Packet[BURST];
        guest.offer(0, 2 * BURST);
        guest.offer(1, 2 * BURST);
        while (!stopped) {
            int count = from.dequeueBurst(pool, packets, 0, BURST);
            int sent = to.enqueueBurst(packets, 0, count);
            pool.release(packets, 0, count);
            // Only what was taken: a queue that was busy has what it had.
            guest.offer(1, count);
            guest.offer(0, sent);
            moved.setOpaque(moved.getPlain() + sent);
        }
    }

    /** Packets so far. */
    long moved() {
        return moved.getOpaque();
    }

    /** Throws if the thread has failed. */
    void check() {
        if (failure != null) {
            throw new IllegalStateException(failure);
        }
    }

    @Override
    public void close() {
        stopped = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        pool.close();
    }
}
