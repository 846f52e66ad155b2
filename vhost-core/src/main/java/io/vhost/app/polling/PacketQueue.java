package io.vhost.app.polling;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.state.QueueCounters.Counter;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;

/**
 * A queue to which packets are given away: the caller copies, or a DMA channel, and packets are put back into
 * their pool when that is done. A queue and its channel stay together, whoever polls. A queue with a channel
 * moves nothing unless it is registered for asynchronous copies, which {@link PolledDevices} looks after.
 * Any thread.
 */
public final class PacketQueue {
    private static final int BURST = 64;
    /** Copies that a burst of packets in several pieces may need. */
    private static final int ROOM = 512;

    private final VirtQueue queue;
    /** Null: the caller copies. */
    private final DmaChannel channel;
    private final ReentrantLock settling = new ReentrantLock();

    @GuardedBy("settling")
    private final Packet[] done = new Packet[BURST];

    /** Packets that the queue had counted at the last look of whoever polls it. */
    private long seen;

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

    /** Takes packets that have arrived, as {@link VirtQueue#dequeueBurst} does: without waiting. */
    public int receive(PacketPool pool, Packet[] packets, int offset, int count) {
        return channel == null
                ? queue.dequeueBurst(pool, packets, offset, count)
                : queue.tryDequeueBurst(pool, packets, offset, count, channel);
    }

    /**
     * Whether packets have come since the last look, also those that programs have taken away. By the thread
     * that polls.
     */
    public boolean hasMoved() {
        long packets = queue.counters().get(Counter.PACKETS);
        boolean moved = packets != seen;
        seen = packets;
        return moved;
    }

    /**
     * Sends packets, all of one pool. Those that are accepted find back to it by themselves.
     *
     * @return packets accepted, 0 to {@code count}; the rest stay the caller's
     */
    public int send(Packet[] packets, int offset, int count) {
        if (channel != null) {
            return queue.submitEnqueueBurst(packets, offset, count, channel);
        }
        int sent = queue.enqueueBurst(packets, offset, count);
        release(packets, offset, sent);
        return sent;
    }

    /**
     * Whether the channel has room for a burst. It serves other queues too, so that it may be full while the
     * receiver waits for packets: who asks before it takes them from their sender need not drop them.
     */
    public boolean hasRoom() {
        // What fails does so at once, and what has nothing under way has all the room that there is.
        return channel == null || channel.capacity() >= ROOM || channel.inFlight() == 0
                || channel.failure() != null || channel.isClosed();
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
     * To be called again and again. Any thread: while one does, others find nothing to do.
     *
     * @return packets that the receiver has, or whose copies have failed
     */
    public int settle() {
        if (channel == null || !settling.tryLock()) {
            return 0;
        }
        try {
            int count = queue.pollEnqueueCompleted(done, 0, done.length, channel);
            release(done, 0, count);
            return count;
        } finally {
            settling.unlock();
        }
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
     * under way when the queue ends are waited for by the device itself, afterwards;
     * {@link #end} puts their packets back.
     */
    void stateChanged(boolean enabled) {
        if (channel == null) {
            return;
        }
        queue.access_lock.lock();
        try {
            if (!enabled) {
                putBack();
            } else if (!queue.isAsyncRegistered()) {
                queue.registerAsyncThreadUnsafe();
            }
        } finally {
            queue.access_lock.unlock();
        }
    }

    /**
     * The device or its connection has ended: puts back what can be put back, and ends the registration when
     * nothing is left and the queue does not run: a queue may outlive the pair whose end was the device's.
     * Copies end with the connection at the latest.
     */
    void end() {
        if (channel == null) {
            return;
        }
        queue.access_lock.lock();
        try {
            putBack();
        } finally {
            queue.access_lock.unlock();
        }
    }

    @GuardedBy("queue.access_lock")
    private void putBack() {
        if (queue.drainThreadUnsafe(Packet::release, Duration.ZERO) == 0 && !queue.isRunning()) {
            queue.unregisterAsyncThreadUnsafe();
        }
    }
}
