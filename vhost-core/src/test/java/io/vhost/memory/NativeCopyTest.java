package io.vhost.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NativeCopyTest {
    private static final int GUARD = 128;
    private static final int LONGEST = 2100;
    private static final int SIZE = GUARD + LONGEST + GUARD;
    private static final int[] ALIGNMENTS = {0, 1, 2, 4, 7, 8, 12, 31, 63};

    @Test
    void everyLengthAtEveryAlignmentCopiesThoseBytesAndNoOthers() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment source = random(arena);
            MemorySegment target = arena.allocate(SIZE, 64);
            MemorySegment expected = arena.allocate(SIZE, 64);
            for (int from : ALIGNMENTS) {
                for (int to : ALIGNMENTS) {
                    for (int length = 0; length <= LONGEST; length++) {
                        target.fill((byte) 0xA5);
                        expected.fill((byte) 0xA5);
                        naiveCopy(source, from, expected, GUARD + to, length);
                        NativeCopy.copy(source, from, target, GUARD + to, length);
                        if (expected.mismatch(target) != -1) {
                            assertEquals(-1, expected.mismatch(target),
                                    "length=" + length + " from=" + from + " to=" + to);
                        }
                    }
                }
            }
        }
    }

    @Test
    void rangesMayOverlap() {
        try (Arena arena = Arena.ofConfined()) {
            for (int distance : new int[] {-64, -17, -1, 0, 1, 17, 64}) {
                for (int length = 0; length <= 300; length++) {
                    MemorySegment both = random(arena);
                    MemorySegment expected = arena.allocate(SIZE);
                    MemorySegment.copy(both, 0, expected, 0, SIZE);
                    naiveCopy(both, GUARD, expected, GUARD + distance, length);
                    NativeCopy.copy(both, GUARD, both, GUARD + distance, length);
                    assertEquals(-1, expected.mismatch(both));
                }
            }
        }
    }

    @Test
    void theLastBytesOfASegmentCanBeCopiedAndNotOneMore() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment source = random(arena);
            MemorySegment target = arena.allocate(SIZE);
            for (int length = 0; length <= LONGEST; length++) {
                int count = length;
                long last = (long) SIZE - count;
                NativeCopy.copy(source, last, target, last, count);
                assertThrows(IndexOutOfBoundsException.class,
                        () -> NativeCopy.copy(source, last + 1, target, 0, count));
                assertThrows(IndexOutOfBoundsException.class,
                        () -> NativeCopy.copy(source, 0, target, last + 1, count));
            }
            assertThrows(IndexOutOfBoundsException.class, () -> NativeCopy.copy(source, -1, target, 0, 4));
            assertThrows(IndexOutOfBoundsException.class, () -> NativeCopy.copy(source, 0, target, -1, 4));
            assertThrows(IndexOutOfBoundsException.class, () -> NativeCopy.copy(source, 0, target, 0, -1));
            assertThrows(IndexOutOfBoundsException.class,
                    () -> NativeCopy.copy(source, Long.MAX_VALUE, target, 0, 4));
        }
    }

    @Test
    void aSegmentOnTheHeapIsRefused() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(64);
            MemorySegment heap = MemorySegment.ofArray(new byte[64]);
            assertThrows(IllegalArgumentException.class, () -> NativeCopy.copy(heap, 0, memory, 0, 4));
            assertThrows(IllegalArgumentException.class, () -> NativeCopy.copy(memory, 0, heap, 0, 4));
            MemorySegment readOnly = memory.asReadOnly();
            assertThrows(IllegalArgumentException.class, () -> NativeCopy.copy(memory, 0, readOnly, 0, 4));
        }
    }

    @Test
    void aClosedSegmentIsRefused() {
        MemorySegment closed;
        try (Arena arena = Arena.ofConfined()) {
            closed = arena.allocate(64);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(64);
            assertThrows(IllegalStateException.class, () -> NativeCopy.copy(closed, 0, memory, 0, 4));
            assertThrows(IllegalStateException.class, () -> NativeCopy.copy(memory, 0, closed, 0, 4));
        }
    }

    private static MemorySegment random(Arena arena) {
        byte[] bytes = new byte[SIZE];
        new Random(4).nextBytes(bytes);
        MemorySegment segment = arena.allocate(SIZE, 64);
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, SIZE);
        return segment;
    }

    private static void naiveCopy(
            MemorySegment source, long from, MemorySegment target, long to, int length) {
        for (int i = 0; i < length; i++) {
            target.set(ValueLayout.JAVA_BYTE, to + i, source.get(ValueLayout.JAVA_BYTE, from + i));
        }
    }
}
