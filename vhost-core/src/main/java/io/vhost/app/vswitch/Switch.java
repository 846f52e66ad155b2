package io.vhost.app.vswitch;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.app.polling.ClosedTogether;
import io.vhost.app.polling.PortCounters;
import io.vhost.app.polling.PortPrograms;
import io.vhost.device.DeviceListener;
import io.vhost.device.PacketPorts;
import io.vhost.device.VhostConfig;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaRegistry;
import io.vhost.driver.DriverConfig;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.TapDevice;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * A {@link LearningSwitch} between sockets and perhaps an interface of this machine, with the threads that
 * move packets. A thread polls while there is work, and soon after it found none waits for kicks.
 *
 * <p>Threads: one opens and closes. Guests come and go meanwhile:
 * the queues to wait for are an array that is replaced.
 */
final class Switch implements AutoCloseable {
    /**
     * Bytes of a packet's buffer: the largest packet that a guest may leave uncut, with its Ethernet header.
     */
    static final int BUFFER = PacketPool.DEFAULT_HEADROOM + 65536 + 64;

    /** Opens a socket. */
    interface Opening {
        /** Begins to serve devices and to tell {@code listener} of them; what is returned ends that. */
        Runnable open(VhostConfig config, DeviceListener listener) throws IOException;
    }

    private final LearningSwitch ethernet;
    /** Null: the thread copies. */
    private final DmaRegistry dma;
    private final VhostConfig config;
    private final PortPrograms.Keeper programs;
    private final TapDevice tap;
    private final Object portsLock = new Object();
    /** Replaced under the lock: threads ask in each idle round. */
    private volatile SwitchSocket[] sockets = {};
    private volatile List<SwitchMember> members = List.of();
    /** Replaced under the lock, too. */
    private volatile Uplink[] uplinks = {};

    /** What ends the service of each socket. */
    @GuardedBy("portsLock")
    private final Map<SwitchSocket, Runnable> opened = new LinkedHashMap<>();

    /** Sockets that are no ports any more, with packets that a copy may still touch. */
    @GuardedBy("portsLock")
    private final List<SwitchSocket> late = new ArrayList<>();

    @GuardedBy("portsLock")
    private int ports;

    @GuardedBy("portsLock")
    private boolean closed;

    private final List<SwitchThread> threads = new ArrayList<>();

    /**
     * A switch that runs, with nobody connected.
     *
     * @param config what each socket offers
     * @param names of the sockets
     * @param openings of the sockets
     * @param tap an interface that belongs to the switch, and is closed with it; or null
     * @param age how long an address is remembered
     * @param waits whether the threads wait for kicks when there is nothing to do; false: they poll always
     * @throws IOException if a socket cannot be had; nothing is left behind
     */
    Switch(VhostConfig config, List<String> names, List<Opening> openings, TapDevice tap, Duration age,
            boolean waits) throws IOException {
        this(config, names, openings, tap, age, waits, List.of(), PortPrograms.Keeper.NONE);
    }

    /**
     * The same, with a choice of CPUs, and programs.
     *
     * @param cpus one polling thread for each; empty: one thread on any
     * @param programs gives the sockets their programs
     */
    Switch(VhostConfig config, List<String> names, List<Opening> openings, TapDevice tap, Duration age,
            boolean waits, List<Integer> cpus, PortPrograms.Keeper programs) throws IOException {
        this.config = config;
        this.programs = programs;
        this.tap = tap;
        this.dma = config.dma();
        ethernet = new LearningSwitch(BUFFER, age, Math.max(1, cpus.size()));
        SwitchPort local = tap == null ? null : attachTap(openings.size());
        boolean complete = false;
        try {
            startPolling(cpus, waits, local);
            for (int i = 0; i < openings.size(); i++) {
                SwitchMember _ = add(names.get(i), openings.get(i));
            }
            if (tap != null) {
                synchronized (portsLock) {
                    members = with(members, new TapMember(ports++, tap.name(), local));
                }
            }
            complete = true;
        } finally {
            if (!complete) {
                close();
            }
        }
    }

    private void startPolling(List<Integer> cpus, boolean waits, SwitchPort local) {
        List<SwitchWorker> workers = ethernet.workers();
        for (int i = 0; i < workers.size(); i++) {
            boolean hasTap = local != null && local.isPolledBy(i, 0);
            threads.add(new SwitchThread(workers.size() == 1 ? "switch" : "switch " + i,
                    cpus.isEmpty() ? OptionalInt.empty() : OptionalInt.of(cpus.get(i)), workers.get(i),
                    waits, hasTap ? new int[] {tap.descriptor().fd()} : new int[0],
                    this::isCopying, this::checkMemory));
        }
    }

    private void checkMemory() {
        for (SwitchSocket socket : sockets) {
            socket.checkMemory();
        }
    }

    private SwitchPort attachTap(int number) {
        PortPrograms places = PortPrograms.of(tap.name(), number, this::redirect);
        programs.added(places);
        return ethernet.attach(1, _ -> new ProgrammedLink(new TapLink(tap), places));
    }

    private record TapMember(int number, String name, SwitchPort port) implements SwitchMember {
        @Override
        public PortCounters counters() {
            return port.counters();
        }

        @Override
        public boolean copies() {
            return false;
        }

        @Override
        public long inFlight() {
            return 0;
        }

        @Override
        public boolean isConnected() {
            return true;
        }
    }

