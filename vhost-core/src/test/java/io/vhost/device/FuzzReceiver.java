package io.vhost.device;

import io.vhost.ring.DriverRing;
import io.vhost.testing.FuzzInput;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/** The queue of a {@link FuzzGuest} that receives, and what is to come through it. */
final class FuzzReceiver {
    private static final int SLOTS = 32;
    private static final int SLOT = 0x2000;
    private static final int MOST_BUFFERS = 4;
    private static final long PLACE = TestGuest.BORDER - SLOTS / 2L * SLOT;

    private final TestGuest guest;
    private final TestQueue queue;
    private final int headerLength;
    private final boolean mergeable;
    private final Deque<byte[]> expected = new ArrayDeque<>();
    private final int[] total = new int[SLOTS];
    private int slot;
    private boolean tampered;

    FuzzReceiver(TestGuest guest, TestQueue queue) {
        this.guest = guest;
        this.queue = queue;
        headerLength = guest.headerLength();
        mergeable = Feature.VIRTIO_NET_F_MRG_RXBUF.in(guest.features);
    }

    void expect(byte[] packet) {
        expected.add(packet);
    }

    /** Offers a chain, the middle one of which lies across the border of the two regions. */
    void accept(FuzzInput input) {
        DriverRing ring = queue.ring;
        int count = 1 + input.below(MOST_BUFFERS);
        if (ring.free() < count) {
            return;
        }
        int token = slot++ % SLOTS;
        int[] lengths = new int[count];
        long[] addresses = new long[count];
        long at = offset(token);
        int sum = 0;
        for (int i = 0; i < count; i++) {
            int choice = input.next();
            lengths[i] = 1 + (choice < 64 ? choice : 8 * choice);
            addresses[i] = TestGuest.GUEST + at + sum;
            sum += lengths[i];
        }
        total[token] = sum;
        if (ring.offer(token, addresses, lengths, 0, count)) {
            ring.publish();
        }
    }

    private static long offset(int token) {
        return PLACE + (long) SLOT * token - 30;
    }

    /** Looks at all that has arrived: each packet was sent, and none before one that came earlier. */
    void receive() {
        DriverRing ring = queue.ring;
        for (int token = ring.poll(); !tampered && token >= 0; token = ring.poll()) {
            int length = length(token);
            if (length == 0) {
                continue;
            }
            FuzzTarget.require(length >= headerLength, "a chain of " + length + " bytes");
            byte[] packet = guest.bytes(offset(token) + headerLength, length - headerLength);
            int chains = mergeable
                    ? guest.memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset(token) + 10) : 1;
            FuzzTarget.require(chains >= 1, "num_buffers " + chains);
            for (int i = 1; i < chains; i++) {
                int next = ring.poll();
                FuzzTarget.require(next >= 0, "a packet whose end is missing");
                packet = TestGuest.join(packet, guest.bytes(offset(next), length(next)));
            }
            FuzzTarget.require(packet.length > 0, "a header without a packet");
            match(packet);
        }
    }

    private int length(int token) {
        int length = queue.ring.usedLength();
        FuzzTarget.require(length >= 0 && length <= total[token], "used " + length + " of " + total[token]);
        return length;
    }

    private void match(byte[] packet) {
        byte[] candidate;
        do {
            candidate = expected.poll();
            FuzzTarget.require(candidate != null, "a packet that nobody has sent: " + packet.length);
        } while (!Arrays.equals(candidate, packet));
    }

    void tamper(FuzzInput input) {
        tampered = true;
        tamper(guest, queue, input);
    }

    /** Writes two bytes anywhere into a ring, or a descriptor that may be half good. */
    static void tamper(TestGuest guest, TestQueue queue, FuzzInput input) {
        long begin = queue.addresses.desc();
        long end = queue.addresses.used() + queue.format.deviceBytes(FuzzGuest.RING);
        int choice = input.next();
        if (choice < 128) {
            int value = input.next();
            long at = begin + input.next16() % ((end - begin) / 2) * 2;
            guest.memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, at,
                    (short) (value < 128 ? value : input.next16()));
            return;
        }
        long desc = begin + 16L * (choice % FuzzGuest.RING);
        long address = TestGuest.GUEST + TestGuest.BUFFERS + 64L * input.next();
        guest.memory.set(ValueLayout.JAVA_LONG, desc, input.rarely() ? input.next64() : address);
        guest.memory.set(ValueLayout.JAVA_INT, desc + 8, input.rarely() ? input.next32() : input.next());
        guest.memory.set(ValueLayout.JAVA_INT, desc + 12, input.next32());
    }
}
