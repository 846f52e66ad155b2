package io.vhost.bpf.helper;

import io.vhost.bpf.mem.Address;
import io.vhost.bpf.mem.Bytes;
import io.vhost.bpf.run.Cpu;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** bpf_csum_diff: how a checksum changes when bytes are replaced by others (RFC 1624), folded to 16 bits. */
final class ChecksumHelper {
    private static final int EINVAL = -22;
    private static final long LOW = 0xFFFFFFFFL;

    private ChecksumHelper() {
    }

    static HelperPrototype prototype() {
        return new HelperPrototype(28, "bpf_csum_diff", false, Returns.NUMBER,
                List.of(Argument.MEMORY_OR_NULL, Argument.SIZE_OR_ZERO, Argument.MEMORY_OR_NULL,
                Argument.SIZE_OR_ZERO, Argument.ANYTHING), ChecksumHelper::difference);
    }

    private static long difference(Cpu cpu, long from, long fromSize, long to, long toSize, long seed) {
        long removed = fromSize & LOW;
        long added = toSize & LOW;
        if (((removed | added) & 3) != 0) {
            return EINVAL;
        }
        long sum = seed & LOW;
        if (removed > 0 && added > 0) {
            sum = add(sum(cpu, to, added, sum), ~sum(cpu, from, removed, 0) & LOW);
        } else if (added > 0) {
            sum = sum(cpu, to, added, sum);
        } else if (removed > 0) {
            sum = ~sum(cpu, from, removed, ~sum & LOW) & LOW;
        }
        int folded = (int) sum;
        return Integer.toUnsignedLong((folded + Integer.rotateLeft(folded, 16)) >>> 16);
    }

    private static long sum(Cpu cpu, long address, long size, long start) {
        MemorySegment segment = cpu.memory().segment(address);
        long offset = Address.offset(address);
        long sum = start;
        for (long at = 0; at < size; at += 4) {
            sum = add(sum, (int) Bytes.INT.get(segment, offset + at) & LOW);
        }
        return sum;
    }

    private static long add(long one, long other) {
        long sum = one + other;
        return (sum & LOW) + (sum >>> 32);
    }
}
