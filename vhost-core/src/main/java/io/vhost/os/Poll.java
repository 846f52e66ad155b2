package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/**
 * Waits until one of a fixed set of descriptors can be read, or written where that is asked for.
 *
 * <p>A thread that waits here is woken by what it watches only, not by {@link Thread#interrupt}. So let it
 * watch an {@link EventFd} as well, and signal that to end the thread; an {@link InterruptWatch} does so on
 * an interrupt.
 *
 * <pre>
 * struct pollfd   0 fd   4 events   6 returned events
 * </pre>
 *
 * <p>Thread: one. The watched descriptors must not be closed while it waits.
 */
public final class Poll {
    /** The time-out that never comes. */
    public static final int FOREVER = -1;

    private static final long ENTRY_SIZE = 8;
    private static final long EVENTS = 4;
    private static final long RETURNED = 6;
    private static final short POLLIN = 1;
    private static final short POLLOUT = 4;
    private static final short POLLNVAL = 0x20;

    private final Descriptor[] watched;
    /** Behind those, by number: somebody else's. */
    private final int[] foreign;
    private final short[] interest;
    private final MemorySegment entries;

    /**
     * Watches descriptors; takes none of them over.
     *
     * @param watched what to watch
     */
    public Poll(Descriptor... watched) {
        this(watched, new int[0]);
    }

    /**
     * Watches descriptors, and behind them others that are not this library's.
     *
     * @param watched what to watch
     * @param foreign numbers of descriptors, which their owners keep open
     */
    public Poll(Descriptor[] watched, int[] foreign) {
        this.watched = watched.clone();
        this.foreign = foreign.clone();
        this.interest = new short[watched.length + foreign.length];
        Arrays.fill(interest, POLLIN);
        this.entries = Arena.ofAuto().allocate(Math.max(1, interest.length) * ENTRY_SIZE, ENTRY_SIZE);
    }

    private int fd(int index) {
        return index < watched.length ? watched[index].fd() : foreign[index - watched.length];
    }

    /**
     * Says what to wait for; at first that is reading. The end of the peer is noticed in any case.
     *
     * @param index of the descriptor, in the order given to the constructor
     * @param readable whether bytes to read are waited for
     * @param writable whether room to write is waited for
     */
    public void interest(int index, boolean readable, boolean writable) {
        interest[index] = (short) ((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    }

    /**
     * Waits.
     *
     * @param timeoutMillis how long at most, in milliseconds; 0 only looks, {@link #FOREVER} waits
     * @return how many descriptors are ready; 0 when the time is over
     * @throws IllegalStateException if a watched descriptor is closed
     */
    public int await(int timeoutMillis) {
        for (int i = 0; i < interest.length; i++) {
            entries.set(JAVA_INT, i * ENTRY_SIZE, fd(i));
            entries.set(JAVA_SHORT, i * ENTRY_SIZE + EVENTS, interest[i]);
            entries.set(JAVA_SHORT, i * ENTRY_SIZE + RETURNED, (short) 0);
        }
        int ready = timeoutMillis < 0 ? awaitForever() : awaitUntil(timeoutMillis);
        if (ready < 0) {
            throw new OsException("poll(count=" + interest.length + ")", -ready);
        }
        return ready;
    }

    /**
     * {@return whether a descriptor was ready when {@link #await} returned last: a read will not wait, though
     * it may find the end of the stream or an error}
     *
     * @param index of the descriptor, in the order given to the constructor
     */
    public boolean isReady(int index) {
        short returned = entries.get(JAVA_SHORT, index * ENTRY_SIZE + RETURNED);
        if ((returned & POLLNVAL) != 0) {
            throw new IllegalStateException((index < watched.length ? watched[index] : "fd=" + fd(index))
                    + " was closed while it was watched");
        }
        return returned != 0;
    }

    private int awaitForever() {
        int ready;
        do {
            ready = Libc.poll(entries, interest.length, FOREVER);
        } while (ready == -Errno.EINTR);
        return ready;
    }

    private int awaitUntil(int timeoutMillis) {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
        int ready = Libc.poll(entries, interest.length, timeoutMillis);
        while (ready == -Errno.EINTR) {
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            ready = Libc.poll(entries, interest.length, (int) Math.max(left, 0));
        }
        return ready;
    }
}
