package io.vhost.bpf.helper;

import static io.vhost.bpf.helper.Argument.ANYTHING;
import static io.vhost.bpf.helper.Argument.MAP;

import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.mem.Bytes;
import io.vhost.bpf.run.Cpu;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** bpf_redirect and bpf_redirect_map of XDP: where to is left with the Cpu. */
final class RedirectHelpers {
    private static final int ABORTED = 0;
    private static final int REDIRECT = 4;
    private static final long ACTIONS = 3;

    private RedirectHelpers() {
    }

    static HelperPrototype[] all() {
        return new HelperPrototype[] {
            new HelperPrototype(23, "bpf_redirect", false, Returns.NUMBER, List.of(ANYTHING, ANYTHING),
                    (cpu, port, flags, _, _, _) -> redirect(cpu, port & 0xFFFFFFFFL, flags)),
            new HelperPrototype(51, "bpf_redirect_map", false, Returns.NUMBER,
                    List.of(MAP, ANYTHING, ANYTHING), (cpu, map, key, flags, _, _) ->
                    redirect(cpu, map, key & 0xFFFFFFFFL, flags))};
    }

    private static long redirect(Cpu cpu, long port, long flags) {
        if (flags != 0) {
            return ABORTED;
        }
        cpu.redirect(port);
        return REDIRECT;
    }

    /** The lowest bits of the flags say what to do if there is no such entry. */
    private static long redirect(Cpu cpu, long map, long key, long flags) {
        if ((flags & ~ACTIONS) != 0) {
            return ABORTED;
        }
        BpfTable table = cpu.map(map);
        MemorySegment scratch = cpu.scratch();
        Bytes.INT.set(scratch, 0L, (int) key);
        long value = table.lookup(scratch, 0, cpu.number());
        if (value == BpfTable.ABSENT) {
            return flags;
        }
        cpu.redirect((int) Bytes.INT.get(table.values(), value) & 0xFFFFFFFFL);
        return REDIRECT;
    }
}
