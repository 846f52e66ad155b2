package io.vhost.device;

import io.vhost.ring.RingFormat;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** What a driver that keeps no rule writes into a ring, by its format. */
final class RingTampering {
    private static final int NEXT = 1;
    private static final int AVAIL = 1 << 7;
    private static final int USED = 1 << 15;
    private static final int WRITE = 2;
    private static final int INDIRECT = 4;

    private RingTampering() {}

    /** In a ring of which one chain was offered: that one again, as the second. */
    static void offerFirstAgain(TestGuest guest, TestQueue queue) {
        if (queue.format == RingFormat.SPLIT) {
            long avail = queue.addresses.avail();
            short head = guest.memory.get(ValueLayout.JAVA_SHORT, avail + 4);
            guest.memory.set(ValueLayout.JAVA_SHORT, avail + 6, head);
            guest.memory.set(ValueLayout.JAVA_SHORT, avail + 2, (short) 2);
        } else {
            // The id tells the chain.
            long desc = queue.addresses.desc();
            guest.memory.set(ValueLayout.JAVA_LONG, desc + 16, guest.memory.get(ValueLayout.JAVA_LONG, desc));
            guest.memory.set(
                    ValueLayout.JAVA_LONG, desc + 24, guest.memory.get(ValueLayout.JAVA_LONG, desc + 8));
        }
    }

    /** In a ring that is all offered, on its first lap: one chain more. */
    static void offerMoreThanTheRingHolds(TestGuest guest, TestQueue queue) {
        if (queue.format == RingFormat.SPLIT) {
            short beyond = (short) (queue.size() + 1);
            guest.memory.set(ValueLayout.JAVA_SHORT, queue.addresses.avail() + 2, beyond);
        } else {
            guest.memory.set(ValueLayout.JAVA_SHORT, queue.addresses.desc() + 14, (short) (WRITE | USED));
        }
    }

    /** Mostly chains that could be good, since those take the device furthest. */
    static void rewrite(TestGuest guest, TestQueue queue, Random random) {
        // By the wrap counters of a packed ring: what is offered there is offered on this lap.
        int lap = random.nextBoolean() ? AVAIL : USED;
        for (int i = 0; i < queue.size(); i++) {
            boolean odd = random.nextInt(128) == 0;
            long offset = odd ? TestGuest.BORDER - 10 : TestGuest.BUFFERS + 64L * i;
            long desc = queue.addresses.desc() + 16L * i;
            guest.memory.set(ValueLayout.JAVA_LONG, desc, TestGuest.GUEST + offset);
            guest.memory.set(ValueLayout.JAVA_LONG, desc + 8, word(guest, queue, random, lap));
            guest.memory.set(ValueLayout.JAVA_LONG, TestGuest.BUFFERS + 64L * i, random.nextLong());
        }
        if (queue.format == RingFormat.SPLIT) {
            rewriteAvailableRing(guest, queue, random);
        } else {
            rewriteEvents(guest, queue, random);
        }
    }

    /** Chains of a table each, which has another number of entries now and then, of all kinds. */
    static void rewriteTables(TestGuest guest, TestQueue queue, Random random) {
        int lap = random.nextBoolean() ? AVAIL : USED;
        for (int i = 0; i < queue.size(); i++) {
            long table = TestGuest.BUFFERS + 0x10_0000 + 256L * i;
            for (int entry = 0; entry < 8; entry++) {
                long at = table + 16L * entry;
                long buffer = TestGuest.BUFFERS + 64L * random.nextInt(1024);
                guest.memory.set(ValueLayout.JAVA_LONG, at, TestGuest.GUEST + buffer);
                guest.memory.set(ValueLayout.JAVA_LONG, at + 8, entryWord(guest, queue, random, entry));
            }
            long desc = queue.addresses.desc() + 16L * i;
            long length = random.nextInt(128) == 0 ? random.nextInt(200) : 16L * (1 + random.nextInt(8));
            guest.memory.set(ValueLayout.JAVA_LONG, desc, TestGuest.GUEST + table);
            guest.memory.set(ValueLayout.JAVA_LONG, desc + 8, queue.format == RingFormat.SPLIT
                    ? length | (long) INDIRECT << 32
                    : length | (long) i << 32 | (long) (INDIRECT | lap) << 48);
        }
        if (queue.format == RingFormat.SPLIT) {
            rewriteAvailableRing(guest, queue, random);
        } else {
            rewriteEvents(guest, queue, random);
        }
    }

