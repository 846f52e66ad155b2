package io.vhost.app.vswitch;

import io.vhost.app.polling.LastPackets;
import io.vhost.dma.DmaRegistry;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * An Ethernet switch that learns where addresses are (IEEE 802.1D, section 7): a frame for a known
 * address leaves by one port, all others leave by every port but that they came from.
 *
 * <p>Threads: one calls {@link #poll}; ports are attached and detached by any thread. A port that was there
 * before a packet was sent gets it; a link that was detached may still be asked for packets by a poll under
 * way.
 */
public final class LearningSwitch implements AutoCloseable {
    /** Most packets taken from a port in one go. */
    public static final int BURST = 32;
    /** How long an address is remembered, as the standard recommends. */
    public static final Duration AGE = Duration.ofMinutes(5);

    /** Enough for those that DMA channels are copying. */
    private static final int PACKETS = 1024;
    private static final int ADDRESSES = 4096;
    private static final int HEADER = 14;
    private static final long GROUP = 1L << 40;
    /** 01-80-C2-00-00-0x is between neighbours and goes through no bridge. */
    private static final long LINK_LOCAL = 0x0180C2000000L;
    private static final SwitchPort[] NONE = {};

    private final PacketPool pool;
    private final MacTable<SwitchPort> table;
    private final Packet[] burst = new Packet[BURST];
    private volatile SwitchPort[] ports = NONE;
    /** The ports that {@link #table} may know. */
    private SwitchPort[] known = NONE;

    /**
     * A switch without ports.
     *
     * @param bufferSize bytes of each packet's buffer, headroom included
     * @param age how long an address is remembered
     */
    public LearningSwitch(int bufferSize, Duration age) {
        pool = PacketPool.create(PACKETS, bufferSize);
        table = new MacTable<>(ADDRESSES, age.toNanos());
    }

    /** Adds a port. */
    public synchronized SwitchPort attach(Link link) {
        SwitchPort port = new SwitchPort(link, BURST);
        ports = Stream.concat(Arrays.stream(ports), Stream.of(port)).toArray(SwitchPort[]::new);
        return port;
    }

    /** Takes a port away; the addresses behind it are forgotten. */
    public synchronized void detach(SwitchPort port) {
        ports = Arrays.stream(ports).filter(other -> !other.equals(port)).toArray(SwitchPort[]::new);
    }

    /**
     * Moves one burst of each port.
     *
     * @param now a clock in ns, such as {@link System#nanoTime}
     * @return packets received
     */
    public int poll(long now) {
        int moved = 0;
        for (SwitchPort port : present()) {
            moved += move(port, now);
        }
        return moved;
    }

    /** The ports of this moment; the table knows no others. */
    private SwitchPort[] present() {
        SwitchPort[] present = ports;
        if (!Arrays.equals(present, known)) {
            known = present;
            table.keepOnly(present);
        }
        return present;
    }

    private int move(SwitchPort from, long now) {
        int count = from.link.receive(pool, burst, 0, BURST);
        if (count == 0) {
            return from.link.hasMoved() ? 1 : 0;
        }
        from.received(burst, count);
        // Not sooner than the packets: whoever sent them may have waited for a port to be there.
        SwitchPort[] present = present();
        boolean stays = isAmong(present, from);
        for (int i = 0; i < count; i++) {
            route(burst[i], from, stays, present, now);
        }
        for (SwitchPort port : present) {
            port.flush();
        }
        return count;
    }

    private static boolean isAmong(SwitchPort[] ports, SwitchPort wanted) {
        for (SwitchPort port : ports) {
            if (port.equals(wanted)) {
                return true;
            }
        }
        return false;
    }

    private void route(Packet packet, SwitchPort from, boolean stays, SwitchPort[] present, long now) {
        if (packet.length() < HEADER) {
            packet.release();
            return;
        }
        long start = packet.networkLongAt(0);
        long destination = start >>> 16;
        long source = (start & 0xFFFF) << 32 | Integer.toUnsignedLong(packet.networkIntAt(8));
        if (stays && (source & GROUP) == 0) {
            table.learn(source, from, now);
        }
        // A frame to its own sender stays there even if nothing was learned because its port goes just now.
        if ((destination & ~0xF) == LINK_LOCAL || destination == source) {
            packet.release();
            return;
        }
        SwitchPort to = (destination & GROUP) == 0 ? table.port(destination, now) : null;
        if (to == null) {
            flood(packet, from, present);
        } else if (to.equals(from)) {
            packet.release();
        } else {
            to.add(packet);
        }
    }

    /** The first port gets the packet, each other one a copy, as long as there are packets. */
    private void flood(Packet packet, SwitchPort from, SwitchPort[] present) {
        SwitchPort first = null;
        for (SwitchPort port : present) {
            if (port.equals(from)) {
                continue;
            }
            if (first == null) {
                first = port;
                continue;
            }
            Packet copy = pool.take();
            if (copy == null) {
                port.drop(packet);
            } else {
                copy.copyFrom(packet);
                port.add(copy);
            }
        }
        if (first == null) {
            packet.release();
        } else {
            first.add(packet);
        }
    }

    /** Frees the packets; after the last poll. */
    @Override
    public void close() {
        pool.close();
    }

    /**
     * The same where DMA channels have copied packets.
     *
     * @param dma whose channels; null: there are none
     * @param putBack puts packets back whose copies have ended
     * @throws io.vhost.app.polling.LateCopyException if one does not end
     */
    void close(DmaRegistry dma, Runnable putBack) {
        LastPackets.close(List.of(pool), dma, putBack);
    }
}
