package io.vhost.capture;

import io.vhost.device.PacketBurst;
import io.vhost.device.PacketProgram;
import io.vhost.device.ProgramPlace;
import io.vhost.device.Verdict;
import io.vhost.memory.NativeCopy;
import io.vhost.net.Packet;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.IntFunction;

/**
 * Copies the packets of a place into the buffer; all of them pass. Neither allocates nor waits, but for the
 * first burst of each queue.
 *
 * <pre>
 *   record   0  nanoseconds   8  offload word   16  queue   20  length   24  captured   28  csum_offset
 *           32  bytes, to a multiple of 8
 * </pre>
 *
 * <p>Threads: any; the buffer is all that they share.
 */
final class PacketTap implements PacketProgram {
    static final int TIME = 0;
    static final int OFFLOAD = 8;
    static final int QUEUE = 16;
    static final int LENGTH = 20;
    static final int CAPTURED = 24;
    static final int CHECKSUM_OFFSET = 28;
    /** Where a record's bytes begin. */
    static final int BYTES = 32;

    private static final int MAX_PAIRS = 1 << 15;
    private static final Logger LOG = System.getLogger("io.vhost.capture");

    private final CaptureBuffer buffer;
    private final MemorySegment memory;
    private final int snapLength;
    /** Null: all packets are wanted. */
    private final PacketProgram filter;
    private final IntFunction<CapturedQueue> opener;
    private volatile CapturedQueue[] queues = {};
    private volatile boolean failed;

    /**
     * A tap of one place.
     *
     * @param buffer where packets go
     * @param snapLength most bytes of each
     * @param filter says PASS of those that are wanted; null: all are
     * @param opener makes the queue of a pair
     */
    PacketTap(CaptureBuffer buffer, int snapLength, PacketProgram filter, IntFunction<CapturedQueue> opener) {
        this.buffer = buffer;
        this.memory = buffer.memory();
        this.snapLength = snapLength;
        this.filter = filter;
        this.opener = opener;
    }

    /** Makes the first pair's queue: a file names it, also if nothing comes. */
    void begin() {
        CapturedQueue _ = open(0);
    }

    @Override
    public void checkPlace(ProgramPlace place) {
        if (filter != null) {
            filter.checkPlace(place);
        }
    }

    @Override
    public void attached(ProgramPlace place) {
        if (filter != null) {
            filter.attached(place);
        }
    }

    @Override
    public void run(PacketBurst burst) {
        CapturedQueue[] known = queues;
        int pair = burst.pair();
        CapturedQueue queue = pair < known.length && known[pair] != null ? known[pair] : open(pair);
        int count = burst.count();
        long wanted = filter == null ? (1L << count) - 1 : wanted(burst, count);
        int accepted = Long.bitCount(wanted);
        int lost = accepted == 0 ? 0 : record(burst, wanted, accepted, queue.index());
        queue.count(count, accepted, lost);
    }

    private synchronized CapturedQueue open(int pair) {
        CapturedQueue[] known = queues;
        if (pair >= known.length) {
            CapturedQueue[] more = new CapturedQueue[Math.min(MAX_PAIRS, pair + 1)];
            System.arraycopy(known, 0, more, 0, known.length);
            known = more;
        } else if (known[pair] != null) {
            return known[pair];
        } else {
            known = known.clone();
        }
        known[pair] = opener.apply(pair);
        queues = known;
        return known[pair];
    }

    /** Asks the filter; whatever it says or does, the packets pass. */
    private long wanted(PacketBurst burst, int count) {
        long wanted = 0;
        boolean complete = false;
        try {
            filter.run(burst);
            complete = true;
        } catch (RuntimeException e) {
            filterFailed(e);
        }
        for (int i = 0; i < count; i++) {
            if (burst.verdict(i) == Verdict.PASS) {
                wanted |= 1L << i;
            } else {
                burst.pass(i);
            }
        }
        return complete ? wanted : 0;
    }

    private void filterFailed(RuntimeException e) {
        if (!failed) {
            failed = true;
            LOG.log(Level.WARNING, () -> "the filter of a capture fails, and those packets are not recorded: "
                    + filter, e);
        }
    }

    private int captured(Packet packet) {
        return Math.min(packet.length(), snapLength);
    }

    /** Records a burst in one piece if there is room for it, else what there is room for; how many not. */
    private int record(PacketBurst burst, long wanted, int accepted, int queue) {
        long now = System.nanoTime();
        long bytes = CaptureBuffer.HEADER;
        for (long left = wanted; left != 0; left &= left - 1) {
            bytes += size(burst.packet(Long.numberOfTrailingZeros(left)));
        }
        if (write(burst, wanted, bytes, queue, now)) {
            return 0;
        }
        int lost = accepted;
        for (long left = wanted; left != 0; left &= left - 1) {
            long one = left & -left;
            long size = size(burst.packet(Long.numberOfTrailingZeros(left)));
            if (write(burst, one, CaptureBuffer.HEADER + size, queue, now)) {
                lost--;
            }
        }
        return lost;
    }

    private int size(Packet packet) {
        return BYTES + CaptureBuffer.aligned(captured(packet));
    }

    private boolean write(PacketBurst burst, long wanted, long bytes, int queue, long now) {
        long offset = buffer.claim(bytes);
        if (offset == CaptureBuffer.FULL) {
            return false;
        }
        boolean complete = false;
        try {
            long at = offset + CaptureBuffer.HEADER;
            for (long left = wanted; left != 0; left &= left - 1) {
                at = put(burst.packet(Long.numberOfTrailingZeros(left)), at, queue, now);
            }
            complete = true;
        } finally {
            if (complete) {
                buffer.publish(offset, bytes);
            } else {
                // Who takes would wait for it for ever.
                buffer.abandon(offset, bytes);
            }
        }
        return true;
    }

    private long put(Packet packet, long at, int queue, long now) {
        int captured = captured(packet);
        memory.set(ValueLayout.JAVA_LONG, at + TIME, now);
        memory.set(ValueLayout.JAVA_LONG, at + OFFLOAD, packet.offload());
        memory.set(ValueLayout.JAVA_INT, at + QUEUE, queue);
        memory.set(ValueLayout.JAVA_INT, at + LENGTH, packet.length());
        memory.set(ValueLayout.JAVA_INT, at + CAPTURED, captured);
        memory.set(ValueLayout.JAVA_INT, at + CHECKSUM_OFFSET, packet.checksumOffset());
        NativeCopy.copy(packet.segment(), packet.dataOffset(), memory, at + BYTES, captured);
        return at + BYTES + CaptureBuffer.aligned(captured);
    }
}
