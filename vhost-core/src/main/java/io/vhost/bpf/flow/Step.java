package io.vhost.bpf.flow;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.run.Image;

/** What one instruction does to the kinds of registers and slots, and which region it accesses. */
final class Step {
    private static final int LOOKUP = 1;
    private static final int SKB_LOAD_BYTES = 26;
    private static final int RESERVE = 131;
    private static final int XDP_LOAD_BYTES = 189;
    private static final int LOOKUP_PER_CPU = 195;

    private final Image image;
    private final int[] regions;
    private final int[] maps;

    Step(Image image, int[] regions, int[] maps) {
        this.image = image;
        this.regions = regions;
        this.maps = maps;
    }

    void run(int at, long insn, Kinds kinds) {
        switch (Insn.kind(insn)) {
            case Insn.LD -> kinds.set(Insn.dst(insn), constant(insn));
            case Insn.LDX -> load(at, insn, kinds);
            case Insn.ST, Insn.STX -> store(at, insn, kinds);
            case Insn.ALU -> kinds.set(Insn.dst(insn), Kinds.NUMBER);
            case Insn.ALU64 -> kinds.set(Insn.dst(insn), arithmetic(insn, kinds));
            default -> {
                if (Insn.opcode(insn) == Insn.CALL_INSN) {
                    call(at, insn, kinds);
                }
            }
        }
    }

    private static int constant(long insn) {
        return switch (Insn.src(insn)) {
            case Insn.LDDW_MAP -> Kinds.map(Insn.imm(insn));
            case Insn.LDDW_MAP_VALUE -> Kinds.value(Insn.imm(insn));
            default -> Kinds.NUMBER;
        };
    }

    private void load(int at, long insn, Kinds kinds) {
        int base = kinds.get(Insn.src(insn));
        regions[at] = region(base);
        int loaded = Insn.size(insn) == Insn.BYTES ? Kinds.ANYTHING : Kinds.NUMBER;
        if (base == Kinds.CONTEXT && image.context().isPacket(Insn.off(insn))) {
            loaded = Kinds.PACKET;
        } else if (Kinds.what(base) == Kinds.FRAME && Insn.size(insn) == Insn.BYTES) {
            loaded = kinds.slot(Kinds.which(base) + Insn.off(insn));
        } else if (Kinds.what(base) == Kinds.VALUE || base == Kinds.PACKET) {
            loaded = Kinds.NUMBER;
        }
        kinds.set(Insn.dst(insn), loaded);
    }

    private void store(int at, long insn, Kinds kinds) {
        int base = kinds.get(Insn.dst(insn));
        regions[at] = region(base);
        boolean atomic = Insn.kind(insn) == Insn.STX && Insn.mode(insn) == Insn.ATOMIC;
        if (Kinds.what(base) == Kinds.FRAME) {
            int value = Insn.kind(insn) == Insn.ST || atomic ? Kinds.NUMBER : kinds.get(Insn.src(insn));
            kinds.store(Kinds.which(base) + Insn.off(insn), Insn.size(insn), value);
        }
        if (atomic && Insn.imm(insn) == Insn.CMPXCHG) {
            kinds.set(0, Kinds.NUMBER);
        } else if (atomic && (Insn.imm(insn) & Insn.FETCH) != 0) {
            kinds.set(Insn.src(insn), Kinds.NUMBER);
        }
    }

    private static int arithmetic(long insn, Kinds kinds) {
        int dst = kinds.get(Insn.dst(insn));
        int src = Insn.isX(insn) ? kinds.get(Insn.src(insn)) : Kinds.NUMBER;
        return switch (Insn.operation(insn)) {
            case Insn.MOV -> Insn.off(insn) == 0 ? src : Kinds.NUMBER;
            case Insn.ADD -> sum(dst, src, Insn.isX(insn) ? Integer.MIN_VALUE : Insn.imm(insn));
            case Insn.SUB -> Kinds.isPointer(src) ? Kinds.NUMBER
                    : sum(dst, src, Insn.isX(insn) ? Integer.MIN_VALUE : -Insn.imm(insn));
            default -> Kinds.NUMBER;
        };
    }

    /** {@code distance} is a constant, or the least integer where it is none. */
    private static int sum(int dst, int src, int distance) {
        if (Kinds.isPointer(src) && dst == Kinds.NUMBER) {
            return moved(src);
        }
        if (src != Kinds.NUMBER) {
            return Kinds.ANYTHING;
        }
        boolean near = Math.abs((long) distance) < 1 << 12;
        return Kinds.what(dst) == Kinds.FRAME && near ? Kinds.frame(Kinds.which(dst) + distance)
                : moved(dst);
    }

    private static int moved(int kind) {
        return switch (Kinds.what(kind)) {
            case Kinds.FRAME -> Kinds.STACK;
            case Kinds.CONTEXT -> Kinds.IN_CONTEXT;
            default -> kind;
        };
    }

    private void call(int at, long insn, Kinds kinds) {
        if (Insn.imm(insn) == SKB_LOAD_BYTES || Insn.imm(insn) == XDP_LOAD_BYTES) {
            regions[at] = region(kinds.get(3));
        }
        int first = kinds.get(1);
        boolean known = Kinds.what(first) == Kinds.MAP;
        maps[at] = known ? 1 + Kinds.which(first) : 0;
        boolean pointer = Insn.imm(insn) == LOOKUP || Insn.imm(insn) == RESERVE
                || Insn.imm(insn) == LOOKUP_PER_CPU;
        // A map of maps answers with a map, which has no number before the program runs.
        boolean values = known && image.map(Kinds.which(first)).values().byteSize() > 0;
        kinds.set(0, pointer && values ? Kinds.value(Kinds.which(first))
                : pointer ? Kinds.ANYTHING : Kinds.NUMBER);
    }

    private static int region(int base) {
        return switch (Kinds.what(base)) {
            case Kinds.CONTEXT, Kinds.IN_CONTEXT -> Region.CONTEXT;
            case Kinds.PACKET -> Region.PACKET;
            case Kinds.STACK, Kinds.FRAME -> Region.STACK;
            case Kinds.VALUE -> Region.FIRST_MAP + Kinds.which(base);
            default -> Region.ANY;
        };
    }
}
