package io.vhost.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CaptureBufferTest {
    private static final int CAPACITY = 1024;

    private final CaptureBuffer buffer = new CaptureBuffer(CAPACITY);

    private void put(long bytes, long value) {
        long offset = buffer.claim(bytes);
        assertTrue(offset >= 0);
        buffer.memory().set(ValueLayout.JAVA_LONG, offset + CaptureBuffer.HEADER, value);
        buffer.publish(offset, bytes);
    }

    private long take(int bytes) {
        assertEquals(bytes, buffer.next());
        long value = buffer.memory().get(ValueLayout.JAVA_LONG, buffer.offset() + CaptureBuffer.HEADER);
        buffer.release(bytes);
        return value;
    }

    @Test
    void itHoldsAsMuchAsItHasRoomFor() {
        assertEquals(CaptureBuffer.FULL, buffer.claim(CAPACITY + 8));
        put(CAPACITY - 16, 1);
        assertEquals(CaptureBuffer.FULL, buffer.claim(24));
        put(16, 2);
        assertEquals(CaptureBuffer.FULL, buffer.claim(8));
        assertEquals(1, take(CAPACITY - 16));
        assertEquals(2, take(16));
        assertEquals(0, buffer.next());
        put(CAPACITY, 3);
        assertEquals(3, take(CAPACITY));
        assertTrue(buffer.isEmpty());
    }

    @Test
    void aMessageLiesInOnePiece() {
        put(600, 1);
        assertEquals(1, take(600));
        // 424 are left at the end, and passed over.
        assertEquals(CaptureBuffer.FULL, buffer.claim(608));
        put(600, 2);
        assertEquals(2, take(600));
        assertTrue(buffer.isEmpty());
        put(1024 - 600, 3);
        put(600, 4);
        assertEquals(3, take(424));
        assertEquals(4, take(600));
    }

    @Test
    void whatIsClaimedIsNotPassed() {
        long first = buffer.claim(16);
        put(16, 2);
        assertEquals(0, buffer.next());
        buffer.abandon(first, 16);
        assertEquals(2, take(16));
        assertTrue(buffer.isEmpty());
    }

    @Test
    void aClosedOneTakesNothingButWhatWasClaimed() {
        long first = buffer.claim(16);
        buffer.close();
        buffer.close();
        assertEquals(CaptureBuffer.FULL, buffer.claim(16));
        buffer.publish(first, 16);
        assertEquals(16, buffer.next());
        buffer.release(16);
        assertTrue(buffer.isEmpty());
        buffer.open();
        put(16, 5);
        assertEquals(5, take(16));
    }

    @Test
    void aCapacityIsAPowerOfTwo() {
        assertThrows(IllegalArgumentException.class, () -> new CaptureBuffer(1000));
    }

    /** Each producer's messages come whole, once, and in order; what was refused does not. */
    @Test
    void severalThreadsFillIt() throws InterruptedException {
        int producers = 3;
        int messages = 20_000;
        AtomicLong refused = new AtomicLong();
        List<Thread> threads = IntStream.range(0, producers)
                .mapToObj(number -> Thread.ofPlatform().start(() -> {
            for (long i = 1; i <= messages; i++) {
                int longs = (int) (1 + i % 9);
                long bytes = CaptureBuffer.HEADER + 8L * longs;
                long offset = buffer.claim(bytes);
                if (offset == CaptureBuffer.FULL) {
                    refused.incrementAndGet();
                    Thread.onSpinWait();
                    continue;
                }
                for (int k = 0; k < longs; k++) {
                    buffer.memory().set(ValueLayout.JAVA_LONG, offset + 8 + 8L * k, (long) number << 32 | i);
                }
                buffer.publish(offset, bytes);
            }
        })).toList();
        List<Thread> alive = new ArrayList<>(threads);
        long[] last = new long[producers];
        long taken = 0;
        while (!alive.isEmpty() || !buffer.isEmpty()) {
            alive.removeIf(thread -> !thread.isAlive());
            for (int bytes = buffer.next(); bytes > 0; bytes = buffer.next()) {
                long value = buffer.memory().get(ValueLayout.JAVA_LONG, buffer.offset() + 8);
                int number = (int) (value >>> 32);
                assertTrue((int) value > last[number], "out of order");
                last[number] = (int) value;
                assertEquals(CaptureBuffer.HEADER + 8 * (1 + (int) value % 9), bytes);
                for (int at = 16; at < bytes; at += 8) {
                    assertEquals(value, buffer.memory().get(ValueLayout.JAVA_LONG, buffer.offset() + at));
                }
                buffer.release(bytes);
                taken++;
            }
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals((long) producers * messages, taken + refused.get());
        assertTrue(taken > 0);
    }
}
