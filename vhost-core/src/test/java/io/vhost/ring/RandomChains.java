package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.ValueLayout;
import java.util.Random;

/** Chains with random buffers, and their contents: each chain in flight has a slot of guest memory. */
final class RandomChains {
    private static final int MAX_BUFFERS = 8;
    private static final int MAX_LENGTH = 40;
    private static final int STRIDE = MAX_BUFFERS * MAX_LENGTH;

    private final GuestWindow window;
    private final Random random;
    private final int slots;
    private final Buffer[][] made;

    RandomChains(GuestWindow window, Random random, int slots) {
        this.window = window;
        this.random = random;
        this.slots = slots;
        this.made = new Buffer[slots][];
    }

    /** The first slots lie across the border of two regions, with a good chance that a buffer does. */
    private long slot(int token) {
        return GuestWindow.NEXT + STRIDE - STRIDE / 2 - (long) STRIDE * (token % slots);
    }

    private static byte pattern(int token, int position) {
        return (byte) (token * 31 + position * 7 + 1);
    }

    long table(int token) {
        return GuestWindow.BUFFERS + (long) (token % slots) * 16 * MAX_BUFFERS;
    }

    /** Buffers of the chain with this token, readable ones filled; the same until the chain has come back. */
    Buffer[] make(int token, boolean deviceWrites) {
        if (made[token % slots] != null) {
            return made[token % slots];
        }
        int count = 1 + random.nextInt(Math.min(slots, MAX_BUFFERS));
        Buffer[] buffers = new Buffer[count];
        long address = slot(token);
        int total = 0;
        for (int i = 0; i < count; i++) {
            int length = i == 0 ? 1 + random.nextInt(MAX_LENGTH) : random.nextInt(MAX_LENGTH + 1);
            buffers[i] = new Buffer(address, length);
            address += length;
            total += length;
        }
        made[token % slots] = buffers;
        for (int i = 0; !deviceWrites && i < total; i++) {
            window.set(slot(token) + i, pattern(token, i));
        }
        return buffers;
    }

    /** The device's work on a chain: compares what is to be read, or writes a part; how much it wrote. */
    int deviceUses(ChainBatch batch, int chain, int token, boolean deviceWrites, String text) {
        Buffer[] buffers = made[token % slots];
        int total = 0;
        for (Buffer buffer : buffers) {
            total += buffer.length();
        }
        assertEquals(total, batch.length(chain), text);
        int limit = deviceWrites ? random.nextInt(total + 1) : total;
        int position = 0;
        for (int i = batch.firstBuffer(chain); i < batch.endBuffer(chain); i++) {
            for (int j = 0; j < batch.bufferLength(i) && position < limit; j++) {
                long offset = batch.bufferOffset(i) + j;
                if (deviceWrites) {
                    window.segment.set(ValueLayout.JAVA_BYTE, offset, pattern(token, position));
                } else {
                    byte found = window.segment.get(ValueLayout.JAVA_BYTE, offset);
                    assertEquals(pattern(token, position), found, text);
                }
                position++;
            }
        }
        assertEquals(limit, position, text);
        return deviceWrites ? limit : 0;
    }

    /** The driver's view of a chain that came back. */
    void checkUsed(int token, int usedLength, boolean deviceWrites, String text) {
        for (int i = 0; deviceWrites && i < usedLength; i++) {
            assertEquals(pattern(token, i), window.get(slot(token) + i), text);
        }
        made[token % slots] = null;
    }
}
