package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.app.polling.DmaKind;
import io.vhost.app.polling.PolledDevice;
import io.vhost.app.polling.PolledDevices;
import io.vhost.app.polling.PortPrograms;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.PacketPorts;
import io.vhost.device.VhostDevice;
import io.vhost.dma.DmaRegistry;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sending to a guest that takes no uncut packets, and has little room. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DeviceLinkTest {
    private static final int HEADERS = 14 + 20 + 20;
    private static final int TCP = 34;
    private static final int ROOM = 8;
    private static final int SEGMENT = 1000;

    @TempDir
    private Path directory;

    private final PacketPool pool = PacketPool.create(64, 16_384);
    private final Packet[] packets = new Packet[32];
    private final BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();
    private VhostServer server;
    private VirtioUser guest;
    private DeviceLink link;

    private void connect(int pairs, int queueSize) throws IOException, InterruptedException {
        VhostConfig config = VhostConfig.builder().queuePairs(pairs).segmentation().build();
        server = VhostServer.listen(directory.resolve("socket"), config, new DeviceListener() {
            @Override
            public void newDevice(VhostDevice device) {
                devices.add(device);
            }
        });
        guest = VirtioUser.connect(server.path(), DriverConfig.defaults().withQueues(pairs, queueSize));
        guest.start();
        VhostDevice device = devices.take();
        Await.until("all queues run", () -> device.queue(2 * pairs - 2).isRunning());
        link = new DeviceLink(new PolledDevice(device, null));
    }

    @AfterEach
    void everyPacketIsBack() {
        guest.close();
        server.close();
        pool.close();
    }

    private Packet packet(int length, int sender) {
        Packet packet = pool.take();
        packet.reset(length);
        for (int i = 0; i < HEADERS; i++) {
            packet.putByte(i, 0);
        }
        packet.putNetworkShort(12, 0x0800);
        packet.putByte(14, 0x45);
        packet.putByte(23, 6);
        packet.putByte(29, sender);
        packet.putByte(TCP + 12, 0x50);
        return packet;
    }

    private Packet uncut(int segments) {
        Packet packet = packet(HEADERS + segments * SEGMENT, 0);
        packet.offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 0, SEGMENT, TCP), 16);
        return packet;
    }

    private void releaseFrom(int index, int end) {
        assertEquals(end - index, pool.outstanding(), "the rest is the caller's");
        pool.release(packets, index, end - index);
    }

    /** Lengths of all that has arrived at a queue pair. */
    private List<Integer> arrived(int pair) {
        Packet[] received = new Packet[64];
        List<Integer> lengths = new ArrayList<>();
        int count = guest.receiveBurst(pair, received, 0, received.length);
        for (int i = 0; i < count; i++) {
            lengths.add(received[i].length());
            received[i].release();
        }
        return lengths;
    }

    /** One thread's link sends to a pair that another thread polls, and settles there by itself. */
    @Test
    void aLinkSettlesThePairsThatItSendsTo() throws Exception {
        try (DmaRegistry dma = DmaKind.INLINE.channels(1)) {
            BlockingQueue<PolledDevice> polled = new LinkedBlockingQueue<>();
            PolledDevices listener = new PolledDevices(dma,
                    PortPrograms.of("a", 0, (_, _, _, _) -> PacketPorts.NO_PORT), (device, runs) -> {
                        if (runs) {
                            polled.add(device);
                        }
                    });
            server = VhostServer.listen(directory.resolve("socket"),
                    VhostConfig.builder().asyncCopy(dma).build(), listener);
            guest = VirtioUser.connect(server.path(), DriverConfig.defaults());
            guest.start();
            PolledDevice device = polled.take();
            Await.until("the queue runs", () -> device.queues().getFirst().isRunning());
            DeviceLink sender = new DeviceLink(device, new QueueShare(1, 2, 0));
            packets[0] = packet(HEADERS, 1);
            assertEquals(1, sender.send(packets, 0, 1));
            Await.until("the copy is handed over", () -> {
                sender.settle();
                return pool.outstanding() == 0;
            });
            assertEquals(1, guest.receiveBurst(0, packets, 0, 32));
            packets[0].release();
            // Before the channels.
            guest.close();
            server.close();
        }
    }

    @Test
    void whatTheGuestDoesNotTakeUncutArrivesInSegmentsAndInItsPlace() throws Exception {
        connect(1, 64);
        packets[0] = packet(100, 0);
        packets[1] = uncut(3);
        packets[2] = packet(101, 0);
        assertEquals(3, link.send(packets, 0, 3));
        assertEquals(0, pool.outstanding());
        int segment = HEADERS + SEGMENT;
        assertEquals(List.of(100, segment, segment, segment, 101), arrived(0));
    }

    @Test
    void whatIsNotWhatItSaysIsDroppedAloneAndCounted() throws Exception {
        connect(1, 64);
        packets[0] = uncut(3);
        packets[0].putNetworkShort(12, 0x0806);
        packets[1] = packet(101, 0);
        assertEquals(2, link.send(packets, 0, 2));
        assertEquals(0, pool.outstanding());
        assertEquals(List.of(101), arrived(0));
    }

    @Test
    void fromThePacketOnThatFindsNoRoomAllStayTheCallers() throws Exception {
        connect(1, ROOM);
        for (int i = 0; i < 3; i++) {
            packets[i] = packet(100 + i, 0);
        }
        packets[3] = uncut(10);
        packets[4] = packet(200, 0);
        Packet last = packets[4];
        assertEquals(3, link.send(packets, 0, 5));
        assertEquals(last, packets[4]);
        releaseFrom(3, 5);
        List<Integer> lengths = arrived(0);
        assertEquals(List.of(100, 101, 102), lengths.subList(0, 3));
        assertTrue(lengths.size() <= ROOM, lengths::toString);
    }

    /** More of one flow than its pair has room for, between packets of the other. */
    @Test
    void aFullPairHoldsUpNoOtherAndItsPacketsStayTheCallers() throws Exception {
        connect(2, ROOM);
        for (int i = 0; i < 16; i++) {
            packets[i] = packet(100 + i, i % 4 == 3 ? other() : 0);
        }
        assertEquals(4 + ROOM, link.send(packets, 0, 16));
        for (int i = 12; i < 16; i++) {
            assertEquals(0, packets[i].byteAt(29), "of the flow that was too much");
        }
        releaseFrom(12, 16);
        List<Integer> one = arrived(0);
        List<Integer> two = arrived(1);
        assertEquals(List.of(103, 107, 111, 115), one.size() < two.size() ? one : two);
        assertEquals(List.of(100, 101, 102, 104, 105, 106, 108, 109), one.size() < two.size() ? two : one);
    }

    /** A sender whose flow has the other pair: found by sending one packet of each. */
    private int other() {
        for (int sender = 1; sender < 256; sender++) {
            if (pairOf(sender) != pairOf(0)) {
                return sender;
            }
        }
        throw new AssertionError("all flows have one pair");
    }

    private int pairOf(int sender) {
        Packet[] one = {packet(60, sender)};
        assertEquals(1, link.send(one, 0, 1));
        return arrived(0).isEmpty() ? arrived(1).size() : 0;
    }
}
