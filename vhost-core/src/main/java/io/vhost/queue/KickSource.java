package io.vhost.queue;

import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import java.util.function.LongSupplier;

/**
 * A queue's kick descriptor for a thread that sleeps on it: a duplicate, since the front-end may replace its
 * own at any time. {@link #follow} and {@link #isOfUse} are called under the queue's lock, everything by the
 * thread that sleeps.
 *
 * <p>A front-end can make a descriptor that is readable for ever, such as an eventfd that gives away one of
 * billions of signals at a time. So one that ends sleep again and again while the ring shows no work is slept
 * on no more, until work is done. And it can make the kernel busy for milliseconds when its descriptor is
 * read, by having it watched by very many others: where that is so again and again it is slept on no more at
 * all.
 */
public final class KickSource implements AutoCloseable {
    /** What a queue says when it is asked for kicks. */
    public enum Answer {
        /** Chains are there already. */
        HAS_WORK,
        /** A kick will come with the next chain. */
        ARMED,
        /** The front-end sends no kicks, or none that mean anything: look now and then. */
        SENDS_NO_KICKS,
        /** The queue does not run. */
        IS_STOPPED
    }

    /** Kicks without work in between that a guest may send, as one may whose chains were seen before. */
    static final int MOST_IDLE = 16;
    /** What taking the kicks may take, in ns, and how often it may take longer. */
    static final long SLOW = 500_000;
    static final int MOST_SLOW = 8;
    /** Fast ones that make up for a slow one: a front-end may send both in turn. */
    static final int WEIGHT = 100;

    private final LongSupplier clock;
    private EventFd source;
    private EventFd own;
    private int published;
    private int idle;
    private int balance;

    /** Nothing to sleep on yet. */
    public KickSource() {
        this(System::nanoTime);
    }

    /** With another clock, in ns. */
    KickSource(LongSupplier clock) {
        this.clock = clock;
    }

    void follow(EventFd kick) {
        if (!kick.equals(source)) {
            letGo();
            own = EventFd.adopt(kick.descriptor().duplicate());
            source = kick;
        }
    }

    /**
     * Whether sleeping on it is of use.
     *
     * @param publishedNow chains that the ring has given back, which tells of work
     */
    boolean isOfUse(int publishedNow) {
        if (published != publishedNow) {
            published = publishedNow;
            idle = 0;
        }
        return idle < MOST_IDLE && balance < MOST_SLOW * WEIGHT;
    }

    /** The descriptor to poll; there is one after {@link Answer#ARMED}. */
    public Descriptor descriptor() {
        return own.descriptor();
    }

    /** It ended the sleep: takes the kicks that have come. */
    public void drain() {
        idle++;
        long before = clock.getAsLong();
        own.drain();
        if (balance >= MOST_SLOW * WEIGHT) {
            return;
        }
        if (clock.getAsLong() - before < SLOW) {
            balance = Math.max(balance - 1, 0);
        } else {
            balance += WEIGHT;
        }
    }

    @Override
    public void close() {
        letGo();
    }

    /** The last close of what very many others watch takes as long as a read: not here. */
    private void letGo() {
        if (own != null) {
            own.closeElsewhere();
            own = null;
            source = null;
        }
    }
}
