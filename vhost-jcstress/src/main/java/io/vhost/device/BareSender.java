package io.vhost.device;

import io.vhost.Slab;
import io.vhost.device.packet.Announcement;
import io.vhost.device.packet.FromGuest;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.queue.DeviceQueue;
import io.vhost.queue.QueueAccess;
import io.vhost.queue.QueueTally;

/**
 * A queue from the guest as twins have it, see {@link BareQueue}: it runs, and two packets are in its ring.
 */
@SuppressWarnings("GuardedBy") // That the lock is left out is the point.
final class BareSender extends DeviceQueue {
    static final int SIZE = GuestWindow.SIZE;

    private static final int PACKET = 64;
    private static final Slab SLAB = new Slab(GuestWindow.BYTES + PacketPool.slabSize(SIZE, PACKET));

    final FromGuest path;
    final PacketPool pool;
    final Packet[] packets = new Packet[SIZE];

    private BareSender(QueueTally counters, FromGuest path) {
        super(new BareQueue.Owner(new ReportLog()), 1, false, counters, path);
        this.path = path;
        path.serve(life(), events());
        long base = SLAB.next();
        pool = PacketPool.over(
                SLAB.memory().asSlice(base + GuestWindow.BYTES, PacketPool.slabSize(SIZE, PACKET)),
                SIZE, PACKET, 0);
        GuestWindow window = new GuestWindow(SLAB.memory().asSlice(base, GuestWindow.BYTES));
        window.newRing();
        window.send();
        try {
            QueueAccess.control(this).restart(
                    GuestWindow::begin, window.memory, GuestWindow.FORMAT, GuestWindow.FROM_GUEST);
        } catch (ControlException e) {
            throw new AssertionError(e);
        }
    }

    static BareSender running() {
        QueueTally counters = new QueueTally();
        return new BareSender(counters, new FromGuest(
                counters, null, BareQueue.LIMITS, () -> GuestWindow.PACKETS, new Announcement()));
    }

    /** Stops the ring, as the transport has it. */
    void stop() {
        QueueAccess.control(this).stop();
    }
}
