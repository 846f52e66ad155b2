package io.vhost.bpf.rules;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.state.Reg;
import io.vhost.bpf.state.RegKind;
import io.vhost.bpf.state.State;

/**
 * How many bytes of the packet are there, from comparisons of an address with its end; of the metadata, whose
 * end is the packet's beginning. Every order counts. Thread: stateless.
 */
final class PacketRanges {
    private static final int MAX_OFFSET = 0xFFFF;

    private PacketRanges() {
    }

    static void learn(long insn, Reg left, Reg right, State taken, State through) {
        boolean ends = isEnd(left, right);
        boolean begins = isEnd(right, left);
        if (!ends && !begins) {
            return;
        }
        Reg address = ends ? left : right;
        switch (Insn.operation(insn)) {
            // address > end, end > address
            case Insn.JGT -> note(ends ? through : taken, address, !ends);
            // address < end, end < address
            case Insn.JLT -> note(ends ? taken : through, address, ends);
            // address >= end, end >= address
            case Insn.JGE -> note(ends ? through : taken, address, ends);
            // address <= end, end <= address
            case Insn.JLE -> note(ends ? taken : through, address, !ends);
            default -> { }
        }
    }

    private static boolean isEnd(Reg address, Reg end) {
        boolean start = end.kind() == RegKind.PACKET && end.off() == 0 && end.id() == 0
                && end.number().is(0);
        return (address.kind() == RegKind.PACKET && end.kind() == RegKind.PACKET_END)
                || (address.kind() == RegKind.PACKET_META && start);
    }

    /** On this way the address is at most the end, or below it. */
    private static void note(State state, Reg address, boolean below) {
        long most = address.number().umax();
        boolean near = Long.compareUnsigned(most, MAX_OFFSET) <= 0 && most + address.off() <= MAX_OFFSET;
        if (!near || address.off() < 0 || (address.off() == 0 && below)) {
            return;
        }
        int range = address.off() + (below ? 1 : 0);
        state.update(reg -> reg.kind() == address.kind() && reg.id() == address.id() && reg.range() < range
                ? reg.withRange(range) : reg);
    }
}
