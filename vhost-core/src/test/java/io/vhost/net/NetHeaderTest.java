package io.vhost.net;

import static io.vhost.net.NetHeader.isPlausible;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NetHeaderTest {
    @Test
    void theHeaderIsTenBytesOnlyForALegacyDriverWithoutMergeableBuffers() {
        assertEquals(10, NetHeader.length(false, false));
        assertEquals(12, NetHeader.length(true, false));
        assertEquals(12, NetHeader.length(false, true));
        assertEquals(12, NetHeader.length(true, true));
    }

    @Test
    void theWordIsTheFirstEightBytesOfTheHeader() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment header = arena.allocate(8);
            byte[] bytes = {1, 4, 0x36, 0x01, (byte) 0xA8, (byte) 0x85, 0x22, (byte) 0x90};
            MemorySegment.copy(bytes, 0, header, ValueLayout.JAVA_BYTE, 0, 8);
            long word = header.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
            assertEquals(1, NetHeader.flags(word));
            assertEquals(4, NetHeader.gsoType(word));
            assertEquals(0x0136, NetHeader.headerLength(word));
            assertEquals(0x85A8, NetHeader.gsoSize(word));
            assertEquals(0x9022, NetHeader.checksumStart(word));
            assertEquals(word, NetHeader.offload(1, 4, 0x0136, 0x85A8, 0x9022));
        }
    }

    @Test
    void takingAWordApartAndPuttingItTogetherGivesTheWord() {
        Random random = new Random(2);
        for (int i = 0; i < 10_000; i++) {
            long word = random.nextLong();
            assertEquals(word, NetHeader.offload(NetHeader.flags(word), NetHeader.gsoType(word),
                    NetHeader.headerLength(word), NetHeader.gsoSize(word), NetHeader.checksumStart(word)));
        }
    }

    @Test
    void honestOffloadsArePlausible() {
        assertTrue(isPlausible(0, 0, 0));
        assertTrue(isPlausible(NetHeader.offload(1, 0, 0, 0, 34), 16, 60));
        assertTrue(isPlausible(NetHeader.offload(1, NetHeader.GSO_TCPV4, 54, 1448, 34), 16, 4000));
        int congested = NetHeader.GSO_TCPV6 | NetHeader.GSO_ECN;
        assertTrue(isPlausible(NetHeader.offload(1, congested, 0, 1, 54), 16, 100));
        assertTrue(isPlausible(NetHeader.offload(1, NetHeader.GSO_UDP_L4, 42, 1472, 34), 6, 9000));
        assertTrue(isPlausible(NetHeader.offload(NetHeader.DATA_VALID, 0, 0, 0, 0xFFFF), 0xFFFF, 1));
    }

    @Test
    void hostileOffloadsAreNot() {
        assertFalse(isPlausible(NetHeader.offload(1, 0, 0, 0, 59), 0, 60));
        assertTrue(isPlausible(NetHeader.offload(1, 0, 0, 0, 58), 0, 60));
        assertFalse(isPlausible(NetHeader.offload(1, 0, 0, 0, 0), 59, 60));
        assertFalse(isPlausible(NetHeader.offload(1, 0, 0, 0, 0xFFFF), 0xFFFF, 0xFFFF));
        assertFalse(isPlausible(NetHeader.offload(1, NetHeader.GSO_TCPV4, 54, 0, 34), 16, 4000));
        assertFalse(isPlausible(NetHeader.offload(0, NetHeader.GSO_TCPV4, 54, 1448, 34), 16, 4000));
        assertFalse(isPlausible(NetHeader.offload(1, NetHeader.GSO_TCPV4, 4000, 1448, 34), 16, 4000));
        assertFalse(isPlausible(NetHeader.offload(1, 2, 54, 1448, 34), 16, 4000));
        assertFalse(isPlausible(NetHeader.offload(1, NetHeader.GSO_ECN, 54, 1448, 34), 16, 4000));
        assertFalse(isPlausible(NetHeader.offload(1, 0xFF, 54, 1448, 34), 16, 4000));
    }
}
