package io.vhost.bpf.map;

import io.vhost.bpf.mem.Bytes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A map from a number to an object: PROG_ARRAY, ARRAY_OF_MAPS and PERF_EVENT_ARRAY. Programs cannot store
 * into it, the application does.
 *
 * <p>Thread: any; an object is published with what it consists of.
 */
public final class SlotTable implements MapOfMaps {
    private static final MemorySegment NOTHING = Arena.global().allocate(0, 8);

    private final MapSpec spec;
    private final AtomicReferenceArray<Object> slots;

    /** Makes an empty one. */
    public SlotTable(MapSpec spec) {
        this.spec = spec;
        slots = new AtomicReferenceArray<>(spec.maxEntries());
    }

    /** The object in a slot, or null if there is none or no such slot. */
    public Object get(long index) {
        return index >= 0 && index < slots.length() ? slots.getAcquire((int) index) : null;
    }

    /** Puts an object into a slot, or null to empty it. */
    public void set(int index, Object object) {
        slots.setRelease(index, object);
    }

    @Override
    public int put(MemorySegment keys, long key, BpfTable map) {
        int index = (int) Bytes.INT.get(keys, key);
        if (Integer.compareUnsigned(index, slots.length()) >= 0) {
            return Errno.E2BIG;
        }
        set(index, map);
        return 0;
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    @Override
    public int places() {
        return slots.length();
    }

    @Override
    public boolean key(int place, MemorySegment to, long offset) {
        Bytes.INT.set(to, offset, place);
        return get(place) != null;
    }

    @Override
    public long valueAt(int place, int cpu) {
        return ABSENT;
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
    public BpfTable inner(MemorySegment keys, long key) {
        return get((int) Bytes.INT.get(keys, key) & 0xFFFFFFFFL) instanceof BpfTable table ? table : null;
    }

    @Override
    public int update(MemorySegment keys, long key, MemorySegment from, long value, long flags, int cpu) {
        return Errno.EINVAL;
    }

    @Override
    public int delete(MemorySegment keys, long key) {
        long index = (int) Bytes.INT.get(keys, key) & 0xFFFFFFFFL;
        if (get(index) == null) {
            return Errno.ENOENT;
        }
        set((int) index, null);
        return 0;
    }
}
