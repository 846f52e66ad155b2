package io.vhost.bpf.map;

import static io.vhost.bpf.mem.Bytes.INT;

import java.lang.foreign.MemorySegment;

/**
 * ARRAY, PERCPU_ARRAY, and DEVMAP and CPUMAP, in which a value that begins with zero is no entry.
 *
 * @param stride    bytes from one entry to the next
 * @param cpuStride bytes from one CPU's value to the next, 0 if there is one value for all
 * @param cpus      number of CPUs
 * @param sparse    whether entries can be absent
 */
record ArrayTable(MapSpec spec, MemorySegment values, long stride, long cpuStride, int cpus, boolean sparse)
        implements BpfTable {
    @Override
    public long lookup(MemorySegment keys, long key, int cpu) {
        int index = (int) INT.get(keys, key);
        if (Integer.compareUnsigned(index, spec.maxEntries()) >= 0 || cpu >= cpus) {
            return ABSENT;
        }
        long offset = valueAt(index, cpu);
        return sparse && (int) INT.get(values, offset) == 0 ? ABSENT : offset;
    }

    @Override
    public BpfTable frozen() {
        return new ArrayTable(spec, values.asReadOnly(), stride, cpuStride, cpus, sparse);
    }

    @Override
    public int update(MemorySegment keys, long key, MemorySegment from, long value, long flags, int cpu) {
        if (values.isReadOnly()) {
            return Errno.EPERM;
        }
        if (Long.compareUnsigned(flags & ~Errno.LOCK, Errno.EXIST) > 0) {
            return Errno.EINVAL;
        }
        int index = (int) INT.get(keys, key);
        if (Integer.compareUnsigned(index, spec.maxEntries()) >= 0) {
            return Errno.E2BIG;
        }
        if (flags == Errno.NOEXIST) {
            return Errno.EEXIST;
        }
        if (cpu >= cpus) {
            return Errno.EINVAL;
        }
        Words.copy(from, value, values, valueAt(index, cpu), spec.valueSize());
        return 0;
    }

    @Override
    public int delete(MemorySegment keys, long key) {
        if (!sparse || values.isReadOnly()) {
            return sparse ? Errno.EPERM : Errno.EINVAL;
        }
        int index = (int) INT.get(keys, key);
        if (Integer.compareUnsigned(index, spec.maxEntries()) >= 0) {
            return Errno.EINVAL;
        }
        INT.set(values, valueAt(index, 0), 0);
        return 0;
    }

    @Override
    public int places() {
        return spec.maxEntries();
    }

    @Override
    public boolean key(int place, MemorySegment to, long offset) {
        INT.set(to, offset, place);
        return !sparse || (int) INT.get(values, valueAt(place, 0)) != 0;
    }

    @Override
    public long valueAt(int place, int cpu) {
        return place * stride + cpu * cpuStride;
    }
}
