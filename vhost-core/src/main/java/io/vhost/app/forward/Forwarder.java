package io.vhost.app.forward;

import io.vhost.app.polling.ClosedTogether;
import io.vhost.app.polling.Idle;
import io.vhost.app.polling.LastPackets;
import io.vhost.app.polling.PacketQueue;
import io.vhost.app.polling.PollingThread;
import io.vhost.app.polling.PortPrograms;
import io.vhost.device.DeviceListener;
import io.vhost.device.PacketPorts;
import io.vhost.device.VhostConfig;
import io.vhost.dma.DmaRegistry;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * Moves packets between ports as testpmd does: ports 0 and 1 are a pair, 2 and 3, and so on; a last
 * one without a partner gets its own packets back. Queue pair n of a port belongs to queue pair n
 * of its partner.
 *
 * <p>Threads: one opens and closes; each polling thread has its share of the queues. Front-ends
 * come and go meanwhile: the queues to poll are an array that is replaced, so that polling takes no
 * lock here.
 */
final class Forwarder implements AutoCloseable {
    /** Bytes of a packet's buffer: room for a jumbo frame. */
    static final int BUFFER = PacketPool.DEFAULT_HEADROOM + 9216;

    /** Packets of a polling thread, enough to keep a DMA channel busy. */
    private static final int COPYING = 1024;

    private static final ForwardStream[] NONE = {};

    /** Opens the socket of one port. */
    interface Opening {
        /** The server of a port, which tells {@code listener} of its devices. */
        VhostServer open(VhostConfig config, DeviceListener listener) throws IOException;
    }

    /** One polling thread's queues and packets. */
    private static final class Share {
        private final PacketPool pool;
        private final Packet[] packets = new Packet[ForwardStream.BURST];
        private volatile ForwardStream[] streams = NONE;

        private Share(int packets) {
            pool = PacketPool.create(packets, BUFFER);
        }

        private int poll() {
            int moved = 0;
            for (ForwardStream stream : streams) {
                moved += stream.run(pool, packets);
            }
            return moved;
        }
    }

    private final boolean swapsAddresses;
    /** Null: the polling threads copy. */
    private final DmaRegistry dma;
    private final List<ForwardPort> ports = new ArrayList<>();
    private final List<VhostServer> servers = new ArrayList<>();
    private final List<Share> shares = new ArrayList<>();
    private final List<PollingThread> threads = new ArrayList<>();
    private final Object planLock = new Object();

    /**
     * A forwarder that runs, with nobody connected.
     *
     * @param config what each port offers; with a DMA registry, its channels copy
     * @param names of the ports' sockets
     * @param openings of the ports, in the order of their numbers
     * @param swapsAddresses whether packets go back to their senders, that is source and
     *     destination are swapped
     * @param cpus one polling thread for each; empty: one thread on any
     * @param programs gives the ports their programs
     * @throws IOException if a socket cannot be had; nothing is left behind
     */
    Forwarder(
            VhostConfig config,
            List<String> names,
            List<Opening> openings,
            boolean swapsAddresses,
            List<Integer> cpus,
            PortPrograms.Keeper programs)
            throws IOException {
        this.swapsAddresses = swapsAddresses;
        this.dma = config.dma();
        boolean complete = false;
        try {
            startPolling(cpus, config.dma() == null ? 2 * ForwardStream.BURST : COPYING);
            for (int i = 0; i < names.size(); i++) {
                ports.add(new ForwardPort(i, names.get(i), config.dma(), this::redirect, this::plan));
            }
            ports.forEach(port -> programs.added(port.programs()));
            for (int i = 0; i < names.size(); i++) {
                servers.add(openings.get(i).open(config, ports.get(i).listener()));
            }
            complete = true;
        } finally {
            if (!complete) {
                close();
            }
        }
    }

    private void startPolling(List<Integer> cpus, int packets) {
        for (int i = 0; i < Math.max(1, cpus.size()); i++) {
            Share share = new Share(packets);
            shares.add(share);
            threads.add(
                    new PollingThread(
                            "forward " + i,
                            cpus.isEmpty() ? OptionalInt.empty() : OptionalInt.of(cpus.get(i)),
                            Idle.alone(),
                            share::poll,
                            () -> ports.forEach(ForwardPort::checkMemory)));
        }
        threads.forEach(PollingThread::start);
    }

    /** Sends packets to a port that programs know by this number; see {@link PacketPorts}. */
    private int redirect(int number, Packet[] packets, int offset, int count) {
        return number > ports.size() ? PacketPorts.NO_PORT
                : ports.get(number - 1).sendRedirected(packets, offset, count);
    }

    /** The ports; their number and order stay. */
    List<ForwardPort> ports() {
        return ports;
    }

    /** The polling threads. */
    List<PollingThread> threads() {
        return threads;
    }

    /** Whether everyone has gone and nobody can come. */
    boolean isOver() {
        return servers.stream().allMatch(server -> !server.isListening() && server.connectionCount() == 0);
    }

    /** Throws if a polling thread has failed. */
    void check() {
        threads.forEach(PollingThread::check);
    }

    /** Deals the queues of all devices out to the polling threads; called by the connections' threads. */
    private void plan() {
        synchronized (planLock) {
            List<List<ForwardStream>> hands = new ArrayList<>();
            shares.forEach(_ -> hands.add(new ArrayList<>()));
            int dealt = 0;
            for (ForwardPort port : ports) {
                for (ForwardStream stream : streams(port, partner(port))) {
                    hands.get(dealt++ % hands.size()).add(stream);
                }
            }
            for (int i = 0; i < hands.size(); i++) {
                shares.get(i).streams = hands.get(i).toArray(ForwardStream[]::new);
            }
        }
    }

    private ForwardPort partner(ForwardPort port) {
        int partner = port.number() ^ 1;
        return partner < ports.size() ? ports.get(partner) : port;
    }

    private List<ForwardStream> streams(ForwardPort from, ForwardPort to) {
        List<PacketQueue> source = from.queues();
        List<PacketQueue> target = to.queues();
        List<ForwardStream> streams = new ArrayList<>();
        for (int i = 0; i < source.size(); i += 2) {
            streams.add(new ForwardStream(source.get(i + 1), source.get(i),
                    i < target.size() ? target.get(i) : null, to, i, swapsAddresses));
        }
        return streams;
    }

    /**
     * Ends the polling, then the connections; socket files are removed. A second time has no effect.
     *
     * @throws io.vhost.app.polling.LateCopyException if a copy of a guest's packet does not end; all else has
     *     ended then
     */
    @Override
    public void close() {
        threads.forEach(PollingThread::close);
        ClosedTogether.run(servers.stream().<Runnable>map(server -> server::close).toList());
        LastPackets.close(shares.stream().map(share -> share.pool).toList(), dma,
                () -> ports.forEach(ForwardPort::putBack));
    }
}
