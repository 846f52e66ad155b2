package io.vhost.app.forward;

import io.vhost.app.polling.PacketQueue;
import io.vhost.app.polling.PolledDevice;
import io.vhost.app.polling.PolledDevices;
import io.vhost.app.polling.PortCounters;
import io.vhost.app.polling.PortPrograms;
import io.vhost.app.ports.PortState;
import io.vhost.device.DeviceListener;
import io.vhost.device.PacketPorts;
import io.vhost.device.VhostDevice;
import io.vhost.dma.DmaRegistry;
import io.vhost.net.Packet;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * One socket of {@code forward}, with the front-end that is connected to it. Where several are, the
 * first has the port until it goes: a front-end that reconnects may be here before its predecessor
 * has gone.
 *
 * <p>Threads: any.
 */
final class ForwardPort implements PortState {
    private final int number;
    private final String name;
    private final PortPrograms programs;
    private final PolledDevices devices;
    private final LongAdder dropPackets = new LongAdder();
    private final LongAdder dropBytes = new LongAdder();

    /**
     * A port without a front-end.
     *
     * @param number of the port, from 0
     * @param name of its socket
     * @param dma what copies packets; null: the polling threads do
     * @param ports where programs can redirect packets to
     * @param changed called after {@link #device} has changed
     */
    ForwardPort(int number, String name, DmaRegistry dma, PacketPorts ports, Runnable changed) {
        this.number = number;
        this.name = name;
        this.programs = PortPrograms.of(name, number, ports);
        this.devices = new PolledDevices(dma, programs, (_, _) -> changed.run());
    }

    /** Where programs decide on packets. */
    PortPrograms programs() {
        return programs;
    }

    /** Sends packets that a program has redirected here; how many are done with. */
    int sendRedirected(Packet[] packets, int offset, int count) {
        PacketQueue queue = queue(0);
        return queue == null ? 0 : queue.send(packets, offset, count);
    }

    @Override
    public int number() {
        return number;
    }

    @Override
    public String name() {
        return name;
    }

    /** For the server of the port's socket. */
    DeviceListener listener() {
        return devices;
    }

    /** The device whose queues run; null if there is none. */
    VhostDevice device() {
        List<PolledDevice> running = devices.running();
        return running.isEmpty() ? null : running.getFirst().device();
    }

    /** The queues of {@link #device}; none if there is none. */
    List<PacketQueue> queues() {
        List<PolledDevice> running = devices.running();
        return running.isEmpty() ? List.of() : running.getFirst().queues();
    }

    /** One of {@link #queues}; null if there is none. */
    PacketQueue queue(int index) {
        List<PacketQueue> queues = queues();
        return index < queues.size() ? queues.get(index) : null;
    }

    /** Has the devices look at their memory. */
    void checkMemory() {
        devices.checkMemory();
    }

    /** Whether DMA channels copy this port's packets. */
    boolean copies() {
        return devices.copies();
    }

    /** Packets that a DMA channel is copying, or has copied and not given back. */
    long inFlight() {
        return devices.inFlight();
    }

    /** Puts packets back whose late copies have ended. */
    void putBack() {
        devices.putBack();
    }

    @Override
    public boolean isConnected() {
        return device() != null;
    }

    @Override
    public PortCounters counters() {
        return devices.counters().plus(PortCounters.dropped(dropPackets.sum(), dropBytes.sum()));
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
}
