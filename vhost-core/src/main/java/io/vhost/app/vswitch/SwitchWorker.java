package io.vhost.app.vswitch;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * What one thread of a {@link LearningSwitch} works with: its packets, and its part of each port. It shares
 * nothing that it stores to with other threads, but the queues that both send to. Thread: one polls.
 */
final class SwitchWorker {
    /** Most packets taken from a port in one go. */
    static final int BURST = 32;

    /** Enough for those that DMA channels are copying. */
    private static final int PACKETS = 1024;
    private static final int HEADER = 14;
    private static final long GROUP = 1L << 40;
    /** 01-80-C2-00-00-0x is between neighbours and goes through no bridge. */
    private static final long LINK_LOCAL = 0x0180C2000000L;

    private final int number;
    private final PacketPool pool;
    private final MacTable<SwitchPort> table;
    private final Supplier<SwitchPort[]> ports;
    private final Packet[] burst = new Packet[BURST];
    /** The ports that packets leave by at the end of this burst: those from {@code flushed} to the end. */
    private PortBatch[] leaving = new PortBatch[2 * BURST];
    private int flushed;
    private int end;

    /**
     * A worker without packets on their way.
     *
     * @param number of its thread, from 0
     * @param bufferSize bytes of each packet's buffer, headroom included
     * @param table where addresses are
     * @param ports those of this moment
     */
    SwitchWorker(int number, int bufferSize, MacTable<SwitchPort> table, Supplier<SwitchPort[]> ports) {
        this.number = number;
        this.table = table;
        this.ports = ports;
        pool = PacketPool.create(PACKETS, bufferSize);
    }

    /** The calling thread is the one that polls from now on. */
    void begin() {
        SwitchPort.thread(number);
    }

    /** The thread's packets. */
    PacketPool pool() {
        return pool;
    }

    /** Moves one burst of each port that the thread polls; packets received. */
    int poll(long now) {
        // An error may have ended a burst before all of it was sent.
        flush();
        int moved = 0;
        for (SwitchPort port : ports.get()) {
            PortBatch batch = port.batch(number);
            if (batch.receives) {
                moved += move(port, batch, now);
            } else {
                batch.link.settle();
            }
        }
        return moved;
    }

    private int move(SwitchPort from, PortBatch batch, long now) {
        int count = batch.link.receive(pool, burst, 0, BURST);
        if (count == 0) {
            return batch.link.hasMoved() ? 1 : 0;
        }
        batch.received(burst, count);
        // Not sooner than the packets: whoever sent them may have waited for a port to be there.
        SwitchPort[] present = ports.get();
        for (int i = 0; i < count; i++) {
            route(burst[i], from, present, now);
        }
        flush();
        return count;
    }

    private void route(Packet packet, SwitchPort from, SwitchPort[] present, long now) {
        if (packet.length() < HEADER) {
            packet.release();
            return;
        }
        long start = packet.networkLongAt(0);
        long destination = start >>> 16;
        long source = (start & 0xFFFF) << 32 | Integer.toUnsignedLong(packet.networkIntAt(8));
        if ((source & GROUP) == 0) {
            table.learn(source, from, from.number(), now);
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
            add(packet, to.batch(number));
        }
    }

    /** The first port gets the packet, each other one a copy, as long as there are packets. */
    private void flood(Packet packet, SwitchPort from, SwitchPort[] present) {
        boolean given = false;
        for (SwitchPort port : present) {
            if (port.equals(from)) {
                continue;
            }
            PortBatch to = port.batch(number);
            if (!given) {
                given = true;
                add(packet, to);
                continue;
            }
            // The packet waits for the burst's end as well, and is whole until then.
            Packet copy = pool.take();
            if (copy == null) {
                to.drop(packet);
            } else {
                copy.copyFrom(packet);
                add(copy, to);
            }
        }
        if (!given) {
            packet.release();
        }
    }

    private void add(Packet packet, PortBatch to) {
        if (to.add(packet)) {
            if (end == leaving.length) {
                leaving = Arrays.copyOf(leaving, 2 * end);
            }
            leaving[end++] = to;
        }
    }

    private void flush() {
        while (flushed < end) {
            leaving[flushed++].flush();
        }
        flushed = 0;
        end = 0;
    }
}
