package io.vhost.bpf.live;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.helper.Argument;
import io.vhost.bpf.helper.HelperPrototype;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/**
 * What is needed at each place of a program: registers and stack slots that are still read, and those whose
 * numbers decide which way a program goes, where it loads and stores, or what a helper is given. A number
 * that is only stored in a packet or a map, or returned, decides nothing.
 *
 * <p>Thread: immutable; any thread.
 */
public final class Needs {
    // As with regions: reading larger ones until nothing changes would take long.
    private static final int MAX_FOLLOWED = 1 << 14;
    private static final int ALL_REGISTERS = (1 << 10) - 1;
    private static final int ARGUMENTS = 0x3E;
    private static final int KEPT = 0x3C0;
    private static final int DECIDES = 16;
    private static final int LOOKUP = 1;

    private final Code code;
    private final IntFunction<HelperPrototype> helpers;
    private final FramePointers pointers;
    private final int[] regs;
    private final long[] slots;
    private final long[] deciding;
    private int nowRegs;
    private long nowSlots;
    private long nowDeciding;

    private Needs(Code code, IntFunction<HelperPrototype> helpers) {
        boolean followed = code.length() <= MAX_FOLLOWED;
        this.code = code;
        this.helpers = helpers;
        this.pointers = new FramePointers(code);
        this.regs = new int[followed ? code.length() + 1 : 0];
        this.slots = new long[regs.length];
        this.deciding = new long[regs.length];
    }

    /** Reads a program; of one with more than 16,384 instructions everything is needed everywhere. */
    public static Needs of(Code code, IntFunction<HelperPrototype> helpers) {
        Needs needs = new Needs(code, helpers);
        if (needs.regs.length > 0) {
            needs.pointers.find();
            for (int function = 0; function < code.functions(); function++) {
                needs.find(function);
            }
        }
        return needs;
    }

    /** Whether a register is still read. */
    public boolean isLive(int at, int register) {
        return regs.length == 0 || (regs[at] & 1 << register) != 0;
    }

    /** Whether the number in a register decides anything. */
    public boolean decides(int at, int register) {
        return regs.length == 0 || (regs[at] & 1 << (DECIDES + register)) != 0;
    }

    /** Whether a slot of the stack is still read. */
    public boolean isSlotLive(int at, int slot) {
        return regs.length == 0 || (slots[at] & 1L << slot) != 0;
    }

    /** Whether the number in a slot of the stack decides anything. */
    public boolean slotDecides(int at, int slot) {
        return regs.length == 0 || (deciding[at] & 1L << slot) != 0;
    }

    /** The registers that a caller has again when its callee returns: of a helper that calls back all. */
    public int keptRegisters(int at) {
        return Insn.src(code.insn(at)) == Insn.CALL_LOCAL ? KEPT : ALL_REGISTERS;
    }

    private void find(int function) {
        boolean changed;
        do {
            changed = false;
            for (int at = code.end(function) - 1; at >= code.start(function); at--) {
                if (at > code.start(function) && Insn.opcode(code.insn(at - 1)) == Insn.LDDW
                        && code.insn(at) << 32 == 0) {
                    continue;
                }
                load(function, at);
                changed |= regs[at] != nowRegs || slots[at] != nowSlots || deciding[at] != nowDeciding;
                regs[at] = nowRegs;
                slots[at] = nowSlots;
                deciding[at] = nowDeciding;
            }
        } while (changed);
    }

    /** What is needed before an instruction. */
    private void load(int function, int at) {
        long insn = code.insn(at);
        if (Insn.opcode(insn) == Insn.EXIT_INSN) {
            nowRegs = function == 0 ? 1 : 1 | 1 << DECIDES;
            nowSlots = 0;
            nowDeciding = 0;
            return;
        }
        int next = Insn.isGoto(insn) ? at + 1 + Insn.distance(insn)
                : at + (Insn.opcode(insn) == Insn.LDDW ? 2 : 1);
        nowRegs = regs[next];
        nowSlots = slots[next];
        nowDeciding = deciding[next];
        if (Insn.isJump(insn)) {
            int target = at + 1 + Insn.distance(insn);
            nowRegs |= regs[target];
            nowSlots |= slots[target];
            nowDeciding |= deciding[target];
            if (!Insn.isGoto(insn)) {
                read(Insn.dst(insn), true);
                if (Insn.isX(insn)) {
                    read(Insn.src(insn), true);
                }
            }
            return;
        }
        switch (Insn.kind(insn)) {
            case Insn.LD -> written(Insn.dst(insn));
            case Insn.LDX -> loaded(at, insn);
            case Insn.ST, Insn.STX -> stored(at, insn);
            case Insn.ALU, Insn.ALU64 -> computed(insn);
            default -> called(at, insn);
        }
    }

