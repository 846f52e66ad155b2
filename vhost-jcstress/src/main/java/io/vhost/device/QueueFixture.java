package io.vhost.device;

import io.vhost.Slab;
import io.vhost.device.link.DeviceLink;
import io.vhost.device.link.QueueOptions;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.HeldEngine;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.queue.QueueAccess;
import io.vhost.queue.RingChange;
import io.vhost.queue.RingSetup;
import io.vhost.state.FrontEnd;
import io.vhost.state.QueueCounters;
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
    static final int SIZE = GuestWindow.SIZE;

    private static final int SENT = 16;
    static final System.Logger LOG = System.getLogger("io.vhost.device");
    private static final long PACKETS = 2 * GuestWindow.BYTES;
    private static final int PACKET = 64;
    private static final Slab SLAB = new Slab(PACKETS + PacketPool.slabSize(SIZE, PACKET));
    // Tests are refused a million times.
    private static final Logger SILENT = Logger.getLogger("io.vhost.device");
    private static final DmaRegistry REGISTRY = new DmaRegistry();
    private static final QueueOptions QUEUES = new QueueOptions(1, false, REGISTRY, BareQueue.LIMITS);

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
    final GuestWindow[] window = {window(0), window(1)};
    final ReportLog reports = new ReportLog();
    private final DeviceLink link = new DeviceLink(new FrontEnd(0, "stress", "stress", 0, -1, -1), QUEUES);
    private final VhostDevice device = new VhostDevice(link, new BareQueue.Owner(reports));
    final VirtQueue queue = device.queue(0);
    final DmaChannel channel = REGISTRY.configure("stress", new HeldEngine());
    final Packet[] packets = new Packet[SIZE];
    private Lent lent = Lent.STOPPED;
    private final PacketPool pool = PacketPool.over(
            SLAB.memory().asSlice(base + PACKETS, PacketPool.slabSize(SIZE, PACKET)), SIZE, PACKET, 0);

    private QueueFixture() {
        link.features(GuestWindow.FEATURES);
        pool.take(packets, 0, SIZE);
        for (int i = 0; i < SIZE; i++) {
            packets[i].append(SENT);
            packets[i].putNetworkInt(0, GuestWindow.number(i));
        }
    }

    private GuestWindow window(int number) {
        return new GuestWindow(
                SLAB.memory().asSlice(base + number * GuestWindow.BYTES, GuestWindow.BYTES));
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
        fixture.window[0].newRing();
        fixture.start(0);
        fixture.window[0].offer();
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
        for (GuestWindow each : fixture.window) {
            each.clear();
            each.newRing();
            each.offer();
        }
        fixture.start(0);
        return fixture;
    }

    /** Goes on in a window, at the beginning of its ring. */
    void start(int number) {
        restart(number, GuestWindow::begin);
    }

    void restart(int number, RingChange change) {
        try {
            QueueAccess.control(queue).restart(
                    change, window[number].memory, GuestWindow.FORMAT, GuestWindow.OPTIONS);
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

    /** Packets in flight, or -1 when the queue is not registered. */
    int inFlight() {
        return queue.isAsyncRegistered() ? queue.getInflight() : -1;
    }

    long counted(QueueCounters.Counter counter) {
        return queue.counters().get(counter);
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
                restart(0, RingSetup::stop);
                STOPPED.add(this);
            }
            case RUNNING -> {
                queue.unregisterAsync();
                window[0].recycle();
                RUNNING.add(this);
            }
            case REGISTERED -> {
                if (!queue.isAsyncRegistered()) {
                    queue.registerAsync();
                }
                window[0].recycle();
                REGISTERED.add(this);
            }
        }
    }
}
