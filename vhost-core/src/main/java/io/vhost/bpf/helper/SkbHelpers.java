package io.vhost.bpf.helper;

import static io.vhost.bpf.helper.Argument.ANYTHING;
import static io.vhost.bpf.helper.Argument.CONTEXT;
import static io.vhost.bpf.helper.Argument.MEMORY;
import static io.vhost.bpf.helper.Argument.MEMORY_OUT;
import static io.vhost.bpf.helper.Argument.SIZE;

import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Cpu;
import java.util.List;

/** bpf_skb_load_bytes, _store_bytes, _pull_data, bpf_redirect of tc. Packets are in one piece. */
final class SkbHelpers {
    private static final int REDIRECT = 7;
    private static final int SHOT = 2;
    private static final int EFAULT = -14;
    private static final int EINVAL = -22;
    private static final long STORE_FLAGS = 3;
    private static final int ENOMEM = -12;

    private SkbHelpers() {
    }

    static HelperPrototype[] all() {
        return new HelperPrototype[] {
            new HelperPrototype(26, "bpf_skb_load_bytes", false, Returns.NUMBER,
                    List.of(CONTEXT, ANYTHING, MEMORY_OUT, SIZE), (cpu, _, offset, to, size, _) ->
                    load(cpu, offset & 0xFFFFFFFFL, to, size & 0xFFFFFFFFL)),
            new HelperPrototype(9, "bpf_skb_store_bytes", true, Returns.NUMBER,
                    List.of(CONTEXT, ANYTHING, MEMORY, SIZE, ANYTHING), (cpu, _, offset, from, size, flags) ->
                    store(cpu, offset & 0xFFFFFFFFL, from, size & 0xFFFFFFFFL, flags)),
            new HelperPrototype(39, "bpf_skb_pull_data", true, Returns.NUMBER, List.of(CONTEXT, ANYTHING),
                    (cpu, _, length, _, _, _) ->
                    (length & 0xFFFFFFFFL) > cpu.packet().length() ? ENOMEM : 0),
            new HelperPrototype(23, "bpf_redirect", false, Returns.NUMBER, List.of(ANYTHING, ANYTHING),
                    (cpu, port, flags, _, _, _) -> {
                        if ((flags & ~1L) != 0) {
                            return SHOT;
                        }
                        cpu.redirect(port & 0xFFFFFFFFL);
                        return REDIRECT;
                    })};
    }

    /** The flags are for sums and hashes that the kernel keeps beside packets; here are none. */
    private static long store(Cpu cpu, long offset, long from, long size, long flags) {
        if ((flags & ~STORE_FLAGS) != 0) {
            return EINVAL;
        }
        return XdpHelpers.store(cpu, offset, from, size) == 0 ? 0 : EFAULT;
    }

    /** As the kernel does, what cannot be loaded is zero. */
    private static long load(Cpu cpu, long offset, long to, long size) {
        if (XdpHelpers.load(cpu, offset, to, size) == 0) {
            return 0;
        }
        cpu.memory().segment(to).asSlice(Address.offset(to), size).fill((byte) 0);
        return EFAULT;
    }
}
