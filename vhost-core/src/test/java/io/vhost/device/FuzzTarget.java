package io.vhost.device;

import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.testing.FuzzInput;
import java.util.Arrays;

/**
 * What must hold whatever a guest puts before its packets and however it lays them out: no burst throws, no
 * packet is lost to the pool, and what arrives, here or at another guest, are the bytes that were sent, in
 * the order in which they were, with offload fields that mean something.
 *
 * <p>The first byte of an input chooses the two guests; then each byte is a step of a guest or of the
 * application between them. Guests are kept from one input to the next, their rings begin anew.
 */
public final class FuzzTarget {
    private static final int MOST_STEPS = 120;
    private static final int BURST = 32;
    private static final PacketPool POOL = PacketPool.create(128, PacketPool.DEFAULT_HEADROOM + 2048);
    private static final FuzzGuest[] GUESTS = new FuzzGuest[16];

    private final FuzzInput input;
    private final boolean async;
    private final FuzzGuest source;
    private final FuzzGuest sink;
    private final Packet[] held = new Packet[2 * BURST];
    private int count;

    private FuzzTarget(FuzzInput input) throws ControlException {
        this.input = input;
        int choice = input.next();
        async = (choice & 1) != 0;
        source = guest(choice & 7);
        sink = guest(8 | (choice & 1) | (choice >> 2 & 6));
        source.restart();
        sink.restart();
    }

    /** By bits: asynchronous, packed, mergeable buffers, at the receiving end. */
    private static FuzzGuest guest(int choice) throws ControlException {
        if (GUESTS[choice] == null) {
            GUESTS[choice] = new FuzzGuest((choice & 1) != 0, (choice & 2) != 0, (choice & 4) == 0);
        }
        return GUESTS[choice];
    }

    /** The entry point of coverage-guided fuzzers. */
    @SuppressWarnings("exports") // Who fuzzes calls it by its name.
    public static void fuzzerTestOneInput(byte[] data) throws ControlException {
        FuzzTarget target = new FuzzTarget(new FuzzInput(data));
        try {
            target.run();
        } finally {
            target.end();
        }
        require(POOL.outstanding() == 0, "packets are missing: " + POOL.outstanding());
    }

    private void run() {
        for (int i = 0; i < MOST_STEPS && input.hasMore(); i++) {
            switch (input.below(16)) {
                case 0, 1, 2, 3 -> source.sends(input);
                case 4, 5, 6 -> take(1 + input.below(BURST));
                case 7, 8 -> sink.accepts(input);
                case 9, 10 -> give(input.below(BURST));
                case 11 -> sink.receives();
                case 12 -> source.sends().reclaim();
                case 13 -> drop(input.below(count + 1));
                case 14 -> build();
                default -> tamper();
            }
            int inFlight = async ? source.inFlight() + sink.inFlight() : 0;
            require(POOL.outstanding() == count + inFlight, "outstanding=" + POOL.outstanding() + " held="
                    + count + " in flight=" + inFlight);
            require(source.holds() + sink.holds() == 0, "a lock is held");
        }
        finish();
    }

    private void tamper() {
        if (input.next() < 128) {
            source.sends().tamper(input);
        } else {
            sink.receiver().tamper(input);
        }
    }

    /** What is on its way arrives. */
    private void finish() {
        int more;
        do {
            take(BURST);
            more = count;
            give(count);
            drop(count);
            sink.receives();
        } while (more > 0);
    }

    private void take(int wanted) {
        int most = Math.min(wanted, held.length - count);
        int taken = source.take(POOL, held, count, most);
        require(taken >= 0 && taken <= most, "taken " + taken);
        for (int i = count; i < count + taken; i++) {
            check(held[i]);
            source.sends().arrived(held[i]);
        }
        count += taken;
    }

    private static void check(Packet packet) {
        int length = packet.length();
        require(length > 0 && length <= packet.capacity(), "length " + length);
        if (packet.needsChecksum()) {
            require(packet.checksumStart() + packet.checksumOffset() + 2 <= length, packet.toString());
        }
        if (packet.gsoType() != NetHeader.GSO_NONE) {
            require(packet.needsChecksum() && packet.gsoSize() > 0 && packet.headerLength() < length,
                    packet.toString());
        }
    }

    private void give(int wanted) {
        int given = Math.min(wanted, count);
        int accepted = sink.give(held, given);
        require(accepted >= 0 && accepted <= given, "accepted " + accepted);
        if (!async) {
            POOL.release(held, 0, accepted);
        }
        forget(accepted);
        if (async) {
            sink.poll(POOL);
        }
    }

    private void drop(int dropped) {
        POOL.release(held, 0, dropped);
        forget(dropped);
    }

    private void forget(int first) {
        System.arraycopy(held, first, held, 0, count - first);
        count -= first;
        Arrays.fill(held, count, held.length, null);
    }

    /** A packet of the application's own, with whatever it asks for. */
    private void build() {
        if (count == held.length || POOL.take(held, count, 1) == 0) {
            return;
        }
        Packet packet = held[count++];
        int length = 1 + input.next() * (1 + (input.next() & 7));
        packet.copyFrom(TestGuest.pattern(length, length), 0, length);
        if (input.rarely()) {
            packet.offload(input.next64(), input.next());
        }
    }

    private void end() {
        drop(count);
        if (async) {
            source.clear(POOL);
            sink.clear(POOL);
        }
    }

    static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
