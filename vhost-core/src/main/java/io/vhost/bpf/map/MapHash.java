package io.vhost.bpf.map;

import static io.vhost.bpf.mem.Bytes.ATOMIC_LONG;
import static io.vhost.bpf.mem.Bytes.LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * HASH_OF_MAPS: a hash whose values are tickets for maps. A ticket is used once, so that who has read one
 * that was replaced meanwhile finds that its place is somebody else's, and looks again.
 *
 * <p>Thread: any; those that change it wait for each other.
 */
final class MapHash implements MapOfMaps {
    private static final MemorySegment NOTHING = Arena.global().allocate(0, 8);
    // Only writers that never stop come near it.
    private static final int MAX_RESTARTS = 1000;
    private static final int PLACE_BITS = 32;

    private final MapSpec spec;
    private final BpfTable tickets;
    private final AtomicReferenceArray<Held> places;
    private final ArrayDeque<Integer> free = new ArrayDeque<>();
    private final MemorySegment ticket = Arena.ofAuto().allocate(Long.BYTES, Long.BYTES);
    private long issued;

    /** A map and the ticket for it. */
    private record Held(long ticket, BpfTable map) {
    }

    /**
     * Makes an empty one.
     *
     * @param tickets a hash with the same keys and values of eight bytes
     */
    MapHash(MapSpec spec, BpfTable tickets) {
        this.spec = spec;
        this.tickets = tickets;
        // One is taken for the new map while the old one still has its own.
        this.places = new AtomicReferenceArray<>(spec.maxEntries() + 1);
        for (int place = 0; place < places.length(); place++) {
            free.add(place);
        }
    }

    @Override
    public synchronized int put(MemorySegment keys, long key, BpfTable map) {
        long old = tickets.lookup(keys, key, 0);
        int replaced = old == ABSENT ? -1 : place(ticketAt(old));
        int place = free.remove();
        long fresh = ++issued << PLACE_BITS | place;
        places.setRelease(place, new Held(fresh, map));
        LONG.set(ticket, 0L, fresh);
        int result = tickets.update(keys, key, ticket, 0, Errno.ANY, 0);
        release(result == 0 ? replaced : place);
        return result;
    }

    @Override
    public synchronized int delete(MemorySegment keys, long key) {
        long old = tickets.lookup(keys, key, 0);
        int place = old == ABSENT ? -1 : place(ticketAt(old));
        int result = tickets.delete(keys, key);
        release(place);
        return result;
    }

    private void release(int place) {
        if (place >= 0) {
            places.setRelease(place, null);
            free.add(place);
        }
    }

    private long ticketAt(long offset) {
        return (long) ATOMIC_LONG.getAcquire(tickets.values(), offset);
    }

    private static int place(long ticket) {
        return (int) ticket;
    }

    @Override
    public BpfTable inner(MemorySegment keys, long key) {
        for (int i = 0; i < MAX_RESTARTS; i++) {
            long at = tickets.lookup(keys, key, 0);
            if (at == ABSENT) {
                return null;
            }
            long wanted = ticketAt(at);
            Held held = places.getAcquire(place(wanted));
            // The entry may have been used for another key before the ticket was read.
            boolean same = tickets.lookup(keys, key, 0) == at && ticketAt(at) == wanted;
            if (same && held != null && held.ticket == wanted) {
                return held.map;
            }
        }
        synchronized (this) {
            long at = tickets.lookup(keys, key, 0);
            return at == ABSENT ? null : places.getAcquire(place(ticketAt(at))).map;
        }
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    @Override
    public MemorySegment values() {
        return NOTHING;
    }

    @Override
    public long lookup(MemorySegment keys, long key, int cpu) {
        return ABSENT;
    }

    @Override
    public int update(MemorySegment keys, long key, MemorySegment from, long value, long flags, int cpu) {
        return Errno.EINVAL;
    }

    @Override
    public int places() {
        return tickets.places();
    }

    @Override
    public boolean key(int place, MemorySegment to, long offset) {
        return tickets.key(place, to, offset);
    }

    @Override
    public long valueAt(int place, int cpu) {
        return ABSENT;
    }
}
