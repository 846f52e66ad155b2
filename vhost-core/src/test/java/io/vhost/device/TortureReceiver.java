package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Random;

/**
 * The guest that receives: offers chains of all shapes, checks that they come back in their order with whole
 * packets, and that nobody writes into a buffer that came back.
 */
final class TortureReceiver {
    private static final int AREAS = 120;
    private static final int AREA = 2048;
    private static final byte CANARY = 0x5C;

    private final TestGuest guest;
    private final Random random;
    private final boolean mergeable;
    private final ArrayDeque<Integer> free = new ArrayDeque<>();
    private final ArrayDeque<Integer> offered = new ArrayDeque<>();
    private final MemorySegment assembly = Arena.ofAuto().allocate(64 * 1024, 8);
    private int assembled;
    private int chainsToCome;
    private long packets;
    private long last = -1;

    TortureReceiver(TestGuest guest, Random random, boolean mergeable) {
        this.guest = guest;
        this.random = random;
        this.mergeable = mergeable;
        for (int i = 0; i < AREAS; i++) {
            free.add(i);
            area(i).fill(CANARY);
        }
    }

    private static long offset(int area) {
        return TestGuest.BUFFERS + (long) area * AREA;
    }

    private MemorySegment area(int area) {
        return guest.memory.asSlice(offset(area), AREA);
    }

    void offer() {
        for (int count = random.nextInt(5); count > 0 && guest.toGuest().ring.free() >= 3; count--) {
            int area = free.remove();
            for (long at = 0; at < AREA; at += 8) {
                if (area(area).get(ValueLayout.JAVA_LONG, at) != 0x5C5C5C5C5C5C5C5CL) {
                    throw new AssertionError("a write at " + at + " of a buffer that was returned");
                }
            }
            int length = mergeable ? 100 + random.nextInt(AREA - 100) : AREA;
            int cut = 1 + random.nextInt(length - 2);
            int[] lengths = random.nextInt(3) > 0 ? new int[] {length}
                    : random.nextBoolean() ? new int[] {cut, length - cut}
                    : new int[] {1 + (cut >> 4), length - 2 - (cut >> 4), 1};
            guest.toGuest().acceptAt(offset(area), area, lengths);
            offered.add(area);
        }
    }

    void poll() {
        for (int area = guest.toGuest().ring.poll(); area >= 0; area = guest.toGuest().ring.poll()) {
            assertEquals(offered.remove(), area, "chains are used in the order in which they were offered");
            int length = guest.toGuest().ring.usedLength();
            if (length > 0) {
                collect(area, length);
            } else {
                assertEquals(0, chainsToCome, "a packet failed in its middle");
            }
            area(area).fill(CANARY);
            free.add(area);
        }
    }

    private void collect(int area, int length) {
        if (chainsToCome == 0) {
            chainsToCome = area(area).get(ValueLayout.JAVA_SHORT_UNALIGNED, 10);
            assertTrue(chainsToCome > 0 && (mergeable || chainsToCome == 1), "num_buffers");
            assembled = 0;
        }
        MemorySegment.copy(area(area), 0, assembly, assembled, length);
        assembled += length;
        if (--chainsToCome == 0) {
            assertEquals(0, assembly.get(ValueLayout.JAVA_LONG, 0), "no offloads");
            long sequence =
                    TorturePattern.check(assembly, AsyncFixture.HEADER, assembled - AsyncFixture.HEADER);
            assertTrue(sequence > last, "order of submission");
            last = sequence;
            packets++;
        }
    }

    /** Packets that have arrived whole. */
    long packets() {
        return packets;
    }

    void assertEnd() {
        assertEquals(0, chainsToCome);
    }
}
