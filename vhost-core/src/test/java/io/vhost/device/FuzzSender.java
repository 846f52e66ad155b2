package io.vhost.device;

import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.ring.DriverRing;
import io.vhost.testing.FuzzInput;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/** The queue of a {@link FuzzGuest} that sends, and what was sent through it. */
final class FuzzSender {
    private static final int SLOTS = 32;
    private static final int SLOT = 0x2000;
    private static final int MOST_BUFFERS = 6;

    private final TestGuest guest;
    private final TestQueue queue;
    private final int headerLength;
    private final Deque<byte[]> sent = new ArrayDeque<>();
    private int slot;
    private boolean tampered;

    FuzzSender(TestGuest guest, TestQueue queue) {
        this.guest = guest;
        this.queue = queue;
        headerLength = guest.headerLength();
    }

    /** A chain of some buffers, the header in whichever of them it comes to lie in. */
    void send(FuzzInput input) {
        DriverRing ring = queue.ring;
        int count = 1 + input.below(MOST_BUFFERS);
        boolean indirect = input.rarely();
        if (ring.free() < count) {
            return;
        }
        byte[] header = header(input);
        int[] lengths = new int[count];
        int total = 0;
        for (int i = 0; i < count; i++) {
            int choice = input.next();
            lengths[i] = choice < 64 ? choice : choice < 240 ? 2 * choice : 8 * choice;
            total += lengths[i];
        }
        if (total == 0) {
            return;
        }
        long offset = place();
        byte[] frame = TestGuest.pattern(total, slot);
        System.arraycopy(header, 0, frame, 0, Math.min(total, headerLength));
        guest.put(offset, frame);
        long[] addresses = new long[count];
        long at = TestGuest.GUEST + offset;
        for (int i = 0; i < count; i++) {
            addresses[i] = at;
            at += lengths[i];
        }
        long table = TestGuest.BUFFERS + SLOTS * SLOT + 256L * (slot % SLOTS);
        boolean offered = indirect
                ? ring.offerIndirect(0, table, TestGuest.GUEST + table, addresses, lengths, count, count)
                : ring.offer(0, addresses, lengths, count, count);
        if (offered) {
            ring.publish();
            sent.add(frame);
        }
    }

    /** One of them across the border of the two regions; none comes again while it may be in the ring. */
    private long place() {
        slot++;
        return slot % SLOTS == 7 ? TestGuest.BORDER - 40 : TestGuest.BUFFERS + (long) SLOT * (slot % SLOTS);
    }

    private byte[] header(FuzzInput input) {
        byte[] header = new byte[NetHeader.LENGTH];
        int choice = input.next();
        if (choice < 128) {
            header[2] = (byte) choice;
            return header;
        }
        if (choice >= 240) {
            return input.bytes(NetHeader.LENGTH);
        }
        header[0] = (byte) ((choice & 1) != 0 ? NetHeader.NEEDS_CHECKSUM : choice);
        int[] types = {0, 1, 3, 4, 5, 0x81, 0x84, 2};
        header[1] = (byte) types[choice >> 1 & 7];
        header[2] = (byte) input.next();
        header[4] = (byte) input.next();
        header[6] = (byte) input.next();
        header[8] = (byte) input.next();
        return header;
    }

    /** The next that came of it, if nobody has tampered. All before it that did not come had a fault. */
    void arrived(Packet packet) {
        if (tampered) {
            return;
        }
        byte[] content = new byte[packet.length()];
        packet.copyTo(content, 0);
        while (true) {
            byte[] frame = sent.poll();
            FuzzTarget.require(frame != null, "a packet that nobody has sent: " + packet);
            if (Arrays.equals(content, 0, content.length,
                    frame, Math.min(frame.length, headerLength), frame.length)) {
                checkOffload(packet, frame);
                return;
            }
            boolean faulty = frame.length <= headerLength || frame[0] != 0 || frame[1] != 0
                    || frame.length - headerLength > packet.capacity();
            FuzzTarget.require(faulty, "a packet of " + frame.length + " bytes has not arrived");
        }
    }

    private static void checkOffload(Packet packet, byte[] frame) {
        boolean asked = (frame[0] & NetHeader.NEEDS_CHECKSUM) != 0;
        FuzzTarget.require(packet.needsChecksum() == asked && packet.gsoType() == (frame[1] & 0xFF),
                "asks for other than was sent: " + packet);
        FuzzTarget.require(!asked || packet.checksumOffset() == ((frame[8] & 0xFF) | (frame[9] & 0xFF) << 8),
                "another place of the checksum: " + packet);
    }

    void reclaim() {
        while (!tampered && queue.ring.poll() >= 0) {
            queue.ring.usedLength();
        }
    }

    void tamper(FuzzInput input) {
        tampered = true;
        FuzzReceiver.tamper(guest, queue, input);
    }
}
