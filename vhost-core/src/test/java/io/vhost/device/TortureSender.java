package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayDeque;
import java.util.Random;

/** The guest that sends: chains of all shapes, which are overwritten as soon as they come back. */
final class TortureSender {
    private static final int AREAS = 100;
    private static final int AREA = 2048;

    private final TestGuest guest;
    private final Random random;
    private final ArrayDeque<Integer> free = new ArrayDeque<>();
    private final ArrayDeque<Integer> sent = new ArrayDeque<>();
    private long sequence;
    private long takenBack;

    TortureSender(TestGuest guest, Random random) {
        this.guest = guest;
        this.random = random;
        for (int i = 0; i < AREAS; i++) {
            free.add(i);
        }
    }

    private static long offset(int area) {
        return TestGuest.BUFFERS + 0x8_0000L + (long) area * AREA;
    }

    void send() {
        for (int count = random.nextInt(5); count > 0 && guest.fromGuest().ring.free() >= 3; count--) {
            int area = free.remove();
            int length = 12 + random.nextInt(1400);
            TorturePattern.fill(guest.memory, offset(area) + AsyncFixture.HEADER, sequence++, length);
            int total = length + AsyncFixture.HEADER;
            byte[] frame = new byte[total];
            java.lang.foreign.MemorySegment.copy(guest.memory, java.lang.foreign.ValueLayout.JAVA_BYTE,
                    offset(area) + AsyncFixture.HEADER, frame, AsyncFixture.HEADER, length);
            int cut = 1 + random.nextInt(total - 1);
            guest.fromGuest().sendAt(offset(area), frame, offer(area, total, cut));
        }
    }

    private int[] offer(int area, int total, int cut) {
        sent.add(area);
        return random.nextBoolean() ? new int[] {total} : new int[] {cut, total - cut};
    }

    void poll() {
        while (guest.fromGuest().ring.poll() >= 0) {
            int area = sent.remove();
            guest.memory.asSlice(offset(area), AREA).fill((byte) 0xEE);
            free.add(area);
            takenBack++;
            assertEquals(0, guest.fromGuest().ring.usedLength());
        }
    }

    long takenBack() {
        return takenBack;
    }
}
