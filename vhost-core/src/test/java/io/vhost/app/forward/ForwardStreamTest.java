package io.vhost.app.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import io.vhost.app.Await;
import io.vhost.app.polling.PacketQueue;
import io.vhost.app.polling.PortCounters;
import io.vhost.device.PacketPorts;
import io.vhost.device.VhostConfig;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ForwardStreamTest {
    /** Beyond those of a device with one pair. */
    private static final int NO_QUEUE = 2;

    @TempDir
    private Path directory;

    /** The polling thread may still run a plan that was made before the receiver was there. */
    @Test
    void packetsReachAReceiverThatCameAfterTheStreamWasPlanned() throws IOException {
        Packet[] packets = new Packet[ForwardStream.BURST];
        ForwardPort port = new ForwardPort(0, "port", null, PacketPorts.NONE, () -> {});
        try (PacketPool pool = PacketPool.create(64, 2048);
                VhostServer server = VhostServer.listen(
                        directory.resolve("socket"), VhostConfig.defaults(), port.listener());
                VirtioUser guest = VirtioUser.connect(server.path(), DriverConfig.defaults())) {
            guest.start();
            Await.until("the queues run", () -> port.device() != null);
            List<PacketQueue> queues = port.queues();
            ForwardStream stream = new ForwardStream(queues.get(1), queues.get(0), null, port, 0, false);
            packets[0] = guest.pool().take();
            packets[0].reset(60);
            assertEquals(1, guest.transmitBurst(0, packets, 0, 1));
            assertEquals(1, stream.run(pool, packets));
            assertEquals(1, guest.receiveBurst(0, packets, 0, 1));
            packets[0].release();
            assertEquals(new PortCounters(1, 60, 1, 60, 0, 0, 0), port.counters());
        }
    }

    /** A sender that goes on costs nothing while its receiver is there and does not receive. */
    @Test
    void packetsThatNobodyReceivesAreDroppedWithoutAllocating() throws IOException {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Packet[] packets = new Packet[ForwardStream.BURST];
        ForwardPort port = new ForwardPort(0, "port", null, PacketPorts.NONE, () -> {});
        try (PacketPool pool = PacketPool.create(64, 2048);
                VhostServer server = VhostServer.listen(
                        directory.resolve("socket"), VhostConfig.defaults(), port.listener());
                VirtioUser guest = VirtioUser.connect(server.path(), DriverConfig.defaults())) {
            guest.start();
            Await.until("the queues run", () -> port.device() != null);
            List<PacketQueue> queues = port.queues();
            ForwardStream stream =
                    new ForwardStream(queues.get(1), queues.get(0), null, port, NO_QUEUE, false);
            long thread = Thread.currentThread().threadId();
            long allocated = 1;
            long sent = 0;
            for (int round = 0; round < 40 && allocated != 0; round++) {
                allocated = 0;
                for (int i = 0; i < 2_000; i++) {
                    packets[0] = guest.pool().take();
                    packets[0].reset(60);
                    sent += guest.transmitBurst(0, packets, 0, 1);
                    long before = threads.getThreadAllocatedBytes(thread);
                    stream.run(pool, packets);
                    allocated += threads.getThreadAllocatedBytes(thread) - before;
                    guest.reclaim(0);
                }
            }
            assertEquals(0, allocated);
            assertEquals(new PortCounters(sent, 60 * sent, 0, 0, sent, 60 * sent, 0), port.counters());
        }
    }
}
