package io.vhost.app.vswitch;

import io.vhost.app.polling.ClosedTogether;
import io.vhost.app.polling.Idle;
import io.vhost.app.polling.PollingThread;
import io.vhost.app.polling.PortCounters;
import io.vhost.app.polling.PortPrograms;
import io.vhost.device.DeviceListener;
import io.vhost.device.PacketPorts;
import io.vhost.device.ProgramChain;
import io.vhost.device.QueueWaiter;
import io.vhost.device.VhostConfig;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaRegistry;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.TapDevice;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * A {@link LearningSwitch} between sockets and perhaps an interface of this machine, with the thread that
 * moves packets. The thread polls while there is work, and soon after it found none waits for kicks.
 *
 * <p>Threads: one opens and closes. Guests come and go meanwhile:
 * the queues to wait for are an array that is replaced.
 */
final class Switch implements AutoCloseable {
    /**
     * Bytes of a packet's buffer: the largest packet that a guest may leave uncut, with its Ethernet header.
     */
    private static final int BUFFER = PacketPool.DEFAULT_HEADROOM + 65536 + 64;
    /** How long the thread polls after the last packet, in ns, before it waits. */
    private static final long LINGER = 50_000;
    private static final int LOOK_AROUND_MILLIS = 10_000;
    private static final VirtQueue[] NONE = {};

    /** Opens a socket. */
    interface Opening {
        /** Begins to serve devices and to tell {@code listener} of them; what is returned ends that. */
        Runnable open(VhostConfig config, DeviceListener listener) throws IOException;
    }

    /** Whoever gives sockets their programs. */
    interface Programs {
        /** Attaches programs to places, before anybody can connect. */
        void attach(List<ProgramChain> places) throws IOException;
    }

    private final LearningSwitch ethernet;
    /** Null: the thread copies. */
    private final DmaRegistry dma;
    private final QueueWaiter waiter;
    private final TapDevice tap;
    private final List<SwitchSocket> sockets = new ArrayList<>();
    private final List<SwitchMember> members = new ArrayList<>();
    private final List<Runnable> opened = new ArrayList<>();
    private final boolean waits;
    private volatile VirtQueue[] queues = NONE;
    private volatile boolean closing;
    private final PollingThread thread;
    private long busyUntil;

    /**
     * A switch that runs, with nobody connected.
     *
     * @param config what each socket offers
     * @param names of the sockets
     * @param openings of the sockets
     * @param tap an interface that belongs to the switch, and is closed with it; or null
     * @param age how long an address is remembered
     * @param programs gives the sockets their programs
     * @param waits whether the thread waits for kicks when there is nothing to do; false: it polls always
     * @throws IOException if a socket cannot be had; nothing is left behind
     */
    Switch(VhostConfig config, List<String> names, List<Opening> openings, TapDevice tap, Duration age,
            boolean waits, Programs programs) throws IOException {
        this.tap = tap;
        this.dma = config.dma();
        this.waits = waits;
        ethernet = new LearningSwitch(BUFFER, age);
        waiter = tap == null ? new QueueWaiter() : new QueueWaiter(tap.descriptor().fd());
        for (String name : names) {
            sockets.add(new SwitchSocket(name, ethernet, config.dma(),
                    PortPrograms.of(name, sockets.size(), this::redirect), this::replan));
        }
        members.addAll(sockets);
        if (tap != null) {
            members.add(new TapMember(tap.name(), ethernet.attach(new TapLink(tap))));
        }
        thread = new PollingThread("switch", OptionalInt.empty(), new Idle(Integer.MAX_VALUE, 0, 0),
                this::round, () -> sockets.forEach(SwitchSocket::checkMemory)).start();
        boolean complete = false;
        try {
            programs.attach(sockets.stream().flatMap(socket -> socket.programs().chains().stream()).toList());
            for (int i = 0; i < openings.size(); i++) {
                opened.add(openings.get(i).open(config, sockets.get(i).listener()));
            }
            complete = true;
        } finally {
            if (!complete) {
                close();
            }
        }
    }

    private record TapMember(String name, SwitchPort port) implements SwitchMember {
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
        if (number > members.size()) {
            return PacketPorts.NO_PORT;
        }
        SwitchPort port = members.get(number - 1).port();
        return port == null ? 0 : port.sendNow(packets, offset, count);
    }

    /** Sockets and interface; their number and order stay. */
    List<SwitchMember> members() {
        return members;
    }

    /** Throws if the thread has failed. */
    void check() {
        thread.check();
    }

    private int round() {
        long now = System.nanoTime();
        int moved = ethernet.poll(now);
        if (moved > 0) {
            busyUntil = now + LINGER;
        } else if (waits && now - busyUntil > 0 && !closing && !isCopying()) {
            waiter.await(LOOK_AROUND_MILLIS, queues);
        }
        return moved;
    }

    /** Nobody kicks when copies are done, so the thread must not wait while some are under way. */
    private boolean isCopying() {
        for (SwitchSocket socket : sockets) {
            if (socket.inFlight() > 0) {
                return true;
            }
        }
        return false;
    }

    private synchronized void replan() {
        queues = sockets.stream().flatMap(socket -> socket.queues().stream()).toArray(VirtQueue[]::new);
        waiter.wakeUp();
    }

    /**
     * Ends the thread, then the connections; socket files are removed, and the interface is closed.
     *
     * @throws io.vhost.app.polling.LateCopyException if a copy of a guest's packet does not end; all else has
     *     ended then
     */
    @Override
    public void close() {
        closing = true;
        waiter.wakeUp();
        thread.close();
        ClosedTogether.run(opened);
        waiter.close();
        if (tap != null) {
            tap.close();
        }
        ethernet.close(dma, () -> sockets.forEach(SwitchSocket::putBack));
    }
}
