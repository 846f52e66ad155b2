package io.vhost.device;

import io.vhost.Pause;
import io.vhost.Slab;
import io.vhost.device.packet.ToGuest;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.HeldEngine;
import io.vhost.dma.channel.ChannelAccess;
import io.vhost.dma.channel.CopyChannel;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.queue.CopyLimits;
import io.vhost.queue.CopyStatus;
import io.vhost.queue.DeviceQueue;
import io.vhost.queue.QueueAccess;
import io.vhost.queue.QueueLife;
import io.vhost.queue.QueueOwner;
import io.vhost.queue.QueueTally;
import io.vhost.queue.QueueUser;
import io.vhost.ring.DeviceRing;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * A queue to the guest as twins have it: the library's life of a queue and its way of the packets, with the
 * calls that {@link VirtQueue} makes under the lock for anybody to make. A twin breaks what it has, so each
 * has a new one.
 */
@SuppressWarnings("GuardedBy") // That the lock is left out is the point.
final class BareQueue extends DeviceQueue {
    static final int SIZE = GuestWindow.SIZE;

    private static final int PACKET = 64;
    private static final long PACKETS = 2 * GuestWindow.BYTES;
    static final CopyLimits LIMITS =
            new CopyLimits(0, Duration.ofMillis(100), Duration.ofSeconds(1));
    private static final Slab SLAB = new Slab(PACKETS + PacketPool.slabSize(SIZE, PACKET));

    private final long base = SLAB.next();
    final GuestWindow[] window = {window(0), window(1)};
    final ReportLog reports;
    final ToGuest path;
    final CopyChannel channel;
    final Packet[] packets = new Packet[SIZE];
    private final AtomicInteger arrived = new AtomicInteger();

    private BareQueue(
            ReportLog reports, DmaRegistry registry, QueueTally counters, ToGuest path, QueueUser user) {
        super(new Owner(reports), 0, false, counters, user);
        this.reports = reports;
        this.path = path;
        this.channel = ChannelAccess.channel(registry.configure("bare", new HeldEngine()));
        path.serve(life(), events());
        PacketPool.over(SLAB.memory().asSlice(base + PACKETS, PacketPool.slabSize(SIZE, PACKET)),
                SIZE, PACKET, 0).take(packets, 0, SIZE);
        for (int i = 0; i < SIZE; i++) {
            packets[i].append(16);
            packets[i].putNetworkInt(0, GuestWindow.number(i));
        }
        for (GuestWindow each : window) {
            each.newRing();
            each.offer();
        }
    }

    private GuestWindow window(int number) {
        return new GuestWindow(
                SLAB.memory().asSlice(base + number * GuestWindow.BYTES, GuestWindow.BYTES));
    }

    /** A ring that is complete, and stopped. */
    static BareQueue stopped() {
        return usedBy(path -> path);
    }

    private static BareQueue usedBy(Function<ToGuest, QueueUser> user) {
        // A registry keeps its channels, and with them what they copy for: each queue has its own.
        DmaRegistry registry = new DmaRegistry();
        QueueTally counters = new QueueTally();
        ToGuest path = new ToGuest(counters, registry, LIMITS, () -> GuestWindow.PACKETS);
        return new BareQueue(new ReportLog(), registry, counters, path, user.apply(path));
    }

    /** A queue that runs in the first window and can go on in the second, with two buffers in each. */
    static BareQueue running() {
        BareQueue queue = stopped();
        queue.start(0);
        return queue;
    }

    /** The same, registered, with that many packets in flight. */
    static BareQueue submitted(int packets) {
        BareQueue queue = running();
        queue.path.registerAsync();
        queue.submit(packets);
        return queue;
    }

    /** The same; when its ring goes it does not wait for copies. */
    static BareQueue impatient(int packets) {
        BareQueue queue = usedBy(Impatient::new);
        queue.start(0);
        queue.path.registerAsync();
        queue.submit(packets);
        return queue;
    }

    /** Goes on in a window, at the beginning of its ring, as the transport has it: with the lock. */
    void start(int number) {
        try {
            QueueAccess.control(this).restart(GuestWindow::begin, window[number].memory,
                    GuestWindow.FORMAT, GuestWindow.OPTIONS);
        } catch (ControlException e) {
            throw new AssertionError(e);
        }
    }

    /** Stops the ring, as the transport has it. */
    void stop() {
        QueueAccess.control(this).stop();
    }

    /** The ring's life, which belongs to the lock's holder. */
    QueueLife unguarded() {
        return life();
    }

    /** What a call without lock is refused with. */
    void checkLock() {
        requireLock("checkLock", QueueFixture.LOG);
    }

    /** Submits the first packets, without the lock. */
    int submit(int count) {
        return path.submit(packets, 0, count, channel);
    }

    /** Bits of the packets that clearing gives back, at most {@code count}, without the lock. */
    int clear(int count) {
        Packet[] out = new Packet[SIZE];
        int bits = 0;
        for (int i = path.clear(out, 0, count, channel) - 1; i >= 0; i--) {
            bits += out[i].equals(packets[0]) ? 1 : 2;
        }
        return bits;
    }

    /** Waits until both actors have come here, but not for long. */
    void meet() {
        arrived.getAndIncrement();
        Pause.spinUntil(() -> arrived.get() == 2);
    }

    /** Waits until somebody has the lock, but not for long. */
    void awaitHolder() {
        Pause.spinUntil(access_lock::isLocked);
    }

    /** With the lock: submits a packet, lets time pass, and takes it back. */
    void submitAndClear() {
        access_lock.lock();
        try {
            submit(1);
            Pause.linger();
            clear(1);
        } finally {
            access_lock.unlock();
        }
    }

    /** Notes what it is told. */
    record Owner(ReportLog reports) implements QueueOwner {
        @Override
        public String name() {
            return "bare";
        }

        @Override
        public System.Logger log() {
            return QueueFixture.LOG;
        }

        @Override
        public void fail(Throwable cause) {
            throw new AssertionError(cause);
        }

        @Override
        public void stateChanged(int queue, boolean runs) {
            reports.note(runs);
        }
    }

    /** Lets go of a ring without waiting for its copies. */
    private record Impatient(ToGuest path) implements QueueUser {
        @Override
        public void opened(DeviceRing ring) {
            path.opened(ring);
        }

        @Override
        public void closing(DeviceRing ring, boolean lost) {}

        @Override
        public CopyStatus copies() {
            return path.copies();
        }
    }
}
