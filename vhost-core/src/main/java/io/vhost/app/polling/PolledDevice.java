package io.vhost.app.polling;

import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaRegistry;
import io.vhost.state.QueueCounters;
import io.vhost.state.QueueCounters.Counter;
import java.util.List;

/** A device together with its queues as polling threads use them. Any thread. */
public final class PolledDevice {
    private final VhostDevice device;
    private final List<PacketQueue> queues;

    /**
     * A device that nobody polls yet.
     *
     * @param device a front-end's
     * @param dma whose channels copy packets; null: whoever sends and receives copies
     */
    public PolledDevice(VhostDevice device, DmaRegistry dma) {
        this.device = device;
        this.queues = PacketQueue.of(device, dma);
    }

    /** The library's object. */
    public VhostDevice device() {
        return device;
    }

    /** All queues; each one's place is its index. */
    public List<PacketQueue> queues() {
        return queues;
    }

    /** Packets that DMA channels are copying, or have copied and not given back. */
    public long inFlight() {
        long sum = 0;
        for (int i = 0; i < device.queueCount(); i++) {
            QueueCounters counters = device.queue(i).counters();
            long completed = counters.get(Counter.COMPLETED);
            sum += Math.max(0, counters.get(Counter.SUBMITTED) - completed);
        }
        return sum;
    }

    /** Packets that DMA channels have copied so far. */
    public long copied() {
        long sum = 0;
        for (int i = 0; i < device.queueCount(); i++) {
            QueueCounters counters = device.queue(i).counters();
            sum += counters.get(Counter.COMPLETED) - counters.get(Counter.COPY_FAILED);
        }
        return sum;
    }

    void stateChanged(VirtQueue queue, boolean enabled) {
        queues.get(queue.index()).stateChanged(enabled);
    }

    void end() {
        queues.forEach(PacketQueue::end);
    }
}
