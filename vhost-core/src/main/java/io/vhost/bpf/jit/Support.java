package io.vhost.bpf.jit;

import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Cpu;

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

    static long lookup(Cpu cpu, BpfTable map, int number, long key) {
        return BpfTable.address(number,
                map.lookup(cpu.memory().segment(key), Address.offset(key), cpu.number()));
    }
}
