package io.vhost.app.vswitch;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Which port a network address was last seen at. Any thread: looking up takes no lock and stores nothing, and
 * neither does learning what is known already, but for the time, which is stored now and then. Whatever
 * changes an entry takes this object's lock.
 *
 * <p>A set-associative cache: an address has one set of {@value #WAYS} places, and where all are
 * taken it replaces the one seen longest ago. So work is bounded and nothing is allocated, whatever
 * addresses the guests make up. A place is one long, the address with the number of its port, so that nobody
 * sees one address with the port of another.
 *
 * @param <P> a port
 */
final class MacTable<P> {
    /** Most ports at a time: numbers have 16 bits, and 0 is an empty place. */
    static final int MOST_PORTS = 0xFFFF;

    private static final int WAYS = 8;
    private static final int NUMBER_BITS = 16;
    private static final long SPREAD = 0x9E3779B97F4A7C15L;
    /** The time of an address that is seen all the time is stored as often as this in its age. */
    private static final int STORES = 64;

    private final AtomicLongArray places;
    /** When each was seen; of a place that changes just now perhaps the time of the other address. */
    private final AtomicLongArray seen;
    private final AtomicReferenceArray<P> ports = new AtomicReferenceArray<>(MOST_PORTS + 1);
    private final int setShift;
    private final long age;
    private final long grain;

    @GuardedBy("this")
    private int lastNumber;

    /**
     * An empty table.
     *
     * @param capacity addresses, a power of two of at least 16
     * @param age nanoseconds after which an address that was not seen again is forgotten; one that is seen
     *     again and again may be forgotten sooner by up to a 64th
     */
    MacTable(int capacity, long age) {
        if (Integer.bitCount(capacity) != 1 || capacity < 2 * WAYS) {
            throw new IllegalArgumentException(
                    "capacity=" + capacity + " is not a power of two of at least 16");
        }
        places = new AtomicLongArray(capacity);
        seen = new AtomicLongArray(capacity);
        setShift = Long.SIZE - Integer.numberOfTrailingZeros(capacity / WAYS);
        this.age = age;
        grain = age / STORES;
    }

    /**
     * There is a port from now on.
     *
     * @return its number, 1 to {@value #MOST_PORTS}; that of a port that has gone is given again as late as
     *     possible, so that no lookup under way takes one for the other
     * @throws IllegalStateException if there are too many
     */
    synchronized int add(P port) {
        for (int i = 0; i < MOST_PORTS; i++) {
            lastNumber = lastNumber % MOST_PORTS + 1;
            if (ports.getPlain(lastNumber) == null) {
                ports.setRelease(lastNumber, port);
                return lastNumber;
            }
        }
        throw new IllegalStateException("there are " + MOST_PORTS + " ports already: take one away first");
    }

    /** A port has gone: its addresses are forgotten, and nothing is learned of it any more. */
    synchronized void remove(int number) {
        ports.setRelease(number, null);
        for (int i = 0; i < places.length(); i++) {
            if (numberIn(places.getPlain(i)) == number) {
                places.setRelease(i, 0);
            }
        }
    }

    /** The address was seen at a port, at {@code now} ns of the caller's clock. */
    void learn(long address, P port, int number, long now) {
        long wanted = address << NUMBER_BITS | number;
        int base = set(address);
        for (int i = base; i < base + WAYS; i++) {
            if (places.getAcquire(i) == wanted) {
                if (now - seen.getOpaque(i) > grain) {
                    seen.setOpaque(i, now);
                }
                return;
            }
        }
        change(address, port, number, now);
    }

    private synchronized void change(long address, P port, int number, long now) {
        if (!port.equals(ports.getPlain(number))) {
            return;
        }
        int base = set(address);
        int place = base;
        long oldest = Long.MIN_VALUE;
        for (int i = base; i < base + WAYS; i++) {
            long present = places.getPlain(i);
            if (holds(present, address)) {
                place = i;
                break;
            }
            long unseen = present == 0 ? Long.MAX_VALUE : now - seen.getOpaque(i);
            if (unseen > oldest) {
                oldest = unseen;
                place = i;
            }
        }
        seen.setOpaque(place, now);
        places.setRelease(place, address << NUMBER_BITS | number);
    }

    /** The port of an address; null when it is not known, or was not seen for too long. */
    P port(long address, long now) {
        int base = set(address);
        for (int i = base; i < base + WAYS; i++) {
            long present = places.getAcquire(i);
            if (holds(present, address)) {
                return now - seen.getOpaque(i) <= age ? ports.getAcquire(numberIn(present)) : null;
            }
        }
        return null;
    }

    private static boolean holds(long place, long address) {
        return place >>> NUMBER_BITS == address && place != 0;
    }

    private static int numberIn(long place) {
        return (int) place & MOST_PORTS;
    }

    private int set(long address) {
        return (int) ((address * SPREAD) >>> setShift) * WAYS;
    }
}
