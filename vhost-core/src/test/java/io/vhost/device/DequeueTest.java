package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets from the guest. */
class DequeueTest extends EachFormat {

    private final PacketPool pool = PacketPool.create(128, 2048 + PacketPool.DEFAULT_HEADROOM);
    private final Packet[] packets = new Packet[128];

    private long legacy() {
        return without(Feature.VIRTIO_F_VERSION_1, Feature.VIRTIO_NET_F_MRG_RXBUF);
    }

    /** Each packet is in the pool again, or the close fails and names it. */
    @AfterEach
    void everyPacketIsAccountedFor() {
        pool.close();
    }

    private int dequeue(TestGuest guest, int count) {
        return guest.fromGuest().queue.dequeueBurst(pool, packets, 0, count);
    }

    private void assertReceived(TestGuest guest, byte[] expected) {
        assertEquals(1, dequeue(guest, 32));
        assertArrayEquals(expected, data(packets[0]));
        assertEquals(0, packets[0].offload());
        packets[0].release();
        guest.fromGuest().assertUsed(0, 0);
    }

    private static byte[] data(Packet packet) {
        byte[] data = new byte[packet.length()];
        packet.copyTo(data, 0);
        return data;
    }

    private static byte[] frame(TestGuest guest, byte[] payload) {
        return TestGuest.join(new byte[guest.headerLength()], payload);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void packetsOfAllSizesArriveInOneBufferInTwoAndThroughATable(boolean legacy) throws ControlException {
        try (TestGuest guest = TestGuest.running(legacy ? legacy() : features())) {
            int header = guest.headerLength();
            assertEquals(legacy && format == RingFormat.SPLIT ? 10 : 12, header);
            TestQueue queue = guest.fromGuest();
            long offset = queue.allocate(4096);
            for (int length = 1; length <= 2048; length++) {
                byte[] payload = TestGuest.pattern(length, length);
                byte[] frame = frame(guest, payload);
                queue.sendAt(offset, frame, frame.length);
                assertReceived(guest, payload);
                queue.sendAt(offset, frame, header, length);
                assertReceived(guest, payload);
                int odd = 1 + length % (frame.length - 1);
                queue.sendAt(offset, frame, odd, frame.length - odd);
                assertReceived(guest, payload);
            }
            byte[] payload = TestGuest.pattern(300, 9);
            queue.sendThroughTable(frame(guest, payload), header, 100, 200);
            assertReceived(guest, payload);
            assertEquals(3 * 2048 + 1, queue.queue.counters().get(Counter.PACKETS));
            assertEquals(3L * 2048 * 2049 / 2 + 300, queue.queue.counters().get(Counter.BYTES));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFrameMayLieInDescriptorsOfOneByte(boolean throughTable) throws ControlException {
        for (long features : new long[] {legacy(), features()}) {
            try (TestGuest guest = TestGuest.running(features)) {
                byte[] payload = TestGuest.pattern(40, 3);
                byte[] frame = frame(guest, payload);
                int[] ones = new int[frame.length];
                Arrays.fill(ones, 1);
                if (throughTable) {
                    guest.fromGuest().sendThroughTable(frame, ones);
                } else {
                    guest.fromGuest().send(frame, ones);
                }
                assertReceived(guest, payload);
            }
        }
    }

    @Test
    void aFrameMayLieAcrossRegions() throws ControlException {
        try (TestGuest guest = running()) {
            for (int before = 1; before < 60; before++) {
                byte[] payload = TestGuest.pattern(64, before);
                guest.fromGuest().sendAt(TestGuest.BORDER - before, frame(guest, payload), 76);
                assertReceived(guest, payload);
            }
        }
    }

    @Test
    void burstsOfAnySizeComeInOrder() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.fromGuest();
            for (int i = 0; i < TestGuest.RING; i++) {
                queue.send(frame(guest, new byte[] {(byte) i, 1, 2}), 15);
            }
            assertEquals(0, dequeue(guest, 0));
            assertEquals(7, queue.queue.dequeueBurst(pool, packets, 3, 7));
            assertEquals(50, queue.queue.dequeueBurst(pool, packets, 10, 50));
            assertEquals(7, queue.queue.dequeueBurst(pool, packets, 60, 50));
            assertNull(packets[0]);
            for (int i = 0; i < TestGuest.RING; i++) {
                assertEquals(i, packets[3 + i].byteAt(0));
            }
            pool.release(packets, 3, TestGuest.RING);
            assertThrows(IndexOutOfBoundsException.class,
                    () -> queue.queue.dequeueBurst(pool, packets, 100, 29));
            assertThrows(NullPointerException.class, () -> queue.queue.dequeueBurst(null, packets, 0, 1));
            assertThrows(IllegalStateException.class,
                    () -> guest.toGuest().queue.dequeueBurst(pool, packets, 0, 1));
        }
    }

    @Test
    void anOversizePacketIsDroppedAndCounted() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.fromGuest();
            queue.send(frame(guest, new byte[2049]), 12 + 2049);
            queue.send(frame(guest, new byte[2049]), 12, 2049);
            queue.send(frame(guest, new byte[] {5}), 13);
            assertEquals(1, dequeue(guest, 32));
            assertEquals(5, packets[0].byteAt(0));
            packets[0].release();
            assertEquals(2, queue.queue.counters().get(Counter.OVERSIZE));
            assertEquals(3, queue.ring.pending());
            assertTrue(queue.queue.isRunning());
        }
    }

    @Test
    void withoutPacketsInThePoolNothingIsLost() throws ControlException {
        try (TestGuest guest = running(); PacketPool small = PacketPool.create(3, 256)) {
            TestQueue queue = guest.fromGuest();
            for (int i = 0; i < 8; i++) {
                queue.send(frame(guest, new byte[] {(byte) i}), 12, 1);
            }
            for (int i = 0; i < 8; ) {
                int count = queue.queue.dequeueBurst(small, packets, 0, 32);
                assertEquals(Math.min(3, 8 - i), count);
                assertEquals(0, i >= 6 ? 0 : queue.queue.dequeueBurst(small, packets, 3, 32));
                for (int j = 0; j < count; j++) {
                    assertEquals(i++, packets[j].byteAt(0));
                    packets[j].release();
                }
            }
            assertEquals(4, queue.queue.counters().get(Counter.POOL_EMPTY));
            assertEquals(8, queue.ring.pending());
        }
    }

    @Test
    void aClosedPoolIsTheCallersMistakeAndCostsNoPacket() throws ControlException {
        PacketPool closed = PacketPool.create(4, 256);
        closed.close();
        try (TestGuest guest = running()) {
            TestQueue queue = guest.fromGuest();
            queue.send(frame(guest, new byte[] {1}), 13);
            queue.send(frame(guest, new byte[] {2}), 13);
            assertThrows(IllegalStateException.class, () -> queue.queue.dequeueBurst(closed, packets, 0, 2));
            assertEquals(0, guest.holds());
            assertEquals(2, dequeue(guest, 32));
            assertEquals(1, packets[0].byteAt(0));
            assertEquals(2, packets[1].byteAt(0));
            pool.release(packets, 0, 2);
            assertEquals(2, queue.ring.pending());
        }
    }

    @Test
    void aChainNoLongerThanTheHeaderFencesTheQueue() throws ControlException {
        for (long features : new long[] {legacy(), features()}) {
            int header = NetworkDevice.packetFormat(features, 1).headerLength();
            for (int length : new int[] {1, 8, header - 1, header}) {
                for (int[] lengths : new int[][] {{length}, {length / 2, length - length / 2}}) {
                    try (TestGuest guest = TestGuest.running(features)) {
                        TestQueue queue = guest.fromGuest();
                        queue.send(frame(guest, new byte[] {7}), header + 1);
                        queue.send(new byte[length], lengths);
                        assertEquals(1, dequeue(guest, 32));
                        packets[0].release();
                        assertEquals(RingViolation.NO_ROOM_FOR_HEADER, queue.queue.violation());
                        assertFalse(queue.queue.isRunning());
                    }
                }
            }
        }
    }

    private long sendWithHeader(TestGuest guest, long offload, int checksumOffset, int length) {
        byte[] frame = frame(guest, TestGuest.pattern(length, 1));
        for (int i = 0; i < 8; i++) {
            frame[i] = (byte) (offload >>> (8 * i));
        }
        frame[8] = (byte) checksumOffset;
        frame[9] = (byte) (checksumOffset >>> 8);
        return guest.fromGuest().send(frame, frame.length);
    }

    @Test
    void offloadFieldsArriveWithThePacket() throws ControlException {
        for (long features : new long[] {legacy(), features()}) {
            try (TestGuest guest = TestGuest.running(features)) {
                long offload = NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_NONE, 54, 0, 34);
                sendWithHeader(guest, offload, 16, 100);
                assertEquals(1, dequeue(guest, 1));
                assertEquals(offload, packets[0].offload());
                assertEquals(16, packets[0].checksumOffset());
                assertTrue(packets[0].needsChecksum());
                packets[0].release();
            }
        }
    }

    /** csum_start and csum_offset past the packet, row 26. */
    @Test
    void aChecksumOutsideThePacketDropsIt() throws ControlException {
        try (TestGuest guest = running()) {
            long dropped = 0;
            for (int start : new int[] {0, 34, 97, 98, 99, 0x7FFF, 0xFFFF}) {
                for (int offset : new int[] {0, 1, 64, 65, 98, 0xFFFF}) {
                    sendWithHeader(guest, NetHeader.offload(1, 0, 0, 0, start), offset, 100);
                    boolean fits = start + offset + 2 <= 100;
                    dropped += fits ? 0 : 1;
                    assertEquals(fits ? 1 : 0, dequeue(guest, 1));
                    if (fits) {
                        packets[0].release();
                    }
                    guest.fromGuest().assertUsed(0, 0);
                }
            }
            assertEquals(dropped, guest.fromGuest().queue.counters().get(Counter.BAD_OFFLOAD));
            assertTrue(guest.fromGuest().queue.isRunning());
        }
    }

    @Test
    void segmentationThatWasNotOfferedDropsThePacket() throws ControlException {
        try (TestGuest guest = running()) {
            for (int type : new int[] {1, 3, 4, 5, 0x80, 0x81, 0xFF}) {
                sendWithHeader(guest, NetHeader.offload(1, type, 54, 1400, 34), 16, 100);
                assertEquals(0, dequeue(guest, 1));
            }
            assertEquals(7, guest.fromGuest().queue.counters().get(Counter.BAD_OFFLOAD));
        }
    }

    @Test
    void aChecksumRequestWithoutTheFeatureDropsThePacket() throws ControlException {
        try (TestGuest guest = TestGuest.running(without(Feature.VIRTIO_NET_F_CSUM))) {
            sendWithHeader(guest, NetHeader.offload(1, 0, 0, 0, 34), 16, 100);
            assertEquals(0, dequeue(guest, 1));
            assertEquals(1, guest.fromGuest().queue.counters().get(Counter.BAD_OFFLOAD));
        }
    }

    /** Unknown flags must be ignored (virtio 1.2, 5.1.6.2.2), and nobody vouches for a guest. */
    @Test
    void otherFlagsAndHintsAreIgnored() throws ControlException {
        long partial = Feature.VIRTIO_NET_F_CSUM.mask();
        for (long features : new long[] {features(), features() & ~partial}) {
            try (TestGuest guest = TestGuest.running(features)) {
                sendWithHeader(guest, NetHeader.offload(0xFE, 0, 54, 1400, 34), 16, 100);
                assertEquals(1, dequeue(guest, 1));
                assertEquals(0, packets[0].offload());
                packets[0].release();
            }
        }
    }
}
