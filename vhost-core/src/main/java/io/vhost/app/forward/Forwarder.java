package io.vhost.app.forward;

import com.google.errorprone.annotations.concurrent.GuardedBy;
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
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * Moves packets between ports as testpmd does: ports 0 and 1 are a pair, 2 and 3, and so on; a last
 * one without a partner gets its own packets back. Queue pair n of a port belongs to queue pair n
 * of its partner. Ports come and go.
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
    private final VhostConfig config;
    private final PortPrograms.Keeper programs;
    private final List<Share> shares = new ArrayList<>();
    private final List<PollingThread> threads = new ArrayList<>();
    private final Object planLock = new Object();
    private final Object portsLock = new Object();
    /** In the order of their numbers; replaced under the lock. */
    private volatile List<ForwardPort> ports = List.of();

    @GuardedBy("portsLock")
    private final Map<ForwardPort, VhostServer> servers = new LinkedHashMap<>();

    /** Ports that were taken away, with packets that a copy may still touch. */
    @GuardedBy("portsLock")
    private final List<ForwardPort> late = new ArrayList<>();

    @GuardedBy("portsLock")
    private boolean closed;

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
        this.config = config;
        this.programs = programs;
        this.dma = config.dma();
        boolean complete = false;
        try {
            startPolling(cpus, config.dma() == null ? 2 * ForwardStream.BURST : COPYING);
            synchronized (portsLock) {
                // All of them first: nobody shall get packets back because a partner is not there yet.
                for (String name : names) {
                    ForwardPort _ = register(name);
                }
                for (int i = 0; i < names.size(); i++) {
                    open(ports.get(i), openings.get(i));
                }
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
        ForwardPort port = port(number - 1);
        return port == null ? PacketPorts.NO_PORT : port.sendRedirected(packets, offset, count);
    }

    /** The ports of this moment, in the order of their numbers. */
    List<ForwardPort> ports() {
        return ports;
    }

    private ForwardPort port(int number) {
        List<ForwardPort> present = ports;
        // Without an iterator: redirected packets come this way.
        for (int i = 0; i < present.size(); i++) {
            if (present.get(i).number() == number) {
                return present.get(i);
            }
        }
        return null;
    }

    /**
     * Adds a port, which gets the lowest number that is free: one that was taken away can be replaced, and
     * its partner has a partner again.
     *
     * @param name of its socket, which no other has
     * @param opening opens the socket
     * @return the port
     * @throws IOException if there is a port of this name, or the socket cannot be had
     */
    ForwardPort add(String name, Opening opening) throws IOException {
        synchronized (portsLock) {
            ForwardPort port = register(name);
            open(port, opening);
            // A partner does not echo any more.
            plan();
            return port;
        }
    }

    @GuardedBy("portsLock")
    private ForwardPort register(String name) throws IOException {
        if (closed) {
            throw new IOException("the forwarder ends");
        }
        if (ports.stream().anyMatch(port -> port.name().equals(name))) {
            throw new IOException("there is a port " + name + " already");
        }
        int number = 0;
        while (port(number) != null) {
            number++;
        }
        ForwardPort port = new ForwardPort(number, name, dma, this::redirect, this::plan);
        programs.added(port.programs());
        ports = Stream.concat(ports.stream(), Stream.of(port))
                .sorted(Comparator.comparingInt(ForwardPort::number)).toList();
        return port;
    }

    @GuardedBy("portsLock")
    private void open(ForwardPort port, Opening opening) throws IOException {
        boolean complete = false;
        try {
            servers.put(port, opening.open(config, port.listener()));
            complete = true;
        } finally {
            if (!complete) {
                forget(port);
            }
        }
    }

    @GuardedBy("portsLock")
    private void forget(ForwardPort port) {
        ports = ports.stream().filter(each -> !each.equals(port)).toList();
        programs.removed(port.programs());
    }

    /**
     * Takes a port away: its front-ends are disconnected, and its socket's file is removed. Its partner gets
     * its own packets back.
     *
     * @param name of its socket
     * @throws IOException if there is no port of this name
     */
    void remove(String name) throws IOException {
        synchronized (portsLock) {
            ForwardPort port = ports.stream().filter(each -> each.name().equals(name)).findFirst()
                    .orElseThrow(() -> new IOException("there is no port " + name));
            try {
                servers.remove(port).close();
            } finally {
                forget(port);
                late.removeIf(each -> each.inFlight() == 0);
                if (port.inFlight() > 0) {
                    late.add(port);
                }
                plan();
            }
        }
    }

    /** The polling threads. */
    List<PollingThread> threads() {
        return threads;
    }

    /** Whether everyone has gone and nobody can come, though there are ports. */
    boolean isOver() {
        synchronized (portsLock) {
            return !servers.isEmpty() && servers.values().stream()
                    .allMatch(server -> !server.isListening() && server.connectionCount() == 0);
        }
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
        ForwardPort partner = port(port.number() ^ 1);
        return partner == null ? port : partner;
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
        List<ForwardPort> all;
        synchronized (portsLock) {
            closed = true;
            ClosedTogether.run(servers.values().stream().<Runnable>map(server -> server::close).toList());
            all = Stream.concat(ports.stream(), late.stream()).toList();
        }
        LastPackets.close(shares.stream().map(share -> share.pool).toList(), dma,
                () -> all.forEach(ForwardPort::putBack));
    }
}
