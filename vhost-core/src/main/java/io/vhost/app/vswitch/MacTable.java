package io.vhost.app.vswitch;

import java.util.Arrays;

/**
 * Which port a network address was last seen at. One thread.
 *
 * <p>A set-associative cache: an address has one set of {@value #WAYS} places, and where all are
 * taken it replaces the one seen longest ago. So work is bounded and nothing is allocated, whatever
 * addresses the guests make up.
 *
 * @param <P> a port
 */
final class MacTable<P> {
    private static final int WAYS = 8;
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private final long[] addresses;
    private final long[] seen;
    private final Object[] ports;
    private final int setShift;
    private final long age;

    /**
     * An empty table.
     *
     * @param capacity addresses, a power of two of at least 16
     * @param age nanoseconds after which an address that was not seen again is forgotten
     */
    MacTable(int capacity, long age) {
        if (Integer.bitCount(capacity) != 1 || capacity < 2 * WAYS) {
            throw new IllegalArgumentException(
                    "capacity=" + capacity + " is not a power of two of at least 16");
        }
        addresses = new long[capacity];
        seen = new long[capacity];
        ports = new Object[capacity];
        setShift = Long.SIZE - Integer.numberOfTrailingZeros(capacity / WAYS);
        this.age = age;
    }

    /** The address was seen at {@code port}, at {@code now} ns of the caller's clock. */
    void learn(long address, P port, long now) {
        int base = set(address);
        int place = base;
        long oldest = Long.MIN_VALUE;
        for (int i = base; i < base + WAYS; i++) {
            if (addresses[i] == address && ports[i] != null) {
                place = i;
                break;
            }
            long unseen = ports[i] == null ? Long.MAX_VALUE : now - seen[i];
            if (unseen > oldest) {
                oldest = unseen;
                place = i;
            }
        }
        addresses[place] = address;
        ports[place] = port;
        seen[place] = now;
    }

    /** The port of an address; null when it is not known, or was not seen for too long. */
    @SuppressWarnings("unchecked")   // only learn() writes ports
    P port(long address, long now) {
        int base = set(address);
        for (int i = base; i < base + WAYS; i++) {
            if (addresses[i] == address && ports[i] != null) {
                if (now - seen[i] <= age) {
                    return (P) ports[i];
                }
                ports[i] = null;
                return null;
            }
        }
        return null;
    }

    /** Forgets all addresses but those at {@code kept}. */
    void keepOnly(P[] kept) {
        for (int i = 0; i < ports.length; i++) {
            if (ports[i] != null && !Arrays.asList(kept).contains(ports[i])) {
                ports[i] = null;
            }
        }
    }

    private int set(long address) {
        return (int) ((address * SPREAD) >>> setShift) * WAYS;
    }
}
