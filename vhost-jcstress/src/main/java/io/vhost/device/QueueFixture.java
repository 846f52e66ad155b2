package io.vhost.device;

import io.vhost.queue.ControlException;
import io.vhost.queue.QueueCounters;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import io.vhost.Slab;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.HeldEngine;
import io.vhost.memory.GuestMemory;
import io.vhost.memory.MemoryRegion;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.SplitDriverRing;
import java.lang.foreign.MemorySegment;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * A queue to the guest with two entries, its ring in memory of this process. There are two windows with the
 * same guest addresses, to swap between.
 *
 * <p>Dear to make, so states borrow one: each ends with its arbiter, which gives it back for the next one.
 */
final class QueueFixture {
    static final int SIZE = 2;
    static final int SENT = 16;
    static final int HEADER = 12;
    static final QueueFormat FORMAT = QueueFormat.of(Feature.VIRTIO_F_VERSION_1.mask(), true);

    private static final System.Logger LOG = System.getLogger("io.vhost.device");
    private static final long GUEST = 0x4000_0000L;
    private static final long BUFFER = 128;
    private static final long BUFFER_SIZE = 64;
    private static final long WINDOW = 256;
    private static final long PACKETS = 2 * WINDOW;
    private static final int PACKET = 64;
    private static final RingAddresses RING = new RingAddresses(0, 32, 48);
    private static final Slab SLAB = new Slab(PACKETS + PacketPool.slabSize(SIZE, PACKET));
    // Tests are refused a million times.
    private static final Logger SILENT = Logger.getLogger("io.vhost.device");
    private static final DmaRegistry REGISTRY = new DmaRegistry();
    private static final VhostConfig CONFIG = VhostConfig.builder().asyncCopy(REGISTRY).build();

    /** The state in which a fixture goes from one user to the next. */
    private enum Lent { STOPPED, RUNNING, REGISTERED }

    // Fixtures that wait for their next user, by the state in which they do.
    private static final Queue<QueueFixture> STOPPED = new ConcurrentLinkedQueue<>();
    private static final Queue<QueueFixture> RUNNING = new ConcurrentLinkedQueue<>();
    private static final Queue<QueueFixture> REGISTERED = new ConcurrentLinkedQueue<>();

    static {
        SILENT.setLevel(Level.OFF);
    }

    private final long base = SLAB.next();
    final MemorySegment[] window = {
        SLAB.memory().asSlice(base, WINDOW), SLAB.memory().asSlice(base + WINDOW, WINDOW)
    };
    final GuestMemory[] memory = {memory(window[0]), memory(window[1])};
    final SplitDriverRing[] guest = new SplitDriverRing[2];
    final ReportLog reports = new ReportLog();
    final VirtQueue queue = new VhostDevice("stress", CONFIG, reports, LOG).queue(0);
    final DmaChannel channel = REGISTRY.configure("stress", new HeldEngine());
    final Packet[] packets = new Packet[SIZE];
    private Lent lent = Lent.STOPPED;
    private final PacketPool pool = PacketPool.over(
            SLAB.memory().asSlice(base + PACKETS, PacketPool.slabSize(SIZE, PACKET)), SIZE, PACKET, 0);

    private QueueFixture() {
        pool.take(packets, 0, SIZE);
        for (int i = 0; i < SIZE; i++) {
            packets[i].append(SENT);
            packets[i].putNetworkInt(0, number(i));
        }
    }

    private static GuestMemory memory(MemorySegment window) {
        return GuestMemory.of(window, new MemoryRegion(GUEST, 0, WINDOW, 0));
    }

    /** What a packet carries. */
    static int number(int packet) {
        return 0x0101_0101 * (packet + 1);
    }

    /** A queue whose ring is not started. */
    static QueueFixture stopped() {
        QueueFixture used = STOPPED.poll();
        return used != null ? used : new QueueFixture();
    }

    /** A queue that runs in the first window, with two buffers on offer. */
    static QueueFixture running() {
        QueueFixture used = RUNNING.poll();
        if (used != null) {
            return used;
        }
        QueueFixture fixture = stopped();
        fixture.newRing(0);
        fixture.start(0);
        fixture.offer(0);
        fixture.lent = Lent.RUNNING;
        return fixture;
    }

    /** The same, registered. */
    static QueueFixture registered() {
        QueueFixture used = REGISTERED.poll();
        if (used != null) {
            return used;
        }
        QueueFixture fixture = running();
        fixture.queue.registerAsync();
        fixture.lent = Lent.REGISTERED;
        return fixture;
    }

