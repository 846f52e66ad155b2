package io.vhost.bpf.map;

import static io.vhost.bpf.mem.Bytes.INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * QUEUE and STACK: values without keys. Programs get copies, no addresses.
 * <pre>
 *   state: | lock | first | count |
 * </pre>
 *
 * @param data   the values
 * @param stride bytes from one to the next
 * @param stack  whether the last value comes out first
 */
public record QueueTable(MapSpec spec, MemorySegment data, MemorySegment state, long stride, boolean stack)
        implements KeylessTable {
    static final int STATE = 16;

    private static final MemorySegment NOTHING = Arena.global().allocate(0, 8);
    private static final long FIRST = 4;
    private static final long COUNT = 8;

    /** Appends a value; with the flag 2 a full one loses its oldest. */
    public int push(MemorySegment from, long value, long flags) {
        if ((flags & ~Errno.EXIST) != 0) {
            return Errno.EINVAL;
        }
        SpinLock.lock(state, 0);
        try {
            int count = (int) INT.get(state, COUNT);
            int first = (int) INT.get(state, FIRST);
            boolean full = count == spec.maxEntries();
            if (full && flags == 0) {
                return Errno.E2BIG;
            }
            int last = full ? first : (int) ((first + (long) count) % spec.maxEntries());
            Words.copy(from, value, data, last * stride, spec.valueSize());
            if (full) {
                INT.set(state, FIRST, (first + 1) % spec.maxEntries());
            } else {
                INT.set(state, COUNT, count + 1);
            }
            return 0;
        } finally {
            SpinLock.unlock(state, 0);
        }
    }

    /** Copies the next value, and takes it out if {@code remove}; of an empty one comes zeros. */
    public int next(MemorySegment to, long value, boolean remove) {
        SpinLock.lock(state, 0);
        try {
            int count = (int) INT.get(state, COUNT);
            int first = (int) INT.get(state, FIRST);
            if (count == 0) {
                to.asSlice(value, spec.valueSize()).fill((byte) 0);
                return Errno.ENOENT;
            }
            int at = stack ? (int) ((first + (long) count - 1) % spec.maxEntries()) : first;
            Words.copy(data, at * stride, to, value, spec.valueSize());
            if (remove) {
                INT.set(state, COUNT, count - 1);
                if (!stack) {
                    INT.set(state, FIRST, (first + 1) % spec.maxEntries());
                }
            }
            return 0;
        } finally {
            SpinLock.unlock(state, 0);
        }
    }

    /** Number of values that wait. */
    public int size() {
        SpinLock.lock(state, 0);
        try {
            return (int) INT.get(state, COUNT);
        } finally {
            SpinLock.unlock(state, 0);
        }
    }

    @Override
    public MemorySegment values() {
        return NOTHING;
    }

    @Override
    public int refusal() {
        return Errno.EINVAL;
    }
}