    /** Sends packets to a port that programs know by this number; see {@link PacketPorts}. */
    private int redirect(int number, Packet[] packets, int offset, int count) {
        for (SwitchMember member : members) {
            if (member.number() == number - 1) {
                SwitchPort port = member.port();
                return port == null ? 0 : port.sendNow(packets, offset, count);
            }
        }
        return PacketPorts.NO_PORT;
    }

    /** Sockets and interface of this moment. */
    List<SwitchMember> members() {
        return members;
    }

    /**
     * Adds a port.
     *
     * @param name of its socket, which no other has
     * @param opening opens the socket
     * @return the port
     * @throws IOException if there is a port of this name, or the socket cannot be had
     */
    SwitchMember add(String name, Opening opening) throws IOException {
        synchronized (portsLock) {
            requireNew(name);
            SwitchSocket socket = new SwitchSocket(ports, name, ethernet, dma,
                    PortPrograms.of(name, ports, this::redirect), this::replan);
            programs.added(socket.programs());
            // Before anybody can connect: whoever does is looked for among these.
            sockets = Stream.concat(Arrays.stream(sockets), Stream.of(socket)).toArray(SwitchSocket[]::new);
            boolean complete = false;
            try {
                opened.put(socket, opening.open(config, socket.listener()));
                complete = true;
            } finally {
                if (!complete) {
                    leave(socket);
                    programs.removed(socket.programs());
                }
            }
            ports++;
            members = with(members, socket);
            return socket;
        }
    }

    /**
     * Adds a port that is the driver of somebody's back-end, for as long as the switch runs.
     *
     * @param name of its socket, which no other has
     * @param asked what to ask the back-end for
     * @param opening opens the socket
     * @return the port
     * @throws IOException as for {@link #add}
     */
    SwitchMember addUplink(String name, DriverConfig asked, Uplink.Opening opening) throws IOException {
        synchronized (portsLock) {
            requireNew(name);
            PortPrograms places = PortPrograms.of(name, ports, this::redirect);
            programs.added(places);
            boolean complete = false;
            Uplink uplink;
            try {
                uplink = new Uplink(ports, name, ethernet, places, asked, opening, this::replan);
                complete = true;
            } finally {
                if (!complete) {
                    programs.removed(places);
                }
            }
            ports++;
            uplinks = Stream.concat(Arrays.stream(uplinks), Stream.of(uplink)).toArray(Uplink[]::new);
            members = with(members, uplink);
            replan();
            return uplink;
        }
    }

    @GuardedBy("portsLock")
    private void requireNew(String name) throws IOException {
        if (closed) {
            throw new IOException("the switch ends");
        }
        if (members.stream().anyMatch(member -> member.name().equals(name))) {
            throw new IOException("there is a port " + name + " already");
        }
    }

    /**
     * Takes a port away: its guests are disconnected, and its socket's file is removed. What is on its way to
     * them is counted as dropped.
     *
     * @param name of its socket
     * @throws IOException if there is no socket of this name
     */
    void remove(String name) throws IOException {
        synchronized (portsLock) {
            SwitchSocket socket = opened.keySet().stream().filter(each -> each.name().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new IOException("there is no port " + name + " with a socket"));
            try {
                opened.remove(socket).run();
            } finally {
                leave(socket);
                programs.removed(socket.programs());
                late.removeIf(each -> each.inFlight() == 0);
                if (socket.inFlight() > 0) {
                    late.add(socket);
                }
                members = members.stream().filter(member -> !member.equals(socket)).toList();
                replan();
            }
        }
    }

    @GuardedBy("portsLock")
    private void leave(SwitchSocket socket) {
        sockets = Arrays.stream(sockets).filter(other -> !other.equals(socket)).toArray(SwitchSocket[]::new);
    }

    private static List<SwitchMember> with(List<SwitchMember> members, SwitchMember member) {
        return Stream.concat(members.stream(), Stream.of(member)).toList();
    }

    /** Throws if a polling thread has failed. */
    void check() {
        threads.forEach(SwitchThread::check);
    }

    /** Nobody kicks when copies are done, so no thread must wait while some are under way. */
    private boolean isCopying() {
        for (SwitchSocket socket : sockets) {
            if (socket.inFlight() > 0) {
                return true;
            }
        }
        return false;
    }

    private synchronized void replan() {
        for (int i = 0; i < threads.size(); i++) {
            int thread = i;
            threads.get(i).plan(
                    Arrays.stream(sockets).flatMap(socket -> socket.queues(thread).stream())
                            .toArray(VirtQueue[]::new),
                    Arrays.stream(uplinks).filter(uplink -> uplink.isPolledBy(thread)).toList());
        }
    }

    /**
     * Ends the threads, then the connections; socket files are removed, and the interface is closed.
     *
     * @throws io.vhost.app.polling.LateCopyException if a copy of a guest's packet does not end; all else has
     *     ended then
     */
    @Override
    public void close() {
        threads.forEach(SwitchThread::end);
        threads.forEach(SwitchThread::join);
        List<SwitchSocket> all;
        synchronized (portsLock) {
            closed = true;
            ClosedTogether.run(Stream.concat(opened.values().stream(),
                    Arrays.stream(uplinks).<Runnable>map(uplink -> uplink::close)).toList());
            all = Stream.concat(Arrays.stream(sockets), late.stream()).toList();
        }
        threads.forEach(SwitchThread::close);
        if (tap != null) {
            tap.close();
        }
        ethernet.close(dma, () -> all.forEach(SwitchSocket::putBack));
    }
}