    /**
     * Chains of one buffer at the end of memory, whose length reaches beyond it and does not, and whose
     * header is good and is not, by turns and as fast as it can be: who reads either twice reads two.
     */
    static void toggle(TestGuest guest, TestQueue queue, Random random) {
        int lap = random.nextBoolean() ? AVAIL : USED;
        int flags = queue == guest.toGuest() ? WRITE : 0;
        long buffer = TestGuest.SIZE - 100;
        for (int i = 0; i < queue.size(); i++) {
            long desc = queue.addresses.desc() + 16L * i;
            guest.memory.set(ValueLayout.JAVA_LONG, desc, TestGuest.GUEST + buffer);
            guest.memory.set(ValueLayout.JAVA_LONG, desc + 8, queue.format == RingFormat.SPLIT
                    ? 72 | (long) flags << 32
                    : 72 | (long) i << 32 | (long) (flags | lap) << 48);
        }
        if (queue.format == RingFormat.SPLIT) {
            rewriteAvailableRing(guest, queue, random);
        }
        for (int turn = 0; turn < 4000; turn++) {
            long desc = queue.addresses.desc() + 16L * random.nextInt(queue.size());
            guest.memory.set(ValueLayout.JAVA_INT, desc + 8, turn % 8 == 0 ? 1500 : 72);
            // A checksum at the packet's begin, and one far beyond it.
            guest.memory.set(ValueLayout.JAVA_LONG_UNALIGNED, buffer, turn % 2 == 0 ? 1 : 0xFFFFL << 48 | 1);
        }
    }

    private static long entryWord(TestGuest guest, TestQueue queue, Random random, int entry) {
        long length = random.nextInt(128) == 0 ? random.nextLong(1L << 32) : random.nextInt(400);
        int flags = (queue == guest.toGuest() ? WRITE : 0) | random.nextInt(2) * NEXT;
        flags ^= random.nextInt(256) == 0 ? random.nextInt(8) : 0;
        return queue.format == RingFormat.SPLIT
                ? length | (long) flags << 32 | (entry + 1L) % 8 << 48
                : length | (long) flags << 48;
    }

    private static long word(TestGuest guest, TestQueue queue, Random random, int lap) {
        int direction = queue == guest.toGuest() ? WRITE : 0;
        long length = random.nextInt(128) == 0 ? random.nextLong(1L << 32) : random.nextInt(1600);
        int flags = random.nextInt(128) == 0 ? random.nextInt(8) : direction | random.nextInt(2) * NEXT;
        int other = random.nextInt(128) == 0 ? queue.size() : random.nextInt(queue.size());
        if (queue.format == RingFormat.SPLIT) {
            return length | (long) flags << 32 | (long) other << 48;
        }
        int wrap = random.nextInt(32) == 0 ? random.nextInt(2) * AVAIL | random.nextInt(2) * USED : lap;
        return length | (long) other << 32 | (long) (flags | wrap) << 48;
    }

    private static void rewriteAvailableRing(TestGuest guest, TestQueue queue, Random random) {
        long avail = queue.addresses.avail();
        long slot = avail + 4 + 2L * random.nextInt(queue.size());
        guest.memory.set(ValueLayout.JAVA_SHORT, slot, (short) random.nextInt(queue.size()));
        short used = guest.memory.get(ValueLayout.JAVA_SHORT, queue.addresses.used() + 2);
        int ahead = random.nextInt(64) == 0 ? random.nextInt() : random.nextInt(queue.size());
        guest.memory.set(ValueLayout.JAVA_SHORT, avail + 2, (short) (used + ahead));
    }

    private static void rewriteEvents(TestGuest guest, TestQueue queue, Random random) {
        int position = random.nextInt(queue.size()) | (random.nextBoolean() ? 1 << 15 : 0);
        int event = random.nextInt(64) == 0 ? random.nextInt() : position | random.nextInt(3) << 16;
        guest.memory.set(ValueLayout.JAVA_INT, queue.addresses.avail(), event);
        guest.memory.set(ValueLayout.JAVA_INT, queue.addresses.used(), random.nextInt());
    }
}
