package io.vhost.device;

import io.vhost.Slab;
import io.vhost.device.link.DeviceLink;
import io.vhost.device.link.QueueOptions;
import io.vhost.dma.DmaRegistry;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.queue.QueueAccess;
import io.vhost.state.FrontEnd;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** A queue from the guest with two entries, its ring in memory of this process, see {@link QueueFixture}. */
final class SendingFixture {
    private static final int SIZE = GuestWindow.SIZE;
    private static final int PACKET = 64;
    private static final Slab SLAB = new Slab(GuestWindow.BYTES + PacketPool.slabSize(SIZE, PACKET));
    private static final QueueOptions QUEUES =
            new QueueOptions(1, false, new DmaRegistry(), BareQueue.LIMITS);
    private static final Queue<SendingFixture> UNUSED = new ConcurrentLinkedQueue<>();

    private final long base = SLAB.next();
    final GuestWindow window = new GuestWindow(SLAB.memory().asSlice(base, GuestWindow.BYTES));
    final VirtQueue queue;
    private final Packet[] packets = new Packet[SIZE];
    private final PacketPool pool = PacketPool.over(
            SLAB.memory().asSlice(base + GuestWindow.BYTES, PacketPool.slabSize(SIZE, PACKET)),
            SIZE, PACKET, 0);
    private int taken;

    private SendingFixture() {
        DeviceLink link = new DeviceLink(new FrontEnd(0, "stress", "stress", 0, -1, -1), QUEUES);
        queue = new VhostDevice(link, new BareQueue.Owner(new ReportLog())).queue(1);
        link.features(GuestWindow.FEATURES);
    }

    /** A queue that runs, with two packets in its ring. */
    static SendingFixture running() {
        SendingFixture used = UNUSED.poll();
        SendingFixture fixture = used != null ? used : new SendingFixture();
        fixture.start();
        return fixture;
    }

    private void start() {
        window.clear();
        window.newRing();
        window.send();
        try {
            QueueAccess.control(queue).restart(
                    GuestWindow::begin, window.memory, GuestWindow.FORMAT, GuestWindow.FROM_GUEST);
        } catch (ControlException e) {
            throw new AssertionError(e);
        }
    }

    /** How many packets a burst takes. */
    int take() {
        taken = queue.dequeueBurst(pool, packets, 0, SIZE);
        return taken;
    }

    /** For the next one; the ring is stopped. */
    void giveBack() {
        pool.release(packets, 0, taken);
        taken = 0;
        UNUSED.add(this);
    }
}
