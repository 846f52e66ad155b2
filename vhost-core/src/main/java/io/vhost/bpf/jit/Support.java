package io.vhost.bpf.jit;

import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Helper;

/** What generated code calls where a few bytecodes do not do it. */
final class Support {
    private Support() {
    }

    static long div64(long dst, long src) {
        return src == 0 ? 0 : Long.divideUnsigned(dst, src);
    }

    static long mod64(long dst, long src) {
        return src == 0 ? dst : Long.remainderUnsigned(dst, src);
    }

    static long sdiv64(long dst, long src) {
        return src == 0 ? 0 : dst / src;
    }

    static long smod64(long dst, long src) {
        return src == 0 ? dst : dst % src;
    }

    static long div32(long dst, long src) {
        return (int) src == 0 ? 0 : (dst & 0xFFFFFFFFL) / (src & 0xFFFFFFFFL);
    }

    static long mod32(long dst, long src) {
        return (int) src == 0 ? dst & 0xFFFFFFFFL : (dst & 0xFFFFFFFFL) % (src & 0xFFFFFFFFL);
    }

    static long sdiv32(long dst, long src) {
        return (int) src == 0 ? 0 : (int) dst / (int) src & 0xFFFFFFFFL;
    }

    static long smod32(long dst, long src) {
        return (int) src == 0 ? dst & 0xFFFFFFFFL : (int) dst % (int) src & 0xFFFFFFFFL;
    }

    /** A look-up in the program's map of that number; in another if the address is not this one's. */
    static long lookup(Cpu cpu, BpfTable map, int number, Helper helper, long address, long key) {
        if (address != Address.ofMap(number)) {
            return helper.call(cpu, address, key, 0, 0, 0);
        }
        return BpfTable.address(number,
                map.lookup(cpu.memory().segment(key), Address.offset(key), cpu.number()));
    }
}
