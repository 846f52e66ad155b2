package io.vhost.app.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TestPatternTest {
    private static final long TO = 0x02_00_00_00_00_0BL;
    private static final long FROM = 0x02_00_00_00_00_0AL;

    private final PacketPool pool = PacketPool.create(1, 10_000);
    private final Packet packet = pool.take();
    private final TestPattern pattern = new TestPattern(TO, FROM, 0);

    @AfterEach
    void release() {
        packet.release();
        pool.close();
    }

    @Test
    void everyByteCounts() {
        for (int sequence : new int[] {0, 1, 16, 12_345}) {
            pattern.fill(packet, sequence, 1);
            for (int i = 0; i < packet.length(); i++) {
                int before = packet.byteAt(i);
                packet.putByte(i, before ^ 0x80);
                // The time's value is free, but whether there is one is not.
                boolean time = i >= 24 && i < 32 && TestPattern.carriesTime(sequence);
                assertEquals(time, pattern.matches(packet, sequence), "byte " + i);
                packet.putByte(i, before);
            }
            assertTrue(pattern.matches(packet, sequence));
        }
    }

    @Test
    void theLengthCounts() {
        pattern.fill(packet, 5, 1);
        packet.append(1);
        assertFalse(pattern.matches(packet, 5));
        packet.trimTail(2);
        assertFalse(pattern.matches(packet, 5));
    }

    @Test
    void anotherPacketWithThisNumberIsNoMatch() {
        TestPattern fixed = new TestPattern(TO, FROM, 1000);
        for (int sequence = 1; sequence < 1000; sequence++) {
            fixed.fill(packet, sequence, 1);
            packet.putNetworkLong(16, sequence + 16);
            assertFalse(fixed.matches(packet, sequence + 16));
        }
    }

    @Test
    void lengthsVaryOverTheWholeRange() {
        int shortest = Integer.MAX_VALUE;
        int longest = 0;
        long sum = 0;
        for (int sequence = 0; sequence < 100_000; sequence++) {
            int length = pattern.length(sequence);
            shortest = Math.min(shortest, length);
            longest = Math.max(longest, length);
            sum += length;
        }
        assertEquals(TestPattern.MIN_LENGTH, shortest);
        assertEquals(TestPattern.MAX_VARIED_LENGTH, longest);
        assertEquals((60 + 1514) / 2.0, sum / 100_000.0, 20);
    }

    @Test
    void aPacketOnItsWayBackHasItsAddressesSwapped() {
        pattern.fill(packet, 7, 1);
        assertFalse(pattern.swapped().matches(packet, 7));
        packet.putNetworkLong(0, FROM << 16 | TO >>> 32);
        packet.putNetworkInt(8, (int) TO);
        assertTrue(pattern.swapped().matches(packet, 7));
    }

    @Test
    void aPacketTooShortForANumberHasNone() {
        packet.reset(TestPattern.MIN_LENGTH - 1);
        assertEquals(-1, TestPattern.sequence(packet));
    }
}