    private void read(int register, boolean decides) {
        nowRegs |= 1 << register | (decides ? 1 << (DECIDES + register) : 0);
    }

    private void written(int register) {
        nowRegs &= ~(1 << register | 1 << (DECIDES + register));
    }

    private boolean isDeciding(int register) {
        return (nowRegs & 1 << (DECIDES + register)) != 0;
    }

    private void loaded(int at, long insn) {
        boolean decides = isDeciding(Insn.dst(insn));
        written(Insn.dst(insn));
        long touched = touched(pointers.base(at), Insn.off(insn), Insn.size(insn));
        nowSlots |= touched;
        nowDeciding |= decides ? touched : 0;
        read(Insn.src(insn), true);
    }

    /** The slots that an access may touch. */
    private static long touched(int base, int off, int size) {
        if (base == FramePointers.OTHER) {
            return 0;
        }
        int offset = base + off;
        if (base == FramePointers.ANY || offset >= 0 || offset + size > 0) {
            return -1;
        }
        long slots = 0;
        for (int i = 0; i < size && offset + i >= -512; i++) {
            slots |= 1L << ((-(offset + i) - 1) / 8);
        }
        return slots;
    }

    private void stored(int at, long insn) {
        int base = pointers.base(at);
        boolean atomic = Insn.kind(insn) == Insn.STX && Insn.mode(insn) == Insn.ATOMIC;
        long touched = touched(base, Insn.off(insn), Insn.size(insn));
        // What is stored in a caller's frame, the caller may use as it likes.
        boolean decides = base == FramePointers.ANY || (nowDeciding & touched) != 0;
        if (atomic) {
            nowSlots |= touched;
            if (Insn.imm(insn) == Insn.CMPXCHG) {
                written(0);
                read(0, decides);
            } else if ((Insn.imm(insn) & Insn.FETCH) != 0) {
                written(Insn.src(insn));
            }
        } else if (Insn.size(insn) == Insn.BYTES && base != FramePointers.OTHER
                && FramePointers.slot(base, Insn.off(insn)) >= 0) {
            nowSlots &= ~touched;
            nowDeciding &= ~touched;
        }
        if (Insn.kind(insn) == Insn.STX) {
            read(Insn.src(insn), decides);
        }
        read(Insn.dst(insn), true);
    }

    private void computed(long insn) {
        int dst = Insn.dst(insn);
        boolean decides = isDeciding(dst);
        if (Insn.operation(insn) == Insn.MOV) {
            written(dst);
        } else {
            read(dst, decides);
        }
        boolean unary = Insn.operation(insn) == Insn.NEG || Insn.operation(insn) == Insn.END;
        if (Insn.isX(insn) && !unary) {
            read(Insn.src(insn), decides);
        }
    }

    private void called(int at, long insn) {
        nowRegs &= ~(ARGUMENTS | 1 | (ARGUMENTS | 1) << DECIDES);
        boolean local = Insn.src(insn) == Insn.CALL_LOCAL;
        HelperPrototype helper = local ? null : helpers.apply(Insn.imm(insn));
        boolean shares = local || FramePointers.takesFunction(insn) || helper == null;
        List<Argument> arguments = helper == null ? List.of() : helper.arguments();
        int count = helper == null ? 5 : arguments.size();
        for (int i = 1; i <= count; i++) {
            boolean decides = helper == null || arguments.get(i - 1) != Argument.ANYTHING;
            read(i, decides);
            int passed = pointers.passed(at, i);
            if (passed == FramePointers.OTHER) {
                continue;
            }
            // From where it points upwards: how far a helper reads is not known here.
            long touched = passed == FramePointers.ANY || shares || passed == 0 ? -1
                    : -1L >>> (64 - Math.min(64, (-passed + 7) / 8));
            nowSlots |= touched;
            nowDeciding |= shares ? touched : isKey(helper, i) ? touched(passed, 0, Integer.BYTES) : 0;
        }
    }

    /** Whether it decides if a value is found: of an array by a key of four bytes. */
    private static boolean isKey(HelperPrototype helper, int register) {
        return helper.id() == LOOKUP && helper.arguments().get(register - 1) == Argument.MAP_KEY;
    }

    @Override
    public String toString() {
        return "needs of " + code.name() + ": " + Arrays.toString(regs);
    }
}
