package io.vhost.dma.channel;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.dma.engine.DmaEngine;
import io.vhost.memory.GuestMemory;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * An engine in use, as queues have it: knows which copies are under way and whose they are. It stays the
 * same when its engine is replaced. Which methods need {@link #lock} says their annotation, and the compiler
 * checks it.
 */
public final class CopyChannel {
    private static final int DRAIN = 128;

    private final Object registry;
    private final String name;

    /**
     * Guards the channel and its engine. Queues hold it around a submission. The last in the lock order:
     * nothing is locked under it.
     */
    public final ReentrantLock lock = new ReentrantLock();

    @GuardedBy("lock")
    private final CopyTokens tokens;

    private final EngineSuccession engines;

    /** Packets that were submitted here and not given back to the application. */
    private final AtomicInteger packets = new AtomicInteger();

    @GuardedBy("lock")
    private final int[] reported = new int[DRAIN];

    private volatile boolean closed;

    /**
     * A channel.
     *
     * @param registry what it is configured in
     * @param name for logs
     * @param engine the first, or only one
     * @param supply of others; null: there are none
     * @param clock nanoseconds, for the age of engines
     */
    public CopyChannel(
            Object registry, String name, DmaEngine engine, EngineSupply supply, LongSupplier clock) {
        this.registry = registry;
        this.name = name;
        int depth = engine.depth();
        if (depth < 1) {
            throw new IllegalArgumentException("engine %s has depth %d, must be at least 1"
                    .formatted(name, depth));
        }
        tokens = new CopyTokens(depth);
        engines = new EngineSuccession(name, lock, tokens, engine, supply, clock);
    }

    /** {@return the registry that this channel is configured in} */
    public Object registry() {
        return registry;
    }

    /** {@return the name for logs} */
    public String name() {
        return name;
    }

    /** {@return whether this channel was unconfigured} */
    public boolean isClosed() {
        return closed;
    }

    /** {@return what broke the engine, or null} A channel with a failure takes no copies, for good. */
    public Throwable failure() {
        return engines.failure();
    }

    /** {@return whether it goes on with another engine when one fails or is held up} */
    public boolean isReplaceable() {
        return engines.isReplaceable();
    }

    /** {@return how many engines were replaced} */
    public int replacements() {
        return engines.replacements();
    }

    /** {@return engines of all channels of this process that were left behind and have not ended} */
    public static int leftBehind() {
        return LateEngine.leftBehind();
    }

    /** {@return nanoseconds that the present engine has had at {@code now}, a {@link System#nanoTime}} */
    public long engineAge(long now) {
        return engines.engineAge(now);
    }

    /** {@return copies under way, of all queues} */
    public int inFlight() {
        lock.lock();
        try {
            return tokens.underWay();
        } finally {
            lock.unlock();
        }
    }

    /** {@return packets that were submitted here and that their queues have not given back} */
    public int packetsInFlight() {
        return packets.get();
    }

    /** That many packets more are in flight. Lock held. */
    public void retain(int count) {
        packets.addAndGet(count);
    }

    /** That many packets were given back. */
    public void release(int count) {
        packets.addAndGet(-count);
    }

    /** {@return the most copies that are under way at a time, of all queues; stays as it is} Lock held. */
    @GuardedBy("lock")
    public int depth() {
        return tokens.depth();
    }

    /** {@return how many copies can be queued now} Lock held. */
    @GuardedBy("lock")
    public int capacity() {
        if (closed) {
            return 0;
        }
        if (!engines.isSound()) {
            engines.replaceBroken();
            return 0;
        }
        try {
            return Math.min(tokens.free(), engines.engine().capacity());
        } catch (RuntimeException | Error e) {
            engines.fail(e);
            return 0;
        }
    }

    /**
     * Queues one copy. Lock held, {@link #capacity} asked. An engine that fails reports the copy as failed,
     * as it does all others. An {@link InternalError} says that memory is gone: it is no fault of the engine,
     * which goes on; the copy is reported like any other, and whose memory it was is for the caller to say.
     *
     * @param source native memory to read
     * @param sourceOffset first byte in it
     * @param target native memory to write
     * @param targetOffset first byte in it
     * @param length bytes, at least 1
     * @param owner is told when the copy is done
     * @param ownerSlot what it is told, 0 or more
     */
    @GuardedBy("lock")
    public void copy(
            MemorySegment source,
            long sourceOffset,
            MemorySegment target,
            long targetOffset,
            int length,
            CopyListener owner,
            int ownerSlot) {
        if (!engines.isSound() || tokens.free() == 0) {
            owner.copyDone(ownerSlot, true);
            return;
        }
        int token = tokens.take(owner, ownerSlot);
        try {
            engines.engine().copy(source, sourceOffset, target, targetOffset, length, token);
        } catch (InternalError e) {
            throw e;
        } catch (RuntimeException | Error e) {
            engines.fail(e);
        }
    }

    /** Has the engine begin. Lock held. */
    @GuardedBy("lock")
    public void submit() {
        if (!engines.isSound()) {
            return;
        }
        try {
            engines.engine().submit();
        } catch (RuntimeException | Error e) {
            engines.fail(e);
        }
    }

    /**
     * Tells the owners of copies that are done. Takes the lock. Bounded by the engine's depth.
     */
    public void drain() {
        lock.lock();
        try {
            drainLocked();
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private void drainLocked() {
        try {
            int count = DRAIN;
            while (count == DRAIN && engines.isSound() && tokens.underWay() > 0) {
                count = engines.engine().completed(reported, 0, DRAIN);
                if (count < 0 || count > DRAIN) {
                    throw new IllegalStateException("engine reported " + count + " completions of at most "
                            + DRAIN);
                }
                for (int i = 0; i < count; i++) {
                    tokens.complete(reported[i]);
                }
            }
        } catch (RuntimeException | Error e) {
            engines.fail(e);
        }
        engines.replaceBroken();
    }

    /**
     * Gives up on the engine. A channel with a factory goes on with another one; else the engine is closed,
     * which ends all its accesses to memory, and every copy under way is failed.
     *
     * @param cause why
     */
    public void abandon(Throwable cause) {
        lock.lock();
        try {
            if (!closed) {
                engines.fail(cause);
                engines.replaceBroken();
            }
        } finally {
            lock.unlock();
        }
    }

    // For queues whose copies take too long. They take the lock.

    /** {@return whose copy is being made at this moment; null if none is, or the engine cannot tell} */
    public CopyListener served() {
        lock.lock();
        try {
            return engines.served();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Replaces an engine that somebody has waited for too long, unless another has just done so.
     *
     * @param blamed all of its copies fail, and it is told that it is {@linkplain CopyListener#evicted the
     *     cause}; null: nobody is to blame
     * @param nanos time that each engine has at least
     * @param cause for the log; if no other engine is to be had, the channel's failure
     */
    public void expire(CopyListener blamed, long nanos, Throwable cause) {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            if (!isReplaceable()) {
                engines.fail(cause);
                return;
            }
            drainLocked();
            if (failure() == null && engineAge(engines.now()) > nanos) {
                engines.replace(blamed, cause);
            }
        } finally {
            lock.unlock();
        }
    }

    /** {@return whether copies of an owner are left to an engine that was replaced and has not ended} */
    public boolean isLate(CopyListener owner) {
        lock.lock();
        try {
            return engines.isLate(owner);
        } finally {
            lock.unlock();
        }
    }

    /** {@return whether copies of an owner are under way} */
    public boolean holds(CopyListener owner) {
        lock.lock();
        try {
            return tokens.holds(owner) || engines.isLate(owner);
        } finally {
            lock.unlock();
        }
    }

    /**
     * An owner waits no longer for its {@linkplain #isLate late} copies. They fail when they have ended, and
     * memory is kept mapped until then.
     *
     * @param owner whose copies are late
     * @param memory the guest memory that they may touch
     * @return false if others of its copies are under way, or none is late; nothing has changed then
     */
    public boolean leave(CopyListener owner, GuestMemory memory) {
        lock.lock();
        try {
            return engines.leave(owner, memory);
        } finally {
            lock.unlock();
        }
    }

    /** Ends the channel, for the registry. */
    public void close() {
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("DMA channel " + name + " is unconfigured already");
            }
            drainLocked();
            if (tokens.underWay() != 0 || packets.get() != 0) {
                throw new IllegalStateException(
                        ("DMA channel %s has %d copies and %d packets in flight:"
                                + " poll or clear its queues first")
                                .formatted(name, tokens.underWay(), packets.get()));
            }
            closed = true;
            engines.close();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
