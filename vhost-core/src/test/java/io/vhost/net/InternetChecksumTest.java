package io.vhost.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class InternetChecksumTest {
    private static final int CAPACITY = 70_000;

    private final Random random = new Random(3);
    private final PacketPool pool = PacketPool.create(1, CAPACITY + PacketPool.DEFAULT_HEADROOM);
    private final Packet packet = pool.take();

    @AfterEach
    void close() {
        packet.release();
        pool.close();
    }

    @Test
    void theSumIsTheOneOfTheStandardForAnyLengthAndAlignment() {
        byte[] bytes = new byte[300];
        for (int length = 0; length < 280; length++) {
            random.nextBytes(bytes);
            packet.copyFrom(bytes, 0, bytes.length);
            int start = length % 17;
            assertEquals(naiveSum(bytes, start, start + length),
                    InternetChecksum.sum(packet.segment(), packet.dataOffset() + start, length));
        }
    }

    @Test
    void carriesSurviveInLongPackets() {
        byte[] bytes = new byte[CAPACITY];
        for (int length : new int[] {65_535, 65_536, 69_999, 70_000}) {
            Arrays.fill(bytes, (byte) 0xFF);
            packet.copyFrom(bytes, 0, length);
            assertEquals(naiveSum(bytes, 0, length),
                    InternetChecksum.sum(packet.segment(), packet.dataOffset(), length));
            random.nextBytes(bytes);
            packet.copyFrom(bytes, 0, length);
            assertEquals(naiveSum(bytes, 0, length),
                    InternetChecksum.sum(packet.segment(), packet.dataOffset(), length));
        }
    }

    @Test
    void theExampleOfTheStandardSumsUp() {
        packet.reset(8);
        packet.putNetworkLong(0, 0x0001_f203_f4f5_f6f7L);
        assertEquals(0xddf2, InternetChecksum.sum(packet.segment(), packet.dataOffset(), 8));
    }

    @Test
    void aCompletedPacketVerifies() {
        for (int i = 0; i < 2000; i++) {
            byte[] bytes = new byte[20 + random.nextInt(1600)];
            random.nextBytes(bytes);
            int start = random.nextInt(bytes.length - 2);
            int offset = random.nextInt(bytes.length - start - 1) & ~1;
            int pseudoHeader = ((bytes[start + offset] & 0xFF) << 8) | (bytes[start + offset + 1] & 0xFF);
            packet.copyFrom(bytes, 0, bytes.length);
            packet.requestChecksum(start, offset);

            assertTrue(InternetChecksum.complete(packet));

            assertFalse(packet.needsChecksum());
            assertEquals(0, packet.offload());
            byte[] done = new byte[bytes.length];
            packet.copyTo(done, 0);
            // The receiver adds the pseudo header itself: all ones is what a right checksum gives.
            assertEquals(0xFFFF, add(naiveSum(done, start, done.length), pseudoHeader));
            done[start + offset] = bytes[start + offset];
            done[start + offset + 1] = bytes[start + offset + 1];
            assertArrayEquals(bytes, done);
        }
    }

    @Test
    void aChecksumOfZeroIsWrittenAsAllOnes() {
        packet.copyFrom(new byte[] {(byte) 0xFF, (byte) 0xFE, 0, 1}, 0, 4);
        packet.requestChecksum(0, 2);
        assertTrue(InternetChecksum.complete(packet));
        assertEquals(0xFFFF, packet.networkShortAt(2));
    }

    @Test
    void aPacketThatAsksForNothingIsLeftAlone() {
        packet.copyFrom(new byte[] {1, 2, 3, 4}, 0, 4);
        packet.offload(NetHeader.offload(NetHeader.DATA_VALID, 0, 0, 0, 0), 0);
        assertTrue(InternetChecksum.complete(packet));
        assertEquals(0x0102_0304, packet.networkIntAt(0));
        assertTrue(packet.dataValid());
    }

    @Test
    void aPacketToBeSegmentedIsLeftAlone() {
        packet.reset(4000);
        long word = NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 54, 1448, 34);
        packet.offload(word, 16);
        assertFalse(InternetChecksum.complete(packet));
        assertEquals(word, packet.offload());
    }

    @Test
    void hostileStartsAndOffsetsAreRefusedAndTouchNothing() {
        int[] values = new int[200];
        for (int i = 0; i < 100; i++) {
            values[i] = i;
            values[100 + i] = i % 2 == 0 ? 0xFFFF - i : random.nextInt(0x1_0000);
        }
        byte[] bytes = new byte[CAPACITY];
        random.nextBytes(bytes);
        for (int length : new int[] {0, 1, 2, 3, 60, 61}) {
            packet.copyFrom(bytes, 0, bytes.length);
            packet.trimTail(bytes.length - length);
            for (int start : values) {
                for (int offset : values) {
                    packet.offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, 0, 0, 0, start), offset);
                    boolean possible = start + offset + 2 <= length;
                    assertEquals(possible, InternetChecksum.complete(packet));
                    assertEquals(possible, !packet.needsChecksum());
                }
            }
            byte[] after = new byte[CAPACITY];
            packet.append(bytes.length - length);
            packet.copyTo(after, 0);
            System.arraycopy(bytes, 0, after, 0, length);
            assertArrayEquals(bytes, after, "bytes behind the packet changed");
        }
    }

    private static int naiveSum(byte[] bytes, int from, int to) {
        int sum = 0;
        for (int i = from; i < to; i += 2) {
            int second = i + 1 < to ? bytes[i + 1] & 0xFF : 0;
            sum = add(sum, ((bytes[i] & 0xFF) << 8) | second);
        }
        return sum;
    }

    private static int add(int a, int b) {
        int sum = a + b;
        return sum > 0xFFFF ? sum - 0xFFFF : sum;
    }
}
