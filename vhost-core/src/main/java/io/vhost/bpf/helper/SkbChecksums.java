package io.vhost.bpf.helper;

import static io.vhost.bpf.helper.Argument.ANYTHING;
import static io.vhost.bpf.helper.Argument.CONTEXT;

import io.vhost.bpf.mem.Bytes;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.PacketRoom;
import java.util.List;

/** bpf_l3_csum_replace, bpf_l4_csum_replace: a checksum in the packet, by what changed (RFC 1624). */
final class SkbChecksums {
    private static final int EINVAL = -22;
    private static final int EFAULT = -14;
    private static final long LOW = 0xFFFFFFFFL;
    private static final long SIZE = 15;
    private static final long PSEUDO_HEADER = 0x10;
    private static final long ZERO_IS_NONE = 0x20;
    private static final long ZERO_OR_NOT = 0x40;
    private static final long V6 = 0x80;
    private static final int MAX_OFFSET = 0xFFFF;

    private SkbChecksums() {
    }

    static HelperPrototype[] all() {
        return new HelperPrototype[] {
            new HelperPrototype(10, "bpf_l3_csum_replace", true, Returns.NUMBER,
                    List.of(CONTEXT, ANYTHING, ANYTHING, ANYTHING, ANYTHING),
                    (cpu, _, offset, from, to, flags) -> (flags & ~SIZE) != 0 ? EINVAL
                    : replace(cpu, (int) offset, from, to, flags)),
            new HelperPrototype(11, "bpf_l4_csum_replace", true, Returns.NUMBER,
                    List.of(CONTEXT, ANYTHING, ANYTHING, ANYTHING, ANYTHING),
                    (cpu, _, offset, from, to, flags) ->
                    (flags & ~(SIZE | PSEUDO_HEADER | ZERO_IS_NONE | ZERO_OR_NOT | V6)) != 0 ? EINVAL
                    : replace(cpu, (int) offset, from, to, flags))};
    }

    private static long replace(Cpu cpu, int offset, long from, long to, long flags) {
        PacketRoom packet = cpu.packet();
        if (Integer.compareUnsigned(offset, MAX_OFFSET) > 0 || (offset & 1) != 0
                || offset + 2 > packet.length()) {
            return EFAULT;
        }
        long at = packet.data() + (long) offset;
        int old = (short) Bytes.SHORT.get(cpu.memory().packet(), at) & 0xFFFF;
        if ((flags & ZERO_IS_NONE) != 0 && (flags & ZERO_OR_NOT) == 0 && old == 0) {
            return 0;
        }
        long sum = ~old & 0xFFFFL;
        switch ((int) (flags & SIZE)) {
            case 0 -> {
                if (from != 0) {
                    return EINVAL;
                }
                sum += to & LOW;
            }
            case 2 -> sum += (~from & 0xFFFF) + (to & 0xFFFF);
            case 4 -> sum += (~from & LOW) + (to & LOW);
            default -> {
                return EINVAL;
            }
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xFFFF) + (sum >>> 16);
        }
        int fresh = (int) ~sum & 0xFFFF;
        boolean mangled = (flags & ZERO_IS_NONE) != 0 && fresh == 0;
        Bytes.SHORT.set(cpu.memory().packet(), at, (short) (mangled ? 0xFFFF : fresh));
        return 0;
    }
}
