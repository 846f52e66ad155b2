package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.InternetChecksum;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets to the guest. */
class EnqueueTest extends EachFormat {
    private static final int LARGEST = 65_536;

    private final PacketPool pool = PacketPool.create(64, LARGEST + PacketPool.DEFAULT_HEADROOM);
    private final Packet[] packets = new Packet[64];

    private long notMergeable() {
        return without(Feature.VIRTIO_NET_F_MRG_RXBUF);
    }

    private long legacy() {
        return without(Feature.VIRTIO_NET_F_MRG_RXBUF, Feature.VIRTIO_F_VERSION_1);
    }

    @AfterEach
    void everyPacketIsAccountedFor() {
        pool.close();
    }

    private static int enqueue(TestGuest guest, Packet... burst) {
        return guest.toGuest().queue.enqueueBurst(burst, 0, burst.length);
    }

    private Packet packet(int length, int seed) {
        Packet packet = pool.take();
        packet.copyFrom(TestGuest.pattern(length, seed), 0, length);
        return packet;
    }

    private static byte[] frame(TestGuest guest, int length, int seed, int chains) {
        byte[] header = new byte[guest.headerLength()];
        if (header.length == 12) {
            header[10] = (byte) chains;
            header[11] = (byte) (chains >>> 8);
        }
        return TestGuest.join(header, TestGuest.pattern(length, seed));
    }

