package io.vhost.bpf.helper;

import static io.vhost.bpf.helper.Argument.ANYTHING;
import static io.vhost.bpf.helper.Argument.MEMORY;
import static io.vhost.bpf.helper.Argument.SIZE;

import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** bpf_ktime_get_ns and its kin, bpf_get_prandom_u32, bpf_get_smp_processor_id, bpf_trace_printk. */
final class TimeHelpers {
    private TimeHelpers() {
    }

    static HelperPrototype[] all() {
        return new HelperPrototype[] {
            clock(5, "bpf_ktime_get_ns"),
            clock(125, "bpf_ktime_get_boot_ns"),
            clock(160, "bpf_ktime_get_coarse_ns"),
            new HelperPrototype(7, "bpf_get_prandom_u32", false, Returns.NUMBER, List.of(),
                    (_, _, _, _, _, _) -> ThreadLocalRandom.current().nextInt() & 0xFFFFFFFFL),
            new HelperPrototype(8, "bpf_get_smp_processor_id", false, Returns.NUMBER, List.of(),
                    (cpu, _, _, _, _, _) -> cpu.number()),
            new HelperPrototype(6, "bpf_trace_printk", false, Returns.NUMBER,
                    List.of(MEMORY, SIZE, ANYTHING, ANYTHING, ANYTHING), Trace::print)};
    }

    private static HelperPrototype clock(int id, String name) {
        return new HelperPrototype(id, name, false, Returns.NUMBER, List.of(),
                (_, _, _, _, _, _) -> System.nanoTime());
    }
}
