package io.vhost.dma;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * An engine in use: knows which copies are under way and whose they are.
 *
 * <p>Applications get channels from {@link DmaRegistry#configure} and hand them to queues. The methods that
 * move copies are for queues; which of them need {@link #lock} says their annotation,
 * and the compiler checks it.
 */
public final class DmaChannel {
    private static final Logger LOG = System.getLogger("io.vhost.dma");
    private static final int DRAIN = 128;
    private static final int IDLE = -1;

    private final DmaRegistry registry;
    private final String name;
    private final int depth;

    /**
     * Guards the channel and its engine. For queues, which hold it around a submission. The last in the lock
     * order: nothing is locked under it.
     */
    public final ReentrantLock lock = new ReentrantLock();

    @GuardedBy("lock")
    private final DmaEngine engine;

    // By token: whose copy it is or was, and what its owner calls it, or IDLE.
    @GuardedBy("lock")
    private final CopyListener[] listener;

    @GuardedBy("lock")
    private final int[] slot;

    // A ring of the tokens that are free. The one that has been free longest is used next, so that an engine
    // that completes a copy twice is caught long before the token means another copy.
    @GuardedBy("lock")
    private final int[] freeTokens;

    @GuardedBy("lock")
    private int nextFree;

    @GuardedBy("lock")
    private int free;

    /** Packets that were submitted here and not given back to the application. */
    private final AtomicInteger packets = new AtomicInteger();

    @GuardedBy("lock")
    private final int[] reported = new int[DRAIN];

    private volatile boolean closed;
    private volatile Throwable failure;

    DmaChannel(DmaRegistry registry, String name, DmaEngine engine) {
        this.registry = registry;
        this.name = name;
        this.engine = engine;
        this.depth = engine.depth();
        if (depth < 1) {
            throw new IllegalArgumentException("engine %s has depth %d, must be at least 1"
                    .formatted(name, depth));
        }
        listener = new CopyListener[depth];
        slot = new int[depth];
        freeTokens = new int[depth];
        for (int i = 0; i < depth; i++) {
            freeTokens[i] = i;
            slot[i] = IDLE;
        }
        free = depth;
    }

    /** {@return the registry that this channel is configured in} */
    public DmaRegistry registry() {
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

    /** {@return what broke the engine, or null} A channel with a failure takes no copies. */
    public Throwable failure() {
        return failure;
    }

    /** {@return copies under way, of all queues} */
    public int inFlight() {
        lock.lock();
        try {
            return depth - free;
        } finally {
            lock.unlock();
        }
    }

    /** {@return packets that were submitted here and that their queues have not given back} */
    public int packetsInFlight() {
        return packets.get();
    }

    /** For queues: that many packets more are in flight. Lock held. */
    public void retain(int count) {
        packets.addAndGet(count);
    }

    /** For queues: that many packets were given back. */
    public void release(int count) {
        packets.addAndGet(-count);
    }

    /** {@return how many copies can be queued now} Lock held. */
    @GuardedBy("lock")
    public int capacity() {
        if (closed || failure != null) {
            return 0;
        }
        try {
            return Math.min(free, engine.capacity());
        } catch (RuntimeException | Error e) {
            fail(e);
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
    @SuppressWarnings("ReferenceEquality") // Whether a store can be left out is a question of identity.
    public void copy(
            MemorySegment source,
            long sourceOffset,
            MemorySegment target,
            long targetOffset,
            int length,
            CopyListener owner,
            int ownerSlot) {
        if (failure != null || free == 0) {
            owner.copyDone(ownerSlot, true);
            return;
        }
        int token = freeTokens[nextFree];
        nextFree = nextFree + 1 == depth ? 0 : nextFree + 1;
        free--;
        // A reference that is stored costs more than one that is compared, and it hardly ever changes.
        if (listener[token] != owner) {
            listener[token] = owner;
        }
        slot[token] = ownerSlot;
        try {
            engine.copy(source, sourceOffset, target, targetOffset, length, token);
        } catch (InternalError e) {
            throw e;
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    /** Has the engine begin. Lock held. */
    @GuardedBy("lock")
    public void submit() {
        if (failure != null) {
            return;
        }
        try {
            engine.submit();
        } catch (RuntimeException | Error e) {
            fail(e);
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
            while (count == DRAIN && failure == null && free < depth) {
                count = engine.completed(reported, 0, DRAIN);
                if (count < 0 || count > DRAIN) {
                    throw new IllegalStateException("engine reported " + count + " completions of at most "
                            + DRAIN);
                }
                for (int i = 0; i < count; i++) {
                    complete(reported[i]);
                }
            }
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    @GuardedBy("lock")
    private void complete(int result) {
        boolean failed = result < 0;
        int token = failed ? ~result : result;
        if (token >= depth || slot[token] == IDLE) {
            throw new IllegalStateException("engine reported token " + token
                    + ", which is not under way: completed twice or never submitted");
        }
        release(token, failed);
    }

    @GuardedBy("lock")
    private void release(int token, boolean failed) {
        int ownerSlot = slot[token];
        slot[token] = IDLE;
        int place = nextFree + free;
        freeTokens[place < depth ? place : place - depth] = token;
        free++;
        listener[token].copyDone(ownerSlot, failed);
    }

    /**
     * Gives up on the engine: it is closed, which ends all its accesses to memory,
     * and every copy under way is failed.
     *
     * @param cause why
     */
    public void abandon(Throwable cause) {
        lock.lock();
        try {
            fail(cause);
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private void fail(Throwable cause) {
        if (failure != null || closed) {
            return;
        }
        failure = cause;
        LOG.log(Level.ERROR, () -> "DMA channel %s failed, its copies under way are given back as failed"
                .formatted(name), cause);
        closeEngine();
        for (int token = 0; token < depth; token++) {
            if (slot[token] != IDLE) {
                release(token, true);
            }
        }
    }

    @GuardedBy("lock")
    private void closeEngine() {
        try {
            engine.close();
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR,
                    () -> "engine of DMA channel %s threw when it was closed".formatted(name), e);
        }
    }

    /** Ends the channel, for the registry. */
    void close() {
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("DMA channel " + name + " is unconfigured already");
            }
            drainLocked();
            if (free != depth || packets.get() != 0) {
                throw new IllegalStateException(
                        ("DMA channel %s has %d copies and %d packets in flight:"
                                + " poll or clear its queues first")
                                .formatted(name, depth - free, packets.get()));
            }
            closed = true;
            if (failure == null) {
                closeEngine();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
