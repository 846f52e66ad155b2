package io.vhost.app;

import io.vhost.device.QueueCounters.Counter;
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
 * A queue to which packets are given away: the caller copies, or a DMA channel, and packets are put back into their pool
 * when that is done. A queue and its channel stay together, whoever polls. Any thread.
 */
final class PacketQueue {
    private static final int BURST = 64;

    private final VirtQueue queue;
    private final DmaChannel channel;
    private final Packet[] done = new Packet[BURST];
    /** Copies may be submitted. Never goes back: the registration ends with the device. */
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
    static List<PacketQueue> of(VhostDevice device, DmaRegistry dma) {
        List<DmaChannel> channels = dma == null ? List.of()
                : dma.channels().stream().sorted(Comparator.comparing(DmaChannel::name)).toList();
        return IntStream.range(0, device.queueCount())
                .mapToObj(i -> new PacketQueue(device.queue(i),
                        channels.isEmpty() ? null : channels.get(i / 2 % channels.size())))
                .toList();
    }

    /** Packets of a device's queues that are being copied or wait to be taken back. */
    static long inFlight(VhostDevice device) {
        long sum = 0;
        for (int i = 0; i < device.queueCount(); i++) {
            long completed = device.queue(i).counters().get(Counter.COMPLETED);
            sum += Math.max(0, device.queue(i).counters().get(Counter.SUBMITTED) - completed);
        }
        return sum;
    }

    /** Takes packets that have arrived, as {@link VirtQueue#dequeueBurst} does. */
    int receive(PacketPool pool, Packet[] packets, int offset, int count) {
        if (channel == null) {
            return queue.dequeueBurst(pool, packets, offset, count);
        }
        return registered ? queue.tryDequeueBurst(pool, packets, offset, count, channel) : 0;
    }

    /**
     * Sends packets, all of one pool. Those that are accepted find back to it by themselves.
     *
     * @return packets accepted, 0 to {@code count}; the rest stay the caller's
     */
    int send(Packet[] packets, int offset, int count) {
        if (channel != null) {
            return registered ? queue.submitEnqueueBurst(packets, offset, count, channel) : 0;
        }
        int sent = queue.enqueueBurst(packets, offset, count);
        if (sent > 0) {
            packets[offset].pool().release(packets, offset, sent);
        }
        return sent;
    }

    /** Whether bursts pass. */
    boolean isRunning() {
        return queue.isRunning();
    }

    /** Whether the receiver takes a packet uncut. */
    boolean accepts(Packet packet) {
        return queue.accepts(packet);
    }

    /** Looks after copies to the guest: it gets those that are done. To be called again and again. By one thread. */
    int settle() {
        if (!registered) {
            return 0;
        }
        int count = queue.pollEnqueueCompleted(done, 0, done.length, channel);
        release(done, count);
        return count;
    }

    private static void release(Packet[] packets, int count) {
        for (int i = 0; i < count; i++) {
            packets[i].release();
        }
    }

    /** Whether the queue must be registered, once it runs; say so with {@link #registered}. */
    boolean isToBeRegistered() {
        return channel != null && !registered;
    }

    /** The queue was registered for asynchronous copies. */
    void registered() {
        registered = true;
    }

    /** The connection has ended, and all copies have with it: puts the packets back. */
    void end() {
        // An array of its own: a poll may still be on its way.
        Packet[] last = new Packet[BURST];
        while (registered && queue.getInflight() > 0) {
            release(last, queue.clearQueue(last, 0, last.length, channel));
        }
    }
}
