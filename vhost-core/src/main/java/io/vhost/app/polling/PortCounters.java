package io.vhost.app.polling;

import io.vhost.device.VhostDevice;
import io.vhost.state.QueueCounters;
import io.vhost.state.QueueCounters.Counter;

/**
 * What has passed a port, under testpmd's names.
 *
 * @param rxPackets packets from the front-end
 * @param rxBytes bytes of those
 * @param txPackets packets to the front-end
 * @param txBytes bytes of those
 * @param dropPackets packets for the front-end that it had no buffers for
 * @param dropBytes bytes of those
 * @param badPackets packets in either direction that were refused: too large, or contradictory in themselves
 */
public record PortCounters(
        long rxPackets,
        long rxBytes,
        long txPackets,
        long txBytes,
        long dropPackets,
        long dropBytes,
        long badPackets) {

    /** Nothing has passed. */
    public static final PortCounters ZERO = new PortCounters(0, 0, 0, 0, 0, 0, 0);

    /** What was dropped for want of buffers. */
    public static PortCounters dropped(long packets, long bytes) {
        return new PortCounters(0, 0, 0, 0, packets, bytes, 0);
    }

    /** What a device's queues have counted. */
    public static PortCounters of(VhostDevice device) {
        PortCounters sum = ZERO;
        for (int i = 0; i < device.queueCount(); i++) {
            QueueCounters counters = device.queue(i).counters();
            long packets = counters.get(Counter.PACKETS);
            long bytes = counters.get(Counter.BYTES);
            long bad =
                    counters.get(Counter.OVERSIZE)
                            + counters.get(Counter.NO_ROOM)
                            + counters.get(Counter.BAD_OFFLOAD);
            sum = sum.plus(device.queue(i).isToGuest()
                    ? new PortCounters(0, 0, packets, bytes, 0, 0, bad)
                    : new PortCounters(packets, bytes, 0, 0, 0, 0, bad));
        }
        return sum;
    }

    /** Both together. */
    public PortCounters plus(PortCounters other) {
        return new PortCounters(
                rxPackets + other.rxPackets,
                rxBytes + other.rxBytes,
                txPackets + other.txPackets,
                txBytes + other.txBytes,
                dropPackets + other.dropPackets,
                dropBytes + other.dropBytes,
                badPackets + other.badPackets);
    }
}
