package io.vhost.app.polling;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.queue.QueueCounters;
import io.vhost.queue.QueueCounters.Counter;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A queue to which packets are given away: the caller copies, or a DMA channel, and packets are put back into
 * their pool when that is done. A queue and its channel stay together, whoever polls. Any thread.
 */
public final class PacketQueue {
    private static final int BURST = 64;

    private final VirtQueue queue;
    private final DmaChannel channel;
    private final Packet[] done = new Packet[BURST];
    /** Copies may be submitted. Changes under the queue's lock only. */
    private volatile boolean registered;

    private PacketQueue(VirtQueue queue, DmaChannel channel) {
        this.queue = queue;
        this.channel = channel;
    }

    /**
     * The queues of a device.
     *
     * @param device whose queues
     * @param dma whose channels they use in turn; null: whoever sends and receives copies
     */
    public static List<PacketQueue> of(VhostDevice device, DmaRegistry dma) {
        List<DmaChannel> channels = dma == null ? List.of()
                : dma.channels().stream().sorted(Comparator.comparing(DmaChannel::name)).toList();
        return IntStream.range(0, device.queueCount())
                .mapToObj(i -> new PacketQueue(device.queue(i),
                        channels.isEmpty() ? null : channels.get(i / 2 % channels.size())))
                .toList();
    }

    /** Packets of a device's queues that are being copied or wait to be taken back. */
    public static long inFlight(VhostDevice device) {
        long sum = 0;
        for (int i = 0; i < device.queueCount(); i++) {
            long completed = device.queue(i).counters().get(Counter.COMPLETED);
            sum += Math.max(0, device.queue(i).counters().get(Counter.SUBMITTED) - completed);
        }
        return sum;
    }

    /** Packets of a device's queues that DMA channels have copied. */
    public static long copied(VhostDevice device) {
        long sum = 0;
        for (int i = 0; i < device.queueCount(); i++) {
            QueueCounters counters = device.queue(i).counters();
            sum += counters.get(Counter.COMPLETED) - counters.get(Counter.COPY_FAILED);
        }
        return sum;
    }

    /** Takes packets that have arrived, as {@link VirtQueue#dequeueBurst} does. */
    public int receive(PacketPool pool, Packet[] packets, int offset, int count) {
        if (channel == null) {
            return queue.dequeueBurst(pool, packets, offset, count);
        }
        if (!lockRegistered()) {
            return 0;
        }
        try {
            return queue.tryDequeueBurst(pool, packets, offset, count, channel);
        } finally {
            queue.access_lock.unlock();
        }
    }

    /**
     * Sends packets, all of one pool. Those that are accepted find back to it by themselves.
     *
     * @return packets accepted, 0 to {@code count}; the rest stay the caller's
     */
    public int send(Packet[] packets, int offset, int count) {
        if (channel == null) {
            int sent = queue.enqueueBurst(packets, offset, count);
            release(packets, offset, sent);
            return sent;
        }
        if (!lockRegistered()) {
            return 0;
        }
        try {
            return queue.submitEnqueueBurst(packets, offset, count, channel);
        } finally {
            queue.access_lock.unlock();
        }
    }

    /**
     * Takes the lock of a queue that is registered: then it stays so, since it is unregistered under this
     * lock. Does not wait while the queue is stopped, which may take as long as its copies.
     *
     * @return false when there is nothing to be done, and nothing is locked
     */
    private boolean lockRegistered() {
        while (registered) {
            if (queue.access_lock.tryLock()) {
                if (registered) {
                    return true;
                }
                queue.access_lock.unlock();
            } else if (queue.isRunning()) {
                Thread.onSpinWait();
            } else {
                return false;
            }
        }
        return false;
    }

    /** Whether bursts pass. */
    public boolean isRunning() {
        return queue.isRunning();
    }

    /** Whether the receiver takes a packet uncut. */
    public boolean accepts(Packet packet) {
        return queue.accepts(packet);
    }

    /**
     * Looks after copies to the guest: it gets those that are done.
     * To be called again and again. By one thread.
     */
    public int settle() {
        if (!lockRegistered()) {
            return 0;
        }
        int count;
        try {
            count = queue.pollEnqueueCompleted(done, 0, done.length, channel);
        } finally {
            queue.access_lock.unlock();
        }
        release(done, 0, count);
        return count;
    }

    /** Puts packets back, in runs of one pool each. */
    private static void release(Packet[] packets, int offset, int count) {
        int begin = offset;
        for (int i = offset; i < offset + count; i++) {
            if (i + 1 == offset + count || packets[i + 1].pool() != packets[begin].pool()) {
                packets[begin].pool().release(packets, begin, i + 1 - begin);
                begin = i + 1;
            }
        }
    }

    /**
     * The queue begins or ends: for the callback that says so, which holds the queue's lock. Copies that are
     * under way when the queue ends are waited for by the device itself;
     * {@link #end} puts their packets back.
     */
    public void stateChanged(boolean enabled) {
        if (channel == null) {
            return;
        }
        queue.access_lock.lock();
        try {
            if (!enabled) {
                putBack();
            } else if (!registered) {
                queue.registerAsyncThreadUnsafe();
                registered = true;
            }
        } finally {
            queue.access_lock.unlock();
        }
    }

    /**
     * The device or its connection has ended: puts back what can be put back, and ends the registration when
     * nothing is left. Copies end with the connection at the latest.
     */
    public void end() {
        queue.access_lock.lock();
        try {
            putBack();
        } finally {
            queue.access_lock.unlock();
        }
    }

    @GuardedBy("queue.access_lock")
    private void putBack() {
        if (!registered) {
            return;
        }
        // An array of its own: a poll may have left the lock and not yet put back what it took.
        Packet[] last = new Packet[BURST];
        int count = queue.clearQueueThreadUnsafe(last, 0, last.length, channel);
        while (count > 0) {
            release(last, 0, count);
            count = queue.clearQueueThreadUnsafe(last, 0, last.length, channel);
        }
        if (queue.getInflightThreadUnsafe() == 0) {
            queue.unregisterAsyncThreadUnsafe();
            registered = false;
        }
    }
}
