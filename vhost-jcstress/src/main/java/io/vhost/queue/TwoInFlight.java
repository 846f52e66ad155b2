package io.vhost.queue;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.vhost.Pause;
import io.vhost.Slab;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.HeldEngine;
import io.vhost.dma.channel.ChannelAccess;
import io.vhost.dma.channel.CopyChannel;
import io.vhost.memory.GuestMemory;
import io.vhost.memory.NativeCopy;
import io.vhost.ring.ChainBatch;
import io.vhost.ring.DeviceRing;
import io.vhost.ring.DriverRing;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingFormat;
import io.vhost.ring.RingOptions;
import io.vhost.state.MemoryRegion;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Two packets in flight, of one copy each, without a queue around them. */
final class TwoInFlight {
    private static final int SIZE = 2;
    private static final long BUFFER = 128;
    private static final long SOURCE = 192;
    private static final Slab SLAB = new Slab(256);
    private static final MemorySegment MEMORY = SLAB.memory();
    private static final GuestMemory GUEST_MEMORY =
            GuestMemory.of(MEMORY, new MemoryRegion(0, 0, MEMORY.byteSize(), 0));
    private static final RingOptions OPTIONS = new RingOptions(true, false, false, false);
    private static final CopyChannel CHANNEL =
            ChannelAccess.channel(new DmaRegistry().configure("stress", new HeldEngine()));
    // Too large for one in each state; empty between uses.
    private static final ThreadLocal<ChainBatch> BATCH = ThreadLocal.withInitial(() -> new ChainBatch(SIZE));

    private final long base = SLAB.next();
    private final DriverRing guest;
    final DeviceRing ring;
    /** By packet: what it is in flight in. */
    private final List<CopySlots<Object>> copies;

    private final int[] slot = new int[SIZE];

    TwoInFlight() {
        CopySlots<Object> together = new CopySlots<>(SIZE);
        this(together, together);
    }

    /** The same, in slots of its own each. */
    static TwoInFlight apart() {
        return new TwoInFlight(new CopySlots<>(SIZE), new CopySlots<>(SIZE));
    }

    private TwoInFlight(CopySlots<Object> first, CopySlots<Object> second) {
        copies = List.of(first, second);
        RingAddresses addresses = new RingAddresses(base, base + 32, base + 48);
        guest = RingFormat.SPLIT.driver(MEMORY, addresses, SIZE, OPTIONS);
        ring = RingFormat.SPLIT.device(GUEST_MEMORY, addresses, SIZE, OPTIONS, 0);
        MEMORY.set(JAVA_INT, base + SOURCE, 42);
        ChainBatch batch = BATCH.get();
        for (int i = 0; i < SIZE; i++) {
            guest.offer(i, base + BUFFER + 4L * i, 4, true);
        }
        guest.publish();
        ring.gather(batch, SIZE);
        for (int i = 0; i < SIZE; i++) {
            slot[i] = copies.get(i).open(null, 1, CHANNEL, 0);
            batch.written(i, 4);
            copies.get(i).take(slot[i], batch, i, i + 1);
        }
        ring.keep(batch, SIZE);
    }

    /** Makes a copy and says so, as a channel does under its own lock. */
    void finish(int packet) {
        NativeCopy.copy(MEMORY, base + SOURCE, MEMORY, base + BUFFER + 4L * packet, 4);
        copies.get(packet).copyDone(slot[packet], false);
    }

    /** The wrong way round. */
    void finishBeforeCopy(int packet) {
        copies.get(packet).copyDone(slot[packet], false);
        Pause.linger();
        NativeCopy.copy(MEMORY, base + SOURCE, MEMORY, base + BUFFER + 4L * packet, 4);
    }

    /** What the guest finds in a buffer. */
    int bytes(int packet) {
        return MEMORY.get(JAVA_INT, base + BUFFER + 4L * packet);
    }

    /**
     * Looks again and again for a packet that is done, as copies take longer than looking; how many are
     * emptied.
     */
    int awaitAndEmpty() {
        int emptied = 0;
        for (int i = 0; i < 20 && emptied == 0; i++) {
            emptied = closeAndEmpty();
        }
        return emptied;
    }

    /** Gives chains back that are done, and packets; how many packets. */
    int closeAndEmpty() {
        int emptied = 0;
        for (CopySlots<Object> each : copies) {
            each.close(ring);
            while (each.hasClosed()) {
                each.empty();
                emptied++;
            }
        }
        return emptied;
    }

    /** The next chain that the guest gets back, or -1. */
    int guestPoll() {
        return guest.poll();
    }
}
