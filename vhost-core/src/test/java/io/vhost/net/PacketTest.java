package io.vhost.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class PacketTest {
    private final PacketPool pool = PacketPool.create(4, 1024);
    private final Packet packet = pool.take();

    @AfterEach
    void nothingLeaks() {
        if (packet.isHeld()) {
            packet.release();
        }
        pool.close();
    }

    @Test
    void aTakenPacketIsEmptyAndAsksForNothing() {
        packet.reset(100);
        packet.prepend(20);
        packet.offload(-1, -1);
        packet.release();
        Packet again = pool.take();
        assertEquals(packet, again);
        assertEquals(0, again.length());
        assertEquals(128, again.headroom());
        assertEquals(896, again.tailroom());
        assertEquals(896, again.capacity());
        assertEquals(0, again.offload());
        assertEquals(0, again.checksumOffset());
    }

    /** In flight it is as out of reach as in its pool, and comes back as it was. */
    @Test
    void aPacketInFlightIsNobodysButItsQueues() {
        packet.reset(60);
        packet.prepend(8);
        packet.inFlight(true);
        assertTrue(packet.isInFlight());
        assertTrue(packet.length() < 0);
        assertEquals("Packet[index=0, in flight]", packet.toString());
        for (Executable use : List.<Executable>of(() -> packet.reset(1), () -> packet.prepend(0),
                () -> packet.append(0), () -> packet.trimHead(0), () -> packet.trimTail(0),
                () -> packet.byteAt(0), () -> packet.putByte(0, 1), packet::asSlice,
                () -> packet.copyTo(new byte[60], 0), packet::release, () -> packet.inFlight(true))) {
            String text = assertThrows(IllegalStateException.class, use).getMessage();
            assertTrue(text.contains("in flight"), text);
        }
        String leak = assertThrows(IllegalStateException.class, pool::close).getMessage();
        assertTrue(leak.contains("by index [0]"), leak);
        packet.inFlight(false);
        assertFalse(packet.isInFlight());
        assertEquals(68, packet.length());
        assertThrows(IllegalStateException.class, () -> packet.inFlight(false));
        packet.release();
        assertFalse(packet.isInFlight());
        assertThrows(IllegalStateException.class, () -> packet.inFlight(false));
        assertThrows(IllegalStateException.class, () -> packet.inFlight(true));
        assertTrue(packet.length() < 0);
    }

    @Test
    void theWindowMovesWithinTheBuffer() {
        packet.reset(60);
        long start = packet.dataOffset();
        packet.prepend(14);
        assertWindow(start - 14, 74, 114, 836);
        packet.append(6);
        assertWindow(start - 14, 80, 114, 830);
        packet.trimHead(20);
        assertWindow(start + 6, 60, 134, 830);
        packet.trimTail(50);
        assertWindow(start + 6, 10, 134, 880);
        packet.prepend(134);
        packet.append(880);
        assertWindow(start - 128, 1024, 0, 0);
    }

    private void assertWindow(long dataOffset, int length, int headroom, int tailroom) {
        assertEquals(dataOffset, packet.dataOffset());
        assertEquals(length, packet.length());
        assertEquals(headroom, packet.headroom());
        assertEquals(tailroom, packet.tailroom());
    }

    @Test
    void theWindowCannotLeaveTheBuffer() {
        packet.reset(60);
        List<Executable> refused = List.of(() -> packet.reset(897), () -> packet.reset(-1),
                () -> packet.prepend(129), () -> packet.prepend(-1), () -> packet.append(837),
                () -> packet.append(-1), () -> packet.trimHead(61), () -> packet.trimHead(-1),
                () -> packet.trimTail(61), () -> packet.trimTail(-1), () -> packet.append(Integer.MAX_VALUE),
                () -> packet.prepend(Integer.MIN_VALUE));
        long start = packet.dataOffset();
        for (Executable call : refused) {
            assertThrows(IllegalArgumentException.class, call);
            assertWindow(start, 60, 128, 836);
        }
    }

    @Test
    void aReleasedPacketRefusesUse() {
        packet.reset(60);
        packet.release();
        assertTrue(packet.length() < 0);
        assertTrue(packet.dataOffset() < 0);
        List<Executable> refused = List.of(() -> packet.reset(0), () -> packet.prepend(0),
                () -> packet.append(0), () -> packet.append(1000), () -> packet.trimHead(0),
                () -> packet.trimTail(0), () -> packet.byteAt(0), () -> packet.networkLongAt(0),
                () -> packet.putNetworkShort(0, 1),
                () -> packet.copyFrom(new byte[4], 0, 4), () -> packet.copyTo(new byte[100], 0),
                () -> packet.copyTo(0, new byte[1], 0, 0), () -> packet.putBytes(0, new byte[1], 0, 1),
                () -> packet.copyTo(pool.segment(), 0), () -> packet.asSlice(),
                () -> packet.requestChecksum(0, 0));
        packet.offload(NetHeader.NEEDS_CHECKSUM, 0);
        for (Executable call : refused) {
            String text = assertThrows(IllegalStateException.class, call).getMessage();
            assertTrue(text.contains("packet " + packet.index() + " is in its pool"), text);
        }
        assertFalse(InternetChecksum.complete(packet));
        assertEquals(4, pool.available());
        Packet other = pool.take();
        assertEquals(packet, other);
        Packet second = pool.take();
        other.release();
        assertThrows(IllegalStateException.class, () -> second.copyFrom(other));
        second.release();
    }

    @Test
    void numbersAreInNetworkOrderAtAnyAlignment() {
        byte[] bytes = new byte[64];
        new Random(1).nextBytes(bytes);
        ByteBuffer expected = ByteBuffer.wrap(bytes);
        packet.copyFrom(bytes, 0, 64);
        for (int i = 0; i <= 56; i++) {
            assertEquals(bytes[i] & 0xFF, packet.byteAt(i));
            assertEquals(expected.getShort(i) & 0xFFFF, packet.networkShortAt(i));
            assertEquals(expected.getInt(i), packet.networkIntAt(i));
            assertEquals(expected.getLong(i), packet.networkLongAt(i));
        }
        packet.putByte(1, 0x1FE);
        packet.putNetworkShort(3, 0x1_2345);
        packet.putNetworkInt(7, 0x8901_2345);
        packet.putNetworkLong(13, 0x8123_4567_89AB_CDEFL);
        expected.put(1, (byte) 0xFE).putShort(3, (short) 0x2345).putInt(7, 0x8901_2345)
                .putLong(13, 0x8123_4567_89AB_CDEFL);
        byte[] actual = new byte[64];
        packet.copyTo(actual, 0);
        assertArrayEquals(bytes, actual);
    }

    @Test
    void accessStopsAtTheEndsOfTheData() {
        packet.reset(8);
        packet.putNetworkLong(0, 1);
        packet.putNetworkInt(4, 1);
        packet.putNetworkShort(6, 1);
        packet.putByte(7, 1);
        List<Executable> outside = List.of(() -> packet.byteAt(8), () -> packet.byteAt(-1),
                () -> packet.networkShortAt(7), () -> packet.networkIntAt(5), () -> packet.networkLongAt(1),
                () -> packet.networkLongAt(-1), () -> packet.networkLongAt(Integer.MAX_VALUE),
                () -> packet.putByte(8, 0), () -> packet.putNetworkShort(-1, 0),
                () -> packet.putNetworkInt(5, 0), () -> packet.putNetworkLong(Integer.MIN_VALUE, 0));
        for (Executable call : outside) {
            assertThrows(IndexOutOfBoundsException.class, call);
        }
    }

    @Test
    void copyingInReplacesTheDataAndOut() {
        packet.prepend(5);
        packet.offload(7, 7);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(300);
            for (int i = 0; i < 300; i++) {
                memory.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 7));
            }
            packet.copyFrom(memory, 3, 290);
            assertEquals(290, packet.length());
            assertEquals(128, packet.headroom());
            assertEquals(0, packet.offload());
            MemorySegment out = arena.allocate(300);
            packet.copyTo(out, 10);
            assertEquals(-1, MemorySegment.mismatch(memory, 3, 293, out, 10, 300));
            assertEquals(-1, MemorySegment.mismatch(memory, 3, 293, packet.asSlice(), 0, 290));
            assertThrows(IndexOutOfBoundsException.class, () -> packet.copyTo(out, 11));
            assertThrows(IndexOutOfBoundsException.class, () -> packet.copyFrom(memory, 290, 11));
            assertThrows(IllegalArgumentException.class, () -> packet.copyFrom(memory, 0, -1));
            assertThrows(IllegalArgumentException.class, () -> packet.copyFrom(new byte[1000], 0, 897));
            assertThrows(IndexOutOfBoundsException.class, () -> packet.copyFrom(new byte[10], 1, 10));
            assertThrows(IndexOutOfBoundsException.class, () -> packet.copyTo(new byte[289], 0));
            MemorySegment heap = MemorySegment.ofArray(new byte[300]);
            assertThrows(IllegalArgumentException.class, () -> packet.copyFrom(heap, 0, 1));
            assertThrows(IllegalArgumentException.class, () -> packet.copyTo(heap, 0));
            assertEquals(290, packet.length());
        }
    }

    @Test
    void partsOfTheDataAreReadAndWrittenWhereTheyLie() {
        byte[] data = new byte[20];
        for (int i = 0; i < data.length; i++) {
            data[i] = (byte) i;
        }
        packet.copyFrom(data, 0, 20);
        byte[] part = new byte[8];
        packet.copyTo(14, part, 2, 6);
        assertArrayEquals(new byte[] {0, 0, 14, 15, 16, 17, 18, 19}, part);
        packet.prepend(4);
        packet.putBytes(0, part, 2, 4);
        assertEquals(0x0E0F_1011, packet.networkIntAt(0));
        assertEquals(0, packet.byteAt(4));
        packet.putBytes(24, part, 8, 0);
        packet.copyTo(24, part, 8, 0);
        assertThrows(IndexOutOfBoundsException.class, () -> packet.copyTo(20, part, 0, 5));
        assertThrows(IndexOutOfBoundsException.class, () -> packet.copyTo(-1, part, 0, 5));
        assertThrows(IndexOutOfBoundsException.class, () -> packet.copyTo(0, part, 0, 9));
        assertThrows(IndexOutOfBoundsException.class, () -> packet.copyTo(0, part, 0, -1));
        assertThrows(IndexOutOfBoundsException.class, () -> packet.putBytes(20, part, 0, 5));
        assertThrows(IndexOutOfBoundsException.class, () -> packet.putBytes(-1, part, 0, 5));
        assertThrows(IndexOutOfBoundsException.class, () -> packet.putBytes(1, part, 4, 5));
        assertThrows(IndexOutOfBoundsException.class, () -> packet.putBytes(0, part, 0, Integer.MAX_VALUE));
        assertEquals(0x0E0F_1011, packet.networkIntAt(0));
        assertEquals(19, packet.byteAt(23));
    }

    @Test
    void aCopyOfAPacketHasItsDataAndItsOffloads() {
        packet.copyFrom(new byte[] {1, 2, 3, 4, 5}, 0, 5);
        packet.trimHead(1);
        packet.offload(0x1234_5678_9ABC_DEF1L, 16);
        Packet twin = pool.take();
        twin.copyFrom(packet);
        assertEquals(128, twin.headroom());
        assertEquals(0x0203_0405, twin.networkIntAt(0));
        assertEquals(packet.offload(), twin.offload());
        assertEquals(16, twin.checksumOffset());
        packet.copyFrom(packet);
        assertEquals(128, packet.headroom());
        assertEquals(0x0203_0405, packet.networkIntAt(0));
        assertEquals(twin.offload(), packet.offload());
        twin.release();
    }

    @Test
    void offloadFieldsAreTheHeaderInOneWord() {
        packet.reset(1);
        packet.offload(0xCCBB_AA99_8877_0601L, 0x1_EEDD);
        assertTrue(packet.needsChecksum());
        assertFalse(packet.dataValid());
        assertEquals(6, packet.gsoType());
        assertEquals(0x8877, packet.headerLength());
        assertEquals(0xAA99, packet.gsoSize());
        assertEquals(0xCCBB, packet.checksumStart());
        assertEquals(0xEEDD, packet.checksumOffset());
        packet.offload(NetHeader.DATA_VALID, 0);
        assertTrue(packet.dataValid());
        packet.clearOffload();
        assertEquals(0, packet.offload());
    }

    @Test
    void aChecksumRequestKeepsTheSegmentationRequest() {
        packet.reset(100);
        packet.offload(NetHeader.offload(0, NetHeader.GSO_TCPV4, 54, 1448, 9), 3);
        packet.requestChecksum(34, 16);
        assertEquals(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 54, 1448, 34),
                packet.offload());
        assertEquals(16, packet.checksumOffset());
        packet.requestChecksum(34, 64);
        assertThrows(IllegalArgumentException.class, () -> packet.requestChecksum(34, 65));
        assertThrows(IllegalArgumentException.class, () -> packet.requestChecksum(-1, 0));
        assertThrows(IllegalArgumentException.class, () -> packet.requestChecksum(0, -1));
        assertThrows(IllegalArgumentException.class, () -> packet.requestChecksum(0x1_0000, 0));
    }

    /** The header has sixteen bits for each. */
    @Test
    void aChecksumMayLieAsFarAwayAsTheHeaderCanTell() {
        try (PacketPool large = PacketPool.create(1, 0x2_0100)) {
            Packet far = large.take();
            far.reset(0x2_0000);
            far.requestChecksum(0, 0);
            far.requestChecksum(0xFFFF, 0xFFFF - 1);
            assertThrows(IllegalArgumentException.class, () -> far.requestChecksum(0xFFFF, 0x1_0000));
            assertThrows(IllegalArgumentException.class, () -> far.requestChecksum(0x1_0000, 0));
            far.requestChecksum(0, 0xFFFF);
            assertEquals(0xFFFF, far.checksumOffset());
            assertThrows(IllegalArgumentException.class, () -> far.requestChecksum(0, 0x1_0000));
            far.release();
        }
    }

    @Test
    void offloadsKeepNamingTheSameBytesWhenTheStartMoves() {
        packet.reset(100);
        packet.offload(NetHeader.offload(1, NetHeader.GSO_TCPV6, 74, 1400, 54), 16);
        packet.prepend(4);
        assertEquals(NetHeader.offload(1, NetHeader.GSO_TCPV6, 78, 1400, 58), packet.offload());
        packet.trimHead(58);
        assertEquals(NetHeader.offload(1, NetHeader.GSO_TCPV6, 20, 1400, 0), packet.offload());
        packet.trimHead(1);
        assertEquals(NetHeader.offload(0, NetHeader.GSO_TCPV6, 19, 1400, 0), packet.offload());
        packet.trimHead(30);
        assertEquals(NetHeader.offload(0, NetHeader.GSO_TCPV6, 0, 1400, 0), packet.offload());
        packet.offload(NetHeader.offload(1, 0, 0xFFFF, 0, 0xFFFF), 0);
        packet.prepend(1);
        assertEquals(NetHeader.offload(0, 0, 0xFFFF, 0, 0), packet.offload());
        packet.offload(NetHeader.offload(NetHeader.DATA_VALID, 0, 0, 0, 5), 0);
        packet.prepend(1);
        assertEquals(NetHeader.offload(NetHeader.DATA_VALID, 0, 0, 0, 5), packet.offload());
    }
}
