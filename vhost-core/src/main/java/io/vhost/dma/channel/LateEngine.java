package io.vhost.dma.channel;

import io.vhost.dma.engine.DmaEngine;
import io.vhost.memory.GuestMemory;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * An engine that its channel has left, until it touches no memory any more: the copies that it may still be
 * making, and the guests' memory that is kept mapped for them. It is closed by a thread of its own, since
 * nobody can wait for a copy that stands in a page fault. All but {@link #leftBehind} and what that thread
 * does is used under the channel's lock.
 */
final class LateEngine {
    private static final Logger LOG = System.getLogger("io.vhost.dma");
    /** Engines of this process that have not ended although their channels waited for them. */
    private static final AtomicInteger LEFT_BEHIND = new AtomicInteger();

    private final DmaEngine engine;
    private final String channel;
    /** Whose copies are not made again. */
    private final List<CopyListener> failing = new ArrayList<>();
    /** By token, null where there is none: whose copy may still be made. */
    private final CopyListener[] owner;
    private final int[] slot;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final List<GuestMemory> kept = new ArrayList<>();
    private boolean counted;
    private boolean settled;

    /** An engine of a channel of that name. */
    LateEngine(DmaEngine engine, String channel, int depth) {
        this.engine = engine;
        this.channel = channel;
        owner = new CopyListener[depth];
        slot = new int[depth];
    }

    /** Engines of this process that have been left behind and have not ended; any thread. */
    static int leftBehind() {
        return LEFT_BEHIND.get();
    }

    DmaEngine engine() {
        return engine;
    }

    /** The copies of an owner fail that are left. */
    void fail(CopyListener who) {
        failing.add(who);
    }

    boolean fails(CopyListener who) {
        return failing.contains(who);
    }

    void put(int token, CopyListener copyOwner, int ownerSlot) {
        owner[token] = copyOwner;
        slot[token] = ownerSlot;
    }

    /** Whose copy a token is; null if it is none of this engine's any more. */
    CopyListener owner(int token) {
        return token >= 0 && token < owner.length ? owner[token] : null;
    }

    /** What the owner calls it; the copy is this engine's no more. */
    int take(int token) {
        owner[token] = null;
        return slot[token];
    }

    boolean holds(CopyListener who) {
        for (CopyListener each : owner) {
            if (each != null && each.equals(who)) {
                return true;
            }
        }
        return false;
    }

    /** Keeps memory mapped until the engine has ended. */
    void keep(GuestMemory memory) {
        memory.retain();
        kept.add(memory);
    }

    /**
     * Has the engine closed and waits a little; an interrupt ends the wait.
     *
     * @param onEnd called by the closing thread afterwards, which holds no lock
     * @return whether the engine has ended
     */
    boolean close(long nanos, Consumer<LateEngine> onEnd) {
        Thread closer = Thread.ofPlatform().daemon().name("end of " + channel).unstarted(() -> {
            closeNow();
            onEnd.accept(this);
        });
        try {
            closer.start();
        } catch (OutOfMemoryError e) {
            // No thread to be had. Then it is waited for here, as it was before there were such threads.
            closeNow();
        }
        try {
            if (closed.await(nanos, TimeUnit.NANOSECONDS)) {
                return true;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        counted = true;
        int number = LEFT_BEHIND.incrementAndGet();
        LOG.log(Level.WARNING, "an engine of DMA channel {0} is left behind, a copy does not end;"
                + " there are {1} such engines", channel, number);
        return false;
    }

    private void closeNow() {
        try {
            engine.close();
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR,
                    () -> "an engine of DMA channel %s threw when it was closed".formatted(channel), e);
        } finally {
            closed.countDown();
        }
    }

    /** Whether this is the first time that this is asked: who ends first settles the copies. */
    boolean takeSettled() {
        boolean was = settled;
        settled = true;
        return !was;
    }

    /** The engine has ended and its copies are settled: lets go of the memory. No lock needed or held. */
    void letGo() {
        if (counted) {
            LEFT_BEHIND.decrementAndGet();
        }
        kept.forEach(GuestMemory::release);
    }
}
