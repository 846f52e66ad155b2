package io.vhost.bpf.map;

import static io.vhost.bpf.mem.Bytes.BYTE;
import static io.vhost.bpf.mem.Bytes.INT;
import static io.vhost.bpf.mem.Bytes.LONG;

import java.lang.foreign.MemorySegment;

/** Short runs of bytes by words: keys are compared and hashed, values copied. Thread: stateless. */
final class Words {
    private static final long MIX = 0x9E3779B97F4A7C15L;
    private static final int LONGEST = 64;

    private Words() {
    }

    /** A size with what keeps the next one aligned. */
    static long rounded(long size) {
        return size + 7 & -8;
    }

    static int hash(MemorySegment segment, long offset, int size, long seed) {
        long hash = seed;
        int at = 0;
        if (size >= 16) {
            // Two at a time, which do not wait for each other.
            long other = seed ^ MIX;
            for (; at + 16 <= size; at += 16) {
                hash = (hash ^ (long) LONG.get(segment, offset + at)) * MIX;
                other = (other ^ (long) LONG.get(segment, offset + at + 8)) * MIX;
                hash ^= hash >>> 32;
                other ^= other >>> 32;
            }
            hash = (hash ^ Long.rotateLeft(other, 21)) * MIX;
            hash ^= hash >>> 32;
        }
        for (; at + 8 <= size; at += 8) {
            hash = (hash ^ (long) LONG.get(segment, offset + at)) * MIX;
            hash ^= hash >>> 32;
        }
        if (at + 4 <= size) {
            hash = (hash ^ (int) INT.get(segment, offset + at)) * MIX;
            hash ^= hash >>> 32;
            at += 4;
        }
        for (; at < size; at++) {
            hash = (hash ^ (byte) BYTE.get(segment, offset + at)) * MIX;
            hash ^= hash >>> 32;
        }
        return (int) (hash ^ hash >>> 29);
    }

    static boolean equal(MemorySegment one, long oneOffset, MemorySegment other, long otherOffset, int size) {
        int at = 0;
        for (; at + 8 <= size; at += 8) {
            if ((long) LONG.get(one, oneOffset + at) != (long) LONG.get(other, otherOffset + at)) {
                return false;
            }
        }
        if (at + 4 <= size) {
            if ((int) INT.get(one, oneOffset + at) != (int) INT.get(other, otherOffset + at)) {
                return false;
            }
            at += 4;
        }
        for (; at < size; at++) {
            if ((byte) BYTE.get(one, oneOffset + at) != (byte) BYTE.get(other, otherOffset + at)) {
                return false;
            }
        }
        return true;
    }

    static void copy(MemorySegment from, long fromOffset, MemorySegment to, long toOffset, int size) {
        if (size > LONGEST) {
            MemorySegment.copy(from, fromOffset, to, toOffset, size);
            return;
        }
        int at = 0;
        for (; at + 8 <= size; at += 8) {
            LONG.set(to, toOffset + at, (long) LONG.get(from, fromOffset + at));
        }
        if (at + 4 <= size) {
            INT.set(to, toOffset + at, (int) INT.get(from, fromOffset + at));
            at += 4;
        }
        for (; at < size; at++) {
            BYTE.set(to, toOffset + at, (byte) BYTE.get(from, fromOffset + at));
        }
    }
}
