package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.net.Packet;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Packets that say which they are: number, length, and bytes that follow from the number. */
final class TorturePattern {
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private TorturePattern() {}

    static void fill(Packet packet, long sequence, int length) {
        packet.reset(length);
        fill(packet.segment(), packet.dataOffset(), sequence, length);
    }

    static void fill(MemorySegment memory, long at, long sequence, int length) {
        memory.set(LONG, at, sequence);
        memory.set(INT, at + 8, length);
        for (int i = 12; i < length; i++) {
            memory.set(ValueLayout.JAVA_BYTE, at + i, (byte) (sequence * 31 + i));
        }
    }

    static long check(Packet packet) {
        return check(packet.segment(), packet.dataOffset(), packet.length());
    }

    /** The number of a packet that must be complete. */
    static long check(MemorySegment memory, long at, int length) {
        long sequence = memory.get(LONG, at);
        assertEquals(length, memory.get(INT, at + 8), "length of packet " + sequence);
        for (int i = 12; i < length; i++) {
            if (memory.get(ValueLayout.JAVA_BYTE, at + i) != (byte) (sequence * 31 + i)) {
                throw new AssertionError("byte " + i + " of packet " + sequence);
            }
        }
        return sequence;
    }
}