    /** The same, with that many packets in flight. */
    static QueueFixture submitted(int packets) {
        QueueFixture fixture = registered();
        fixture.submit(0, packets);
        return fixture;
    }

    /**
     * A queue that runs in the first window and can go on in the second, with two buffers on offer in each.
     */
    static QueueFixture swapping() {
        QueueFixture fixture = stopped();
        for (int i = 0; i < 2; i++) {
            fixture.window[i].fill((byte) 0);
            fixture.newRing(i);
            fixture.offer(i);
        }
        fixture.start(0);
        return fixture;
    }

    /** An empty ring of the guest's in a window. */
    void newRing(int number) {
        guest[number] = new SplitDriverRing(window[number], RING, SIZE, FORMAT.ring());
    }

    /** Offers all buffers that the guest has. */
    void offer(int number) {
        int token = 0;
        while (guest[number].offer(token, GUEST + BUFFER + BUFFER_SIZE * token, (int) BUFFER_SIZE, true)) {
            token++;
        }
        guest[number].publish();
    }

    /** Goes on in a window, at the beginning of its ring. */
    void start(int number) {
        restart(number, setup -> {
            setup.size = SIZE;
            setup.availUser = RING.avail();
            setup.usedUser = RING.used();
            setup.addressed = true;
            setup.started = true;
            setup.enabled = true;
            setup.base = 0;
        });
    }

    void restart(int number, QueueControl.Change change) {
        try {
            queue.control().restart(change, memory[number], FORMAT);
        } catch (ControlException e) {
            throw new AssertionError(e);
        }
    }

    int submit(int from, int count) {
        return queue.submitEnqueueBurst(packets, from, count, channel);
    }

    /** Bits of the packets that a poll gives back, at most {@code count}. */
    int poll(int count) {
        Packet[] out = new Packet[SIZE];
        return bits(out, queue.pollEnqueueCompleted(out, 0, count, channel));
    }

    /** Bits of the packets that clearing gives back, at most {@code count}. */
    int clear(int count) {
        Packet[] out = new Packet[SIZE];
        return bits(out, queue.clearQueue(out, 0, count, channel));
    }

    int bits(Packet[] out, int count) {
        int bits = 0;
        for (int i = 0; i < count; i++) {
            bits += out[i].equals(packets[0]) ? 1 : 2;
        }
        return bits;
    }

    /** Clears the guest's buffers. */
    void forget() {
        window[0].asSlice(BUFFER).fill((byte) 0);
    }

    /** Bits of the packets that are in a window's buffers. */
    int arrivals(int number) {
        int bits = 0;
        for (int i = 0; i < SIZE; i++) {
            int found = window[number].get(JAVA_INT_UNALIGNED, BUFFER + BUFFER_SIZE * i + HEADER);
            bits += found == number(0) ? 1 : found == number(1) ? 2 : found == 0 ? 0 : 100;
        }
        return bits;
    }

    /** Chains that the guest of a window has got back. */
    int usedIn(int number) {
        return guest[number].pending();
    }

    /** Bytes of a window that a device writes, as one number. */
    int fingerprint(int number) {
        int result = 0;
        for (long i = RING.used(); i < WINDOW; i += 4) {
            result = 31 * result + window[number].get(JAVA_INT_UNALIGNED, i);
        }
        return result;
    }

    /** Packets in flight, or -1 when the queue is not registered. */
    int inFlight() {
        return queue.isAsyncRegistered() ? queue.getInflight() : -1;
    }

    long counted(QueueCounters.Counter counter) {
        return queue.counters().get(counter);
    }

    /** Takes what the guest has got back and offers it again, so that the next state finds two buffers. */
    private void recycle() {
        int token;
        do {
            token = guest[0].poll();
        } while (token >= 0);
        offer(0);
    }

    private void drain() {
        while (queue.isAsyncRegistered() && queue.getInflight() > 0) {
            clear(SIZE);
        }
    }

    /** For the next one who needs a fixture in the state in which this one was borrowed. */
    void giveBack() {
        drain();
        switch (lent) {
            case STOPPED -> {
                queue.unregisterAsync();
                restart(0, setup -> setup.started = false);
                STOPPED.add(this);
            }
            case RUNNING -> {
                queue.unregisterAsync();
                recycle();
                RUNNING.add(this);
            }
            case REGISTERED -> {
                if (!queue.isAsyncRegistered()) {
                    queue.registerAsync();
                }
                recycle();
                REGISTERED.add(this);
            }
        }
    }
}
