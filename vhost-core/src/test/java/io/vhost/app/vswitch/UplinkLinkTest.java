package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.vhost.app.Await;
import io.vhost.device.DeviceListener;
import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.driver.DriverPort;
import io.vhost.net.InternetChecksum;
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

/** Packets between the switch's memory and a back-end, with offloads and without. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class UplinkLinkTest {
    private static final int TCP = 34;
    private static final int HEADERS = TCP + 20;
    private static final int SEGMENT = 1000;
    private static final int RING = 256;

    @TempDir
    private Path directory;

    private final PacketPool pool = PacketPool.create(1024, Switch.BUFFER);
    private final PacketPool other = PacketPool.create(1024, Switch.BUFFER);
    private final Packet[] packets = new Packet[1024];
    private final Packet[] arrived = new Packet[1024];
    private final BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();
    private VhostServer server;
    private DriverPort port;
    private UplinkLink link;
    private VhostDevice device;

    private void connect(Feature... without) throws IOException, InterruptedException {
        server = VhostServer.listen(directory.resolve("socket"),
                VhostConfig.builder().segmentation().without(without).build(), new DeviceListener() {
                    @Override
                    public void newDevice(VhostDevice present) {
                        devices.add(present);
                    }
                });
        port = DriverPort.connect(server.path(), UplinkOptions.config(), new DriverPort.Listener() {});
        Await.until("the uplink has its back-end", port::isConnected);
        device = devices.take();
        link = new UplinkLink(port);
    }

    @AfterEach
    void everyPacketIsBack() {
        assertEquals(0, pool.outstanding());
        port.close();
        server.close();
        pool.close();
        other.close();
    }

    private static Packet packet(PacketPool from, int length) {
        Packet packet = from.take();
        packet.reset(length);
        for (int i = 0; i < length; i++) {
            packet.putByte(i, i < HEADERS ? 0 : i);
        }
        packet.putNetworkShort(12, 0x0800);
        packet.putByte(14, 0x45);
        packet.putByte(23, 6);
        packet.putByte(TCP + 12, 0x50);
        return packet;
    }

    private static Packet uncut(PacketPool from, int segments) {
        Packet packet = packet(from, HEADERS + segments * SEGMENT);
        packet.offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 0, SEGMENT, TCP), 16);
        return packet;
    }

    private List<Integer> arrive() {
        int count = device.queue(1).dequeueBurst(other, arrived, 0, arrived.length);
        List<Integer> lengths = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            lengths.add(arrived[i].length());
        }
        return lengths;
    }

    private void release(int count) {
        other.release(arrived, 0, count);
    }

    @Test
    void whatTheBackEndDoesStaysItsWork() throws Exception {
        connect();
        Packet uncut = uncut(pool, 60);
        long word = uncut.offload();
        packets[0] = uncut;
        assertEquals(1, link.send(packets, 0, 1));
        assertEquals(List.of(HEADERS + 60 * SEGMENT), arrive());
        assertEquals(word, arrived[0].offload());
        assertEquals(16, arrived[0].checksumOffset());
        // And the other way.
        assertEquals(1, device.queue(0).enqueueBurst(arrived, 0, 1));
        release(1);
        assertEquals(1, link.receive(pool, packets, 0, 4));
        assertEquals(word, packets[0].offload());
        assertEquals(HEADERS + 60 * SEGMENT, packets[0].length());
        for (int i = HEADERS; i < packets[0].length(); i++) {
            assertEquals((byte) i, (byte) packets[0].byteAt(i));
        }
        packets[0].release();
    }

    /** As Open vSwitch has it by default. */
    @Test
    void whatTheBackEndDoesNotDoIsDoneHere() throws Exception {
        connect(Feature.VIRTIO_NET_F_CSUM, Feature.VIRTIO_NET_F_HOST_TSO4, Feature.VIRTIO_NET_F_HOST_TSO6,
                Feature.VIRTIO_NET_F_HOST_ECN);
        packets[0] = packet(pool, 100);
        packets[1] = uncut(pool, 3);
        packets[2] = packet(pool, 101);
        packets[2].requestChecksum(TCP, 16);
        packets[2].putNetworkShort(TCP + 16, 101 - TCP);
        assertEquals(3, link.send(packets, 0, 3));
        int segment = HEADERS + SEGMENT;
        assertEquals(List.of(100, segment, segment, segment, 101), arrive());
        for (int i = 1; i < 5; i++) {
            Packet packet = arrived[i];
            assertEquals(0, packet.offload());
            int bytes = packet.length() - TCP;
            int sum = InternetChecksum.sum(packet.segment(), packet.dataOffset() + TCP, bytes);
            // Addresses are 0; the last packet's pseudo header, made up above, has no protocol number.
            int pseudo = i < 4 ? bytes + 6 : bytes;
            assertEquals(0xFFFF, fold(sum + pseudo), "checksum of packet " + i);
        }
        release(5);
    }

    private static int fold(int sum) {
        return (sum & 0xFFFF) + (sum >>> 16);
    }

    /** Senders must not say that a checksum was verified (virtio 1.2, 5.1.6.2); receivers may be told. */
    @Test
    void flagsGoOnlyWhereTheyMay() throws Exception {
        connect();
        packets[0] = packet(pool, 100);
        packets[0].offload(NetHeader.offload(NetHeader.DATA_VALID, 0, 0, 0, 0), 0);
        assertEquals(1, link.send(packets, 0, 1));
        assertEquals(List.of(100), arrive());
        assertEquals(0, arrived[0].offload());
        for (int flag : new int[] {NetHeader.DATA_VALID, NetHeader.COALESCING_INFO}) {
            arrived[0].offload(NetHeader.offload(flag, 0, 0, 0, 0), 0);
            assertEquals(1, device.queue(0).enqueueBurst(arrived, 0, 1));
            assertEquals(1, link.receive(pool, packets, 0, 4));
            assertEquals(flag & NetHeader.DATA_VALID, NetHeader.flags(packets[0].offload()));
            packets[0].release();
        }
        release(1);
    }

    @Test
    void whatFindsNoRoomStaysTheCallers() throws Exception {
        connect();
        for (int i = 0; i < RING + 40; i++) {
            packets[i] = packet(pool, 100 + i);
        }
        Packet next = packets[RING];
        assertEquals(RING, link.send(packets, 0, RING + 40));
        assertEquals(next, packets[RING]);
        assertEquals(0, link.send(packets, RING, 40));
        pool.release(packets, RING + 1, 39);
        assertEquals(RING, arrive().size());
        release(RING);
        assertEquals(1, link.send(packets, RING, 1));
        assertEquals(List.of(100 + RING), arrive());
        release(1);
    }

    @Test
    void whatIsNotWhatItSaysIsDroppedAloneAndCounted() throws Exception {
        connect(Feature.VIRTIO_NET_F_HOST_TSO4);
        packets[0] = uncut(pool, 3);
        packets[0].putNetworkShort(12, 0x0806);
        packets[1] = packet(pool, 101);
        assertEquals(2, link.send(packets, 0, 2));
        assertEquals(List.of(101), arrive());
        release(1);
        assertEquals(1, port.transmitDropped(0));
    }

    @Test
    void withoutABackEndNothingMovesAndNothingIsLost() throws Exception {
        connect();
        server.close();
        Await.until("that is known", () -> !port.isConnected());
        packets[0] = packet(pool, 100);
        assertEquals(0, link.send(packets, 0, 1));
        assertEquals(0, link.receive(pool, packets, 1, 4));
        packets[0].release();
        assertFalse(port.arm(0));
    }
}
