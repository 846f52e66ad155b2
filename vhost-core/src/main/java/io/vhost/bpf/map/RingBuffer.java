package io.vhost.bpf.map;

import static io.vhost.bpf.mem.Bytes.ATOMIC_INT;
import static io.vhost.bpf.mem.Bytes.ATOMIC_LONG;
import static io.vhost.bpf.mem.Bytes.LONG;

import java.lang.foreign.MemorySegment;

/**
 * RINGBUF: records of any length from programs to the application, in the order in which they were reserved.
 * <pre>
 *   state:   | lock: 32 | 0: 32 | producer: 64 | consumer: 64 | records that found no room: 64 |
 *   headers: per 8 bytes | busy: 1 | discarded: 1 | length: 30 |, 0 where no record begins
 * </pre>
 * Positions count as the kernel's do, with 8 bytes in front of each record. What programs can reach is twice
 * as long as the ring, so that each record is in one piece; headers are elsewhere.
 *
 * <p>Thread: any number of producers, one consumer at a time.
 */
public record RingBuffer(MapSpec spec, MemorySegment values, MemorySegment headers, MemorySegment state)
        implements KeylessTable {
    static final int STATE = 40;

    private static final long PRODUCER = 8;
    private static final long CONSUMER = 16;
    private static final long LOST = 24;
    private static final int HEADER = 8;
    private static final int BUSY = 1 << 31;
    private static final int DISCARDED = 1 << 30;

    /** Takes a record. The bytes are the ring's again when it returns. */
    @FunctionalInterface
    public interface Consumer {
        /** A record: {@code length} bytes from {@code offset}. */
        void accept(MemorySegment segment, long offset, int length);
    }

    private int mask() {
        return spec.maxEntries() - 1;
    }

    /** Room for a record: its offset in {@link #values}, or {@link #ABSENT} if there is none. */
    public long reserve(long size) {
        if (size < 0 || size > spec.maxEntries() - HEADER) {
            return ABSENT;
        }
        long length = Words.rounded(size + HEADER);
        SpinLock.lock(state, 0);
        try {
            long producer = (long) ATOMIC_LONG.get(state, PRODUCER);
            long consumer = (long) ATOMIC_LONG.getAcquire(state, CONSUMER);
            if (producer + length - consumer > mask()) {
                LONG.set(state, LOST, (long) LONG.get(state, LOST) + 1);
                return ABSENT;
            }
            ATOMIC_INT.set(headers, (producer & mask()) >> 1, BUSY | (int) size);
            ATOMIC_LONG.setRelease(state, PRODUCER, producer + length);
            return (producer & mask()) + HEADER;
        } finally {
            SpinLock.unlock(state, 0);
        }
    }

    /**
     * Gives a record to the consumer.
     *
     * @param record  what {@link #reserve} answered
     * @param discard whether the consumer is to skip it
     * @return false if no record that is being written begins there
     */
    public boolean submit(long record, boolean discard) {
        long at = record - HEADER;
        if (at < 0 || at > mask() || (at & 7) != 0) {
            return false;
        }
        int header = (int) ATOMIC_INT.get(headers, at >> 1);
        int submitted = (header & ~BUSY) | (discard ? DISCARDED : 0);
        return header < 0 && ATOMIC_INT.compareAndSet(headers, at >> 1, header, submitted);
    }

    /** Reserves, copies and submits; 0 or a negative error number. */
    public int output(MemorySegment from, long offset, long size) {
        long record = reserve(size);
        if (record == ABSENT) {
            return -11;   // EAGAIN
        }
        boolean copied = false;
        try {
            MemorySegment.copy(from, offset, values, record, size);
            copied = true;
        } finally {
            submit(record, !copied);
        }
        return 0;
    }

    /** {@code bpf_ringbuf_query}: 0 bytes that wait, 1 size, 2 consumer's and 3 producer's position. */
    public long query(long what) {
        long producer = (long) ATOMIC_LONG.getAcquire(state, PRODUCER);
        long consumer = (long) ATOMIC_LONG.getAcquire(state, CONSUMER);
        return switch (Math.clamp(what, -1, 4)) {
            case 0 -> producer - consumer;
            case 1 -> spec.maxEntries();
            case 2 -> consumer;
            case 3 -> producer;
            default -> 0;
        };
    }

    /** How many records found no room. */
    public long lost() {
        return (long) LONG.get(state, LOST);
    }

    /**
     * Hands out the records that are complete, up to the first that is being written.
     *
     * @return how many there were, without discarded ones
     */
    public int consume(Consumer consumer) {
        int count = 0;
        long position = (long) ATOMIC_LONG.get(state, CONSUMER);
        while (position < (long) ATOMIC_LONG.getAcquire(state, PRODUCER)) {
            long at = position & mask();
            int header = (int) ATOMIC_INT.getAcquire(headers, at >> 1);
            if (header < 0) {
                break;
            }
            int length = header & ~DISCARDED;
            try {
                if ((header & DISCARDED) == 0) {
                    count++;
                    consumer.accept(values, at + HEADER, length);
                }
            } finally {
                ATOMIC_INT.set(headers, at >> 1, 0);
                position += Words.rounded(length + (long) HEADER);
                ATOMIC_LONG.setRelease(state, CONSUMER, position);
            }
        }
        return count;
    }

    @Override
    public int refusal() {
        return Errno.ENOTSUPP;
    }
}