    private static long count(TestGuest guest, Counter counter) {
        return guest.toGuest().queue.counters().get(counter);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2})
    void packetsOfAllSizesFillOneBufferOrTwo(long kind) throws ControlException {
        long features = new long[] {legacy(), notMergeable(), features()}[(int) kind];
        try (TestGuest guest = TestGuest.running(features)) {
            TestQueue queue = guest.toGuest();
            int header = guest.headerLength();
            assertEquals(kind == 0 && format == RingFormat.SPLIT ? 10 : 12, header);
            long offset = queue.allocate(4096);
            for (int length = 1; length <= 2048; length++) {
                Packet packet = packet(length, length);
                int odd = 1 + length % (header + length - 1);
                for (int[] lengths : new int[][] {
                    {2060}, {header + length}, {header, 2048}, {odd, header + length - odd}}) {
                    guest.memory.asSlice(offset, 4096).fill((byte) 0xEE);
                    queue.acceptAt(offset, length, lengths);
                    assertEquals(1, enqueue(guest, packet));
                    queue.assertUsed(length, header + length);
                    assertArrayEquals(frame(guest, length, length, 1), guest.bytes(offset, header + length));
                    assertEquals((byte) 0xEE, guest.bytes(offset + header + length, 1)[0], "beyond it");
                }
                packet.release();
            }
            assertEquals(4 * 2048, count(guest, Counter.PACKETS));
            assertEquals(4L * 2048 * 2049 / 2, count(guest, Counter.BYTES));
        }
    }

    @Test
    void aChainMayBeOfOneByteDescriptorsEvenWithoutHeadroomInThePacket() throws ControlException {
        MemorySegment slab = Arena.ofAuto().allocate(PacketPool.slabSize(1, 256), 64);
        for (long features : new long[] {legacy(), notMergeable(), features()}) {
            try (TestGuest guest = TestGuest.running(features);
                    PacketPool bare = PacketPool.over(slab, 1, 256, 0)) {
                Packet packet = bare.take();
                packet.copyFrom(TestGuest.pattern(40, 4), 0, 40);
                int[] ones = new int[guest.headerLength() + 40];
                Arrays.fill(ones, 1);
                long offset = guest.toGuest().accept(9, ones);
                assertEquals(1, enqueue(guest, packet));
                packet.release();
                guest.toGuest().assertUsed(9, ones.length);
                assertArrayEquals(frame(guest, 40, 4, 1), guest.bytes(offset, ones.length));
            }
        }
    }

    @Test
    void aPacketMayBeSpreadOverRegions() throws ControlException {
        try (TestGuest guest = running()) {
            Packet packet = packet(64, 5);
            for (int before = 1; before < 60; before++) {
                guest.toGuest().acceptAt(TestGuest.BORDER - before, 1, 76);
                assertEquals(1, enqueue(guest, packet));
                guest.toGuest().assertUsed(1, 76);
                assertArrayEquals(frame(guest, 64, 5, 1), guest.bytes(TestGuest.BORDER - before, 76));
            }
            packet.release();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 100, 1524 - 12, 1525 - 12, 9000, LARGEST - 12, LARGEST})
    void aPacketIsMergedFromAsManyBuffersAsItNeeds(int length) throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.toGuest();
            int chains = (length + 12 + 1523) / 1524;
            long[] offsets = new long[chains + 1];
            for (int i = 0; i <= chains; i++) {
                offsets[i] = queue.accept(i, 1524);
            }
            Packet packet = packet(length, 6);
            assertEquals(1, enqueue(guest, packet));
            packet.release();
            byte[] frame = frame(guest, length, 6, chains);
            for (int i = 0; i < chains; i++) {
                int part = Math.min(1524, frame.length - 1524 * i);
                queue.assertUsed(i, part);
                byte[] expected = Arrays.copyOfRange(frame, 1524 * i, 1524 * i + part);
                assertArrayEquals(expected, guest.bytes(offsets[i], part));
            }
            assertEquals(-1, queue.ring.poll(), "the last chain was not needed");
        }
    }

    @Test
    void mergedPacketsFollowEachOther() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.toGuest();
            for (int i = 0; i < 10; i++) {
                queue.accept(i, 12, 88);
            }
            for (int i = 0; i < 3; i++) {
                packets[i] = packet(i == 1 ? 50 : 250, i);
            }
            packets[3] = packet(300, 3);
            assertEquals(3, queue.queue.enqueueBurst(packets, 0, 4), "they take seven, three are left");
            int[] used = {100, 100, 62, 62, 100, 100, 62};
            for (int i = 0; i < used.length; i++) {
                queue.assertUsed(i, used[i]);
            }
            assertEquals(0, queue.queue.enqueueBurst(packets, 3, 1));
            queue.accept(10, 100);
            assertEquals(1, queue.queue.enqueueBurst(packets, 3, 1));
            for (int i = 7; i < 11; i++) {
                queue.assertUsed(i, i < 10 ? 100 : 12);
            }
            pool.release(packets, 0, 4);
        }
    }

    @Test
    void theHeaderIsWrittenOnlyWhereItDiffers() throws ControlException {
        try (TestGuest guest = TestGuest.running(legacy())) {
            TestQueue queue = guest.toGuest();
            Packet packet = packet(20, 7);
            packet.requestChecksum(4, 6);
            long offset = queue.allocate(64);
            guest.memory.asSlice(offset, 64).fill((byte) 0xAA);
            queue.acceptAt(offset, 0, 64);
            assertEquals(1, enqueue(guest, packet));
            byte[] expected = frame(guest, 20, 7, 1);
            expected[0] = 1;
            expected[6] = 4;
            expected[8] = 6;
            assertArrayEquals(expected, guest.bytes(offset, expected.length));
            packet.release();
        }
    }

    @Test
    void offloadFieldsReachTheGuest() throws ControlException {
        for (long features : new long[] {notMergeable(), features()}) {
            for (int[] lengths : new int[][] {{64}, {5, 59}}) {
                try (TestGuest guest = TestGuest.running(features)) {
                    Packet packet = packet(20, 8);
                    packet.requestChecksum(4, 6);
                    long offset = guest.toGuest().accept(0, lengths);
                    assertEquals(1, enqueue(guest, packet));
                    byte[] asking = {1, 0, 0, 0, 0, 0, 4, 0, 6, 0, 1, 0};
                    assertArrayEquals(asking, guest.bytes(offset, 12));
                    packet.clearOffload();
                    guest.toGuest().acceptAt(offset, 1, lengths);
                    assertEquals(1, enqueue(guest, packet));
                    assertArrayEquals(frame(guest, 0, 0, 1), guest.bytes(offset, 12));
                    packet.release();
                }
            }
        }
    }

    @Test
    void aGuestThatTakesNoPartialChecksumsGetsWholeOnes() throws ControlException {
        long features = without(Feature.VIRTIO_NET_F_GUEST_CSUM);
        try (TestGuest guest = TestGuest.running(features)) {
            Packet packet = packet(60, 9);
            packet.requestChecksum(14, 10);
            long offset = guest.toGuest().accept(0, 200);
            assertEquals(1, enqueue(guest, packet));
            assertArrayEquals(new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, guest.bytes(offset, 12));
            byte[] expected = TestGuest.pattern(60, 9);
            try (PacketPool other = PacketPool.create(1, 256)) {
                Packet reference = other.take();
                reference.copyFrom(expected, 0, 60);
                reference.requestChecksum(14, 10);
                assertTrue(InternetChecksum.complete(reference));
                reference.copyTo(expected, 0);
                reference.release();
            }
            assertArrayEquals(expected, guest.bytes(offset + 12, 60));
            assertEquals(1, count(guest, Counter.SOFTWARE_CHECKSUM));
            packet.release();
        }
    }

    @Test
    void packetsWithImpossibleOffloadsAreDroppedAndCountedOnce() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.toGuest();
            for (int i = 0; i < 3; i++) {
                packets[i] = packet(60, i);
            }
            packets[1].offload(NetHeader.offload(1, 0, 0, 0, 59), 0);
            assertEquals(0, queue.queue.enqueueBurst(packets, 0, 3));
            assertEquals(0, count(guest, Counter.BAD_OFFLOAD), "nothing is done with it yet");
            queue.accept(0, 100);
            assertEquals(2, queue.queue.enqueueBurst(packets, 0, 3));
            assertEquals(1, count(guest, Counter.BAD_OFFLOAD));
            packets[2].offload(NetHeader.offload(1, NetHeader.GSO_TCPV4, 54, 1000, 34), 16);
            assertEquals(1, queue.queue.enqueueBurst(packets, 2, 1), "segmentation is not offered");
            assertEquals(2, count(guest, Counter.BAD_OFFLOAD));
            assertEquals(1, count(guest, Counter.PACKETS));
            queue.assertUsed(0, 72);
            pool.release(packets, 0, 3);
        }
    }

    @Test
    void aChainWithoutRoomForTheHeaderFencesTheQueueBehindTheGoodOnes() throws ControlException {
        for (long features : new long[] {legacy(), notMergeable(), features()}) {
            for (int[] lengths : new int[][] {{1}, {9}, {4, 5}}) {
                try (TestGuest guest = TestGuest.running(features)) {
                    TestQueue queue = guest.toGuest();
                    queue.accept(0, 200);
                    queue.accept(1, lengths);
                    queue.accept(2, 200);
                    queue.accept(3, 200);
                    for (int i = 0; i < 3; i++) {
                        packets[i] = packet(60, i);
                    }
                    assertEquals(1, queue.queue.enqueueBurst(packets, 0, 3));
                    pool.release(packets, 0, 3);
                    assertEquals(RingViolation.NO_ROOM_FOR_HEADER, queue.queue.violation());
                    assertEquals(1, count(guest, Counter.PACKETS));
                    assertEquals(0, count(guest, Counter.NO_ROOM));
                    queue.assertUsed(0, guest.headerLength() + 60);
                    assertEquals(-1, queue.ring.poll());
                }
            }
        }
    }

    /** Without a check a packet would go into the second chain and be reported with the first. */
    @Test
    void anEmptyChainFencesTheQueue() throws ControlException {
        for (long features : new long[] {legacy(), notMergeable(), features()}) {
            try (TestGuest guest = TestGuest.running(features)) {
                TestQueue queue = guest.toGuest();
                queue.accept(0, 200);
                queue.accept(1, 0, 0);
                queue.accept(2, 200);
                packets[0] = packet(60, 0);
                packets[1] = packet(60, 1);
                assertEquals(1, queue.queue.enqueueBurst(packets, 0, 2));
                assertEquals(RingViolation.EMPTY_CHAIN, queue.queue.violation());
                queue.assertUsed(0, guest.headerLength() + 60);
                assertEquals(-1, queue.ring.poll());
                pool.release(packets, 0, 2);
            }
        }
    }

    @Test
    void aPacketThatCannotBeSentIsTheCallersMistake() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.toGuest();
            for (int i = 0; i < 50; i++) {
                queue.accept(i, 200);
                packets[i] = packet(60, i);
            }
            Packet good = packets[3];
            packets[3] = null;
            assertThrows(NullPointerException.class, () -> queue.queue.enqueueBurst(packets, 0, 32));
            packets[3] = pool.take();
            assertThrows(IllegalArgumentException.class, () -> enqueue(guest, packets), "empty");
            packets[3].release();
            assertThrows(IllegalArgumentException.class, () -> enqueue(guest, packets), "released");
            assertEquals(0, guest.holds());
            assertEquals(0, queue.ring.pending());
            assertEquals(0, queue.call.drain());
            packets[3] = packets[40];
            packets[40] = null;
            assertThrows(NullPointerException.class, () -> queue.queue.enqueueBurst(packets, 0, 50));
            assertEquals(32, queue.ring.pending(), "the first chunk was sent");
            assertTrue(queue.call.drain() > 0, "and the guest is told");
            VirtQueue other = guest.fromGuest().queue;
            assertThrows(IllegalStateException.class, () -> other.enqueueBurst(packets, 0, 1));
            assertThrows(IndexOutOfBoundsException.class, () -> queue.queue.enqueueBurst(packets, 60, 5));
            packets[40] = good;
            pool.release(packets, 0, 50);
        }
    }

    @Test
    void aPacketWhoseMemoryHasGoneCostsTheGuestNoBuffer() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.toGuest();
            queue.accept(0, 200);
            Packet dead;
            try (Arena gone = Arena.ofShared()) {
                dead = PacketPool.over(gone.allocate(PacketPool.slabSize(1, 256), 64), 1, 256, 0).take();
                dead.reset(60);
            }
            assertThrows(IllegalStateException.class, () -> enqueue(guest, dead));
            Packet packet = packet(60, 1);
            assertEquals(1, enqueue(guest, packet));
            queue.assertUsed(0, 72);
            packet.release();
        }
    }

    @Test
    void anEmptyRingIsLeftAlone() throws ControlException {
        try (TestGuest guest = running()) {
            Packet packet = packet(60, 0);
            assertEquals(0, enqueue(guest, packet));
            assertEquals(0, guest.toGuest().queue.enqueueBurst(packets, 0, 0));
            assertEquals(0, guest.toGuest().call.drain());
            assertFalse(count(guest, Counter.INTERRUPTS_SUPPRESSED) > 0);
            packet.release();
        }
    }
}
