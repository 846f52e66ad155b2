package io.vhost.app.forward;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.app.polling.PacketQueue;
import io.vhost.app.polling.PortCounters;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaRegistry;
import io.vhost.net.Packet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;

/**
 * One socket of {@code forward}, with the front-end that is connected to it. Where several are, the
 * first has the port until it goes: a front-end that reconnects may be here before its predecessor
 * has gone.
 *
 * <p>Threads: any.
 */
final class ForwardPort implements DeviceListener {
    private final int number;
    private final String name;
    private final DmaRegistry dma;
    private final Runnable changed;
    private final LongAdder dropPackets = new LongAdder();
    private final LongAdder dropBytes = new LongAdder();
    private final Object lock = new Object();

    @GuardedBy("lock")
    private final Map<VhostDevice, List<PacketQueue>> connected = new LinkedHashMap<>();

    @GuardedBy("lock")
    private final Set<VhostDevice> running = new LinkedHashSet<>();

    /** What those have counted that are gone. */
    @GuardedBy("lock")
    private PortCounters gone = PortCounters.ZERO;

    /**
     * A port without a front-end.
     *
     * @param number of the port, from 0
     * @param name of its socket
     * @param dma what copies packets; null: the polling threads do
     * @param changed called after {@link #device} has changed
     */
    ForwardPort(int number, String name, DmaRegistry dma, Runnable changed) {
        this.number = number;
        this.name = name;
        this.dma = dma;
        this.changed = changed;
    }

    int number() {
        return number;
    }

    String name() {
        return name;
    }

    /** The device whose queues run; null if there is none. */
    VhostDevice device() {
        synchronized (lock) {
            return running.isEmpty() ? null : running.iterator().next();
        }
    }

    /** The queues of {@link #device}; none if there is none. */
    List<PacketQueue> queues() {
        synchronized (lock) {
            return running.isEmpty() ? List.of() : connected.get(running.iterator().next());
        }
    }

    /** Whether DMA channels copy this port's packets. */
    boolean copies() {
        return dma != null;
    }

    /** Packets that a DMA channel is copying, or has copied and not given back. */
    long inFlight() {
        synchronized (lock) {
            return connected.keySet().stream().mapToLong(PacketQueue::inFlight).sum();
        }
    }

    /** What has passed so far. */
    PortCounters counters() {
        synchronized (lock) {
            PortCounters sum = gone.plus(PortCounters.dropped(dropPackets.sum(), dropBytes.sum()));
            for (VhostDevice device : connected.keySet()) {
                sum = sum.plus(PortCounters.of(device));
            }
            return sum;
        }
    }

    /** Counts packets {@code from} to {@code end} that did not get out at this port. */
    void drop(Packet[] packets, int from, int end) {
        long bytes = 0;
        for (int i = from; i < end; i++) {
            bytes += packets[i].length();
        }
        dropPackets.add(end - from);
        dropBytes.add(bytes);
    }

    @Override
    public void newConnection(VhostDevice device) {
        synchronized (lock) {
            connected.put(device, PacketQueue.of(device, dma));
        }
    }

    @Override
    public void vringStateChanged(VirtQueue queue, boolean enabled) {
        List<PacketQueue> queues;
        synchronized (lock) {
            queues = connected.get(queue.device());
        }
        queues.get(queue.index()).stateChanged(enabled);
    }

    @Override
    public void newDevice(VhostDevice device) {
        synchronized (lock) {
            running.add(device);
        }
        changed.run();
    }

    @Override
    public void destroyDevice(VhostDevice device) {
        List<PacketQueue> queues;
        synchronized (lock) {
            running.remove(device);
            queues = connected.get(device);
        }
        changed.run();
        queues.forEach(PacketQueue::end);
    }

    @Override
    public void destroyConnection(VhostDevice device) {
        List<PacketQueue> queues;
        synchronized (lock) {
            queues = connected.get(device);
        }
        queues.forEach(PacketQueue::end);
        synchronized (lock) {
            connected.remove(device);
            gone = gone.plus(PortCounters.of(device));
        }
    }
}
