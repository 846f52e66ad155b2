package io.vhost.bpf.run;

import io.vhost.bpf.map.RingBuffer;
import io.vhost.bpf.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * What a program has begun and must end: records of ring buffers, and a lock. When a program is aborted in
 * between, it is done for it: others would wait for ever.
 *
 * <p>Thread: that of the {@link Cpu}.
 */
public final class Obligations {
    private RingBuffer[] rings = new RingBuffer[0];
    private long[] records = new long[0];
    private long[] addresses = new long[0];
    private int count;
    private MemorySegment lock;
    private long lockOffset;

    Obligations() {
    }

    /** A record was reserved, which the program knows by this address. */
    public void reserved(RingBuffer ring, long record, long address) {
        if (count == rings.length) {
            rings = Arrays.copyOf(rings, 2 * count + 2);
            records = Arrays.copyOf(records, rings.length);
            addresses = Arrays.copyOf(addresses, rings.length);
        }
        rings[count] = ring;
        records[count] = record;
        addresses[count++] = address;
    }

    /** Submits or discards a record; false if none was reserved at that address. */
    public boolean submit(long address, boolean discard) {
        for (int i = 0; i < count; i++) {
            if (addresses[i] == address) {
                rings[i].submit(records[i], discard);
                count--;
                rings[i] = rings[count];
                records[i] = records[count];
                addresses[i] = addresses[count];
                rings[count] = null;
                return true;
            }
        }
        return false;
    }

    /** Takes a lock, a word that is 1 while somebody has it; false if that cannot be. */
    public boolean lock(MemorySegment segment, long offset, int patience) {
        if (lock != null) {
            return false;
        }
        for (int i = 0; i < patience; i++) {
            if (Bytes.ATOMIC_INT.compareAndSet(segment, offset, 0, 1)) {
                lock = segment;
                lockOffset = offset;
                return true;
            }
            Thread.onSpinWait();
        }
        return false;
    }

    /** Gives the lock back; false if the program does not have this one. */
    public boolean unlock(MemorySegment segment, long offset) {
        if (lock == null || !lock.equals(segment) || lockOffset != offset) {
            return false;
        }
        Bytes.ATOMIC_INT.setRelease(segment, offset, 0);
        lock = null;
        return true;
    }

    /** Ends what is left. */
    void settle() {
        while (count > 0) {
            submit(addresses[0], true);
        }
        if (lock != null) {
            unlock(lock, lockOffset);
        }
    }
}
