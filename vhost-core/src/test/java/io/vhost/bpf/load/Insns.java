package io.vhost.bpf.load;

import io.vhost.bpf.insn.Insn;

/** References to maps, which are descriptors to the kernel and places here. */
final class Insns {
    private Insns() {
    }

    /** Whether it loads an address in a map's value. */
    static boolean isValue(long insn) {
        return Insn.opcode(insn) == Insn.LDDW && Insn.src(insn) == Insn.LDDW_MAP_VALUE;
    }

    /** The same for another map. */
    static long withMap(long insn, int map) {
        return Insn.of(Insn.LDDW, Insn.dst(insn), Insn.src(insn), 0, map);
    }
}
