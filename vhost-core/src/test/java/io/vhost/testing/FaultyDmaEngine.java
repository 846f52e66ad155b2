package io.vhost.testing;

import io.vhost.dma.engine.DmaEngine;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A DMA engine that is as awkward as an engine may be: it has room for a few copies only, a different number
 * each time it is asked; makes copies late, in any order, and fails some. It does so by the seed, so a run
 * can be repeated as long as the calls are the same. On demand it breaks the contract, too.
 *
 * <p>Thread: as for every engine, one at a time;
 * {@link #hold} and the {@code break} methods may be called by any.
 */
public final class FaultyDmaEngine implements DmaEngine {
    /** How an engine can break its contract. */
    public enum Breach {
        /** {@code copy} throws. */
        THROW_ON_COPY,
        /** {@code submit} throws. */
        THROW_ON_SUBMIT,
        /** {@code completed} throws. */
        THROW_ON_COMPLETED,
        /** {@code capacity} throws. */
        THROW_ON_CAPACITY,
        /** A copy is reported twice. */
        COMPLETE_TWICE,
        /** A copy is reported that nobody submitted. */
        INVENT_TOKEN,
        /** More copies are reported than were asked for. */
        REPORT_TOO_MANY
    }

    private final Random random;
    private final int depth;
    private final int mostCapacity;
    private final double failureRate;

    // Copies under way, in no order; the first "made" of them are done and not reported.
    private final MemorySegment[] source;
    private final MemorySegment[] target;
    private final long[] sourceOffset;
    private final long[] targetOffset;
    private final int[] length;
    private final int[] token;
    private int count;
    private int promised;
    private long copies;
    private final AtomicLong questions = new AtomicLong();
    private boolean closed;
    private volatile boolean held;
    private volatile Breach breach;

    private FaultyDmaEngine(Builder builder) {
        random = new Random(builder.seed);
        depth = builder.depth;
        mostCapacity = Math.min(builder.capacity, depth);
        failureRate = builder.failureRate;
        source = new MemorySegment[depth];
        target = new MemorySegment[depth];
        sourceOffset = new long[depth];
        targetOffset = new long[depth];
        length = new int[depth];
        token = new int[depth];
    }

    /**
     * An engine that fails nothing and has 256 places.
     *
     * @param seed of all its decisions
     */
    public static Builder seeded(long seed) {
        return new Builder(seed);
    }

    /** From now on no copy is made or reported, until this is called with false. */
    public void hold(boolean value) {
        held = value;
    }

    /** Breaks the contract at the next opportunity, once; null: does not. */
    public void breakContract(Breach next) {
        breach = next;
    }

    /** Copies made so far. */
    public long copies() {
        return copies;
    }

    /** How often it was asked for completions; any thread. */
    public long questions() {
        return questions.get();
    }

    /** Copies under way. */
    public int underWay() {
        return count;
    }

    /** Whether the library has closed this engine. */
    public boolean isClosed() {
        return closed;
    }

    private boolean breaks(Breach kind) {
        if (breach != kind) {
            return false;
        }
        breach = null;
        return true;
    }

    private static IllegalStateException broken(Breach kind) {
        return new IllegalStateException("faulty engine: " + kind);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("faulty engine was used after it was closed");
        }
    }

    @Override
    public int depth() {
        return depth;
    }

    @Override
    public int capacity() {
        requireOpen();
        if (breaks(Breach.THROW_ON_CAPACITY)) {
            throw broken(Breach.THROW_ON_CAPACITY);
        }
        promised = Math.min(depth - count, mostCapacity == depth ? depth : random.nextInt(mostCapacity + 1));
        return promised;
    }

    @Override
    public void copy(
            MemorySegment from, long fromOffset, MemorySegment to, long toOffset, int bytes, int newToken) {
        requireOpen();
        if (breaks(Breach.THROW_ON_COPY)) {
            throw broken(Breach.THROW_ON_COPY);
        }
        if (promised-- <= 0) {
            throw new IllegalStateException("faulty engine was given more copies than it has room for");
        }
        source[count] = from;
        sourceOffset[count] = fromOffset;
        target[count] = to;
        targetOffset[count] = toOffset;
        length[count] = bytes;
        token[count++] = newToken;
    }

    @Override
    public void submit() {
        requireOpen();
        if (breaks(Breach.THROW_ON_SUBMIT)) {
            throw broken(Breach.THROW_ON_SUBMIT);
        }
    }

    @Override
    public int completed(int[] tokens, int offset, int most) {
        requireOpen();
        questions.incrementAndGet();
        if (breaks(Breach.THROW_ON_COMPLETED)) {
            throw broken(Breach.THROW_ON_COMPLETED);
        }
        if (breaks(Breach.INVENT_TOKEN)) {
            tokens[offset] = depth + 7;
            return 1;
        }
        if (breaks(Breach.REPORT_TOO_MANY)) {
            return most + 1;
        }
        if (held || count == 0) {
            return 0;
        }
        int reports =
                Math.min(most, failureRate == 0 && mostCapacity == depth ? count : random.nextInt(count + 1));
        for (int i = 0; i < reports; i++) {
            tokens[offset + i] = completeOne();
        }
        if (reports > 0 && reports < most && breaks(Breach.COMPLETE_TWICE)) {
            tokens[offset + reports] = tokens[offset];
            reports++;
        }
        return reports;
    }

    /** Makes any of the copies, or fails it. */
    private int completeOne() {
        int chosen = random.nextInt(count);
        int result = token[chosen];
        if (random.nextDouble() < failureRate) {
            result = ~result;
        } else {
            try {
                MemorySegment.copy(source[chosen], sourceOffset[chosen],
                        target[chosen], targetOffset[chosen], length[chosen]);
                copies++;
            } catch (InternalError e) {
                result = ~result;
            }
        }
        count--;
        source[chosen] = source[count];
        sourceOffset[chosen] = sourceOffset[count];
        target[chosen] = target[count];
        targetOffset[chosen] = targetOffset[count];
        length[chosen] = length[count];
        token[chosen] = token[count];
        source[count] = null;
        target[count] = null;
        return result;
    }

    @Override
    public void close() {
        closed = true;
        count = 0;
    }

    /** How awkward the engine is to be. */
    public static final class Builder {
        private final long seed;
        private int depth = 256;
        private int capacity = Integer.MAX_VALUE;
        private double failureRate;

        private Builder(long seed) {
            this.seed = seed;
        }

        /** Places for copies under way; default 256. */
        public Builder depth(int places) {
            depth = places;
            return this;
        }

        /** Says each time that it has room for 0 to {@code most} copies, by chance; default: what it has. */
        public Builder capacity(int most) {
            capacity = most;
            return this;
        }

        /** This part of the copies, 0 to 1, is reported as failed and not made; default 0. */
        public Builder failureRate(double part) {
            failureRate = part;
            return this;
        }

        /** The engine. */
        public FaultyDmaEngine build() {
            return new FaultyDmaEngine(this);
        }
    }
}
