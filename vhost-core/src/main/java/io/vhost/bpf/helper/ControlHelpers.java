package io.vhost.bpf.helper;

import static io.vhost.bpf.helper.Argument.ANYTHING;
import static io.vhost.bpf.helper.Argument.CONTEXT;
import static io.vhost.bpf.helper.Argument.FUNCTION;
import static io.vhost.bpf.helper.Argument.MAP;
import static io.vhost.bpf.helper.Argument.SPIN_LOCK;
import static io.vhost.bpf.helper.Argument.STACK_OR_NULL;

import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Executable;
import io.vhost.bpf.run.Fault;
import io.vhost.bpf.run.Program;
import java.util.List;

/** bpf_loop, bpf_tail_call, bpf_spin_lock, bpf_spin_unlock. */
final class ControlHelpers {
    private static final long MAX_LOOPS = 1 << 23;
    private static final int E2BIG = -7;
    private static final int EINVAL = -22;
    private static final int PATIENCE = 1 << 20;

    private ControlHelpers() {
    }

    static HelperPrototype[] all() {
        return new HelperPrototype[] {
            // Both executables run it themselves: it does not come back. Whoever called the function that
            // calls it goes on, and the program in between may have moved the packet.
            new HelperPrototype(12, "bpf_tail_call", true, Returns.NOTHING, List.of(CONTEXT, MAP, ANYTHING),
                    (_, _, _, _, _, _) -> EINVAL),
            new HelperPrototype(93, "bpf_spin_lock", false, Returns.NOTHING, List.of(SPIN_LOCK),
                    (cpu, lock, _, _, _, _) -> lock(cpu, lock)),
            new HelperPrototype(94, "bpf_spin_unlock", false, Returns.NOTHING, List.of(SPIN_LOCK),
                    (cpu, lock, _, _, _, _) -> unlock(cpu, lock)),
            new HelperPrototype(181, "bpf_loop", false, Returns.NUMBER,
                    List.of(ANYTHING, FUNCTION, STACK_OR_NULL, ANYTHING), (cpu, count, function, context,
                    flags, _) -> loop(cpu, count & 0xFFFFFFFFL, function, context, flags))};
    }

    private static long loop(Cpu cpu, long count, long function, long context, long flags) {
        if (flags != 0) {
            return EINVAL;
        }
        if (count > MAX_LOOPS) {
            return E2BIG;
        }
        int callback = Address.function(function);
        if (callback < 0 || callback >= Program.running(cpu).image().code().functions()) {
            throw Fault.helperArgument();
        }
        Executable executable = Program.running(cpu).executable();
        long fp = cpu.frame() + Address.FRAME;
        for (long i = 0; i < count; i++) {
            if (executable.call(cpu, callback, fp, i, context, 0, 0, 0) != 0) {
                return i + 1;
            }
        }
        return count;
    }

    private static long lock(Cpu cpu, long lock) {
        if (!cpu.obligations().lock(cpu.memory().segment(lock), Address.offset(lock), PATIENCE)) {
            throw Fault.helperArgument();
        }
        return 0;
    }

    private static long unlock(Cpu cpu, long lock) {
        if (!cpu.obligations().unlock(cpu.memory().segment(lock), Address.offset(lock))) {
            throw Fault.helperArgument();
        }
        return 0;
    }
}
