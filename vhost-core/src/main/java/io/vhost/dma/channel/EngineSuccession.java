package io.vhost.dma.channel;

import io.vhost.dma.engine.CopySink;
import io.vhost.dma.engine.DmaEngine;
import io.vhost.memory.GuestMemory;
import io.vhost.memory.MemoryFault;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * The engine that a channel has, and those that it has left and that have not ended. Used under the channel's
 * lock, {@link #failure}, {@link #replacements} and {@link #engineAge} by any thread.
 *
 * <p>What is sound when an engine is left, whose copy in progress nobody can stop: every copy that it had not
 * begun is made by the next one, or fails; every copy that it may still be making stays under way until the
 * engine has ended, and only then fails or is made again. So nothing is given back, and no memory unmapped,
 * that a late copy could touch. Its token stays taken as long.
 */
final class EngineSuccession {
    private static final Logger LOG = System.getLogger("io.vhost.dma");
    /** Engines of this process that may be left behind before a channel fails that needs another one. */
    static final int LEFT_BEHIND = 8;
    /** A copy in progress ends within this time unless its memory has to be waited for. */
    private static final long GRACE_NANOS = 20_000_000;

    private final String name;
    private final ReentrantLock lock;
    private final CopyTokens tokens;
    private final LongSupplier clock;
    /** Null: there is this engine and no other. */
    private final EngineSupply supply;
    private DmaEngine engine;
    /** Why the engine makes no more copies; null: it does. Replaced at the next opportunity. */
    private Throwable broken;
    private final List<LateEngine> lateEngines = new ArrayList<>();
    private volatile Throwable failure;
    private volatile long engineSince;
    private volatile int replacements;

    EngineSuccession(
            String name, ReentrantLock lock, CopyTokens tokens, DmaEngine first, EngineSupply supply,
            LongSupplier clock) {
        this.name = name;
        this.lock = lock;
        this.tokens = tokens;
        this.engine = first;
        this.supply = supply;
        this.clock = clock;
        this.engineSince = now();
    }

    /** The present engine; the last one if the channel has failed. */
    DmaEngine engine() {
        return engine;
    }

    /** Whether the engine makes copies. */
    boolean isSound() {
        return broken == null;
    }

    /** The channel ends, with nothing under way. */
    void close() {
        if (failure == null) {
            quietly(engine::close);
        }
    }

    /** Why there is no engine any more, for good; null: there is one, or will be. */
    Throwable failure() {
        return failure;
    }

    boolean isReplaceable() {
        return supply != null;
    }

    int replacements() {
        return replacements;
    }

    /** The time of the channel's clock, in ns. */
    long now() {
        return clock.getAsLong();
    }

    long engineAge(long now) {
        return now - engineSince;
    }

    /** Whose copy is being made. */
    CopyListener served() {
        try {
            return isSound() ? tokens.owner(engine.inProgress()) : null;
        } catch (RuntimeException | Error e) {
            fail(e);
            return null;
        }
    }

    boolean isLate(CopyListener owner) {
        return lateEngines.stream().anyMatch(late -> late.holds(owner));
    }

    /** As {@link CopyChannel#leave}. */
    boolean leave(CopyListener owner, GuestMemory memory) {
        if (tokens.holds(owner) || !isLate(owner)) {
            return false;
        }
        for (LateEngine late : lateEngines) {
            if (late.holds(owner)) {
                late.fail(owner);
                late.keep(memory);
            }
        }
        return true;
    }

    /**
     * The engine failed by itself. Without a factory that is the end of the channel, and all copies have
     * failed; with one, {@link #replaceBroken} goes on, when no submission is under way.
     */
    void fail(Throwable cause) {
        if (broken != null) {
            return;
        }
        broken = cause;
        if (supply == null) {
            failForGood(cause);
            quietly(engine::close);
            tokens.failAll();
        }
    }

    private void failForGood(Throwable cause) {
        broken = cause;
        failure = cause;
        LOG.log(Level.ERROR, () -> "DMA channel %s failed, its copies under way are given back as failed"
                .formatted(name), cause);
    }

    /** Replaces an engine that failed by itself, if it did; the channel fails if that happens too often. */
    void replaceBroken() {
        if (broken == null || failure != null) {
            return;
        }
        Throwable cause = broken;
        if (!supply.mayReplace(now())) {
            failForGood(new IllegalStateException(
                    "engines of DMA channel %s fail again and again".formatted(name), cause));
        }
        replace(null, cause);
    }

    /**
     * Leaves the engine, and opens another one unless the channel has failed for good.
     *
     * @param blamed whose copies all fail; null: nobody's
     * @param cause for the log
     */
    void replace(CopyListener blamed, Throwable cause) {
        LateEngine late = new LateEngine(engine, name, tokens.depth());
        tokens.leaveTo(late);
        if (blamed != null) {
            late.fail(blamed);
            blamed.evicted();
        }
        quietly(late.engine()::stop);
        if (failure == null) {
            open(cause);
        }
        quietly(() -> late.engine().handOver(new Remainder(late)));
        lateEngines.add(late);
        if (late.close(GRACE_NANOS, this::ended)) {
            settle(late);
        }
    }

    private void open(Throwable cause) {
        try {
            if (LateEngine.leftBehind() >= LEFT_BEHIND) {
                throw new IllegalStateException(("%d engines of DMA channels were left behind and have not"
                        + " ended, no more are opened").formatted(LEFT_BEHIND));
            }
            engine = supply.next(tokens.depth());
            broken = null;
            engineSince = now();
            int number = replacements + 1;
            replacements = number;
            // A guest can have this happen again and again: logged at the powers of two.
            if (Integer.bitCount(number) == 1) {
                LOG.log(Level.WARNING, () -> "DMA channel %s goes on with another engine (%d times so far)"
                        .formatted(name, number), cause);
            }
        } catch (RuntimeException | Error e) {
            e.addSuppressed(cause);
            failForGood(e);
        }
    }

    /** An engine that was left has ended: called by the thread that closed it, which holds no lock. */
    private void ended(LateEngine late) {
        lock.lock();
        try {
            settle(late);
        } finally {
            lock.unlock();
        }
        late.letGo();
    }

    /** Nothing touches the copies any more that were left to an engine: they are made anew, or failed. */
    private void settle(LateEngine late) {
        if (!late.takeSettled()) {
            return;
        }
        quietly(() -> late.engine().handOver(new Remainder(late)));
        for (int token = 0; token < tokens.depth(); token++) {
            if (tokens.takeBack(token, late)) {
                tokens.release(token, true);
            }
        }
        lateEngines.remove(late);
    }

    private void quietly(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR,
                    () -> "an engine of DMA channel %s threw when it was left".formatted(name), e);
        }
    }

    /** Makes copies anew that an engine leaves; those of the owner that is to blame have failed. */
    private final class Remainder implements CopySink {
        private final LateEngine late;

        Remainder(LateEngine late) {
            this.late = late;
        }

        @Override
        public void copy(MemorySegment source, long sourceOffset,
                MemorySegment target, long targetOffset, int length, int token) {
            CopyListener owner = late.owner(token);
            if (!tokens.takeBack(token, late)) {
                return;
            }
            if (late.fails(owner) || !hasPlace()) {
                tokens.release(token, true);
                return;
            }
            try {
                engine.copy(source, sourceOffset, target, targetOffset, length, token);
                MemoryFault.surface();
            } catch (InternalError e) {
                // The engine reports the copy as failed, and whose memory it was finds out for itself.
                LOG.log(Level.DEBUG, "memory is gone", e);
            } catch (RuntimeException | Error e) {
                fail(e);
            }
        }

        private boolean hasPlace() {
            try {
                return isSound() && engine.capacity() > 0;
            } catch (RuntimeException | Error e) {
                fail(e);
                return false;
            }
        }

        @Override
        public void submit() {
            if (isSound()) {
                try {
                    engine.submit();
                } catch (RuntimeException | Error e) {
                    fail(e);
                }
            }
        }
    }
}
