package io.vhost.bpf.insn;

import java.util.BitSet;
import java.util.function.IntFunction;

/** Checks that instructions are well formed, and finds where functions begin. One object, one program. */
final class CodeCheck {
    static final int MAX_INSTRUCTIONS = 1_000_000;
    static final int MAX_FUNCTIONS = 256;

    private final long[] insns;
    private final IntFunction<String> sources;
    private final BitSet seconds;
    private final BitSet functions = new BitSet();

    CodeCheck(long[] insns, IntFunction<String> sources) {
        this.insns = insns;
        this.sources = sources;
        this.seconds = new BitSet(insns.length);
    }

    /** The first instruction of each function. */
    int[] check() throws ProgramException {
        if (insns.length == 0 || insns.length > MAX_INSTRUCTIONS) {
            throw new ProgramException(0, "", "a program has 1 to " + MAX_INSTRUCTIONS
                    + " instructions, this one has " + insns.length);
        }
        functions.set(0);
        for (int at = 0; at < insns.length; at++) {
            insn(at);
            if (Insn.opcode(insns[at]) == Insn.LDDW) {
                seconds.set(++at);
            }
        }
        int[] starts = functions.stream().toArray();
        if (starts.length > MAX_FUNCTIONS) {
            throw new ProgramException(0, "", "a program has at most " + MAX_FUNCTIONS
                    + " functions, this one has " + starts.length);
        }
        for (int i = 0; i < starts.length; i++) {
            function(starts[i], i + 1 < starts.length ? starts[i + 1] : insns.length);
        }
        return starts;
    }

    private void insn(int at) throws ProgramException {
        long insn = insns[at];
        require(Insn.dst(insn) <= Insn.FP, at, "R" + Insn.dst(insn) + " is invalid");
        int kind = Insn.kind(insn);
        boolean names = kind == Insn.LDX || kind == Insn.STX || Insn.isX(insn);
        require(!names || kind == Insn.LD || kind == Insn.ST || Insn.src(insn) <= Insn.FP, at,
                "R" + Insn.src(insn) + " is invalid");
        switch (kind) {
            case Insn.LD -> wide(at, insn);
            case Insn.LDX -> {
                boolean known = Insn.mode(insn) == Insn.MEM
                        || (Insn.mode(insn) == Insn.MEMSX && Insn.size(insn) < 8);
                require(known, at, unknown(insn));
                require(Insn.imm(insn) == 0, at, "BPF_LDX uses reserved fields");
                writable(at, insn);
            }
            case Insn.ST -> {
                require(Insn.mode(insn) == Insn.MEM, at, unknown(insn));
                require(Insn.src(insn) == 0, at, "BPF_ST uses reserved fields");
            }
            case Insn.STX -> store(at, insn);
            case Insn.ALU, Insn.ALU64 -> arithmetic(at, insn);
            default -> jump(at, insn);
        }
    }

    private void wide(int at, long insn) throws ProgramException {
        require(Insn.opcode(insn) == Insn.LDDW, at, unknown(insn)
                + "; loads from a packet by BPF_ABS and BPF_IND are historical, use bpf_skb_load_bytes");
        require(at + 1 < insns.length && (int) insns[at + 1] == 0, at, "invalid BPF_LD_IMM insn");
        require(Insn.off(insn) == 0, at, "BPF_LD_IMM64 uses reserved fields");
        writable(at, insn);
        int source = Insn.src(insn);
        boolean known = source == Insn.LDDW_NUMBER || source == Insn.LDDW_MAP
                || source == Insn.LDDW_MAP_VALUE || source == Insn.LDDW_FUNCTION;
        require(known, at, "BPF_LD_IMM64 with source " + source
                + " is not linked: load the object, not its bare instructions");
        boolean half = source == Insn.LDDW_MAP || source == Insn.LDDW_FUNCTION;
        require(!half || Insn.imm(insns[at + 1]) == 0, at, "BPF_LD_IMM64 uses reserved fields");
        if (source == Insn.LDDW_FUNCTION) {
            begin(at, insn);
        }
    }

    private void store(int at, long insn) throws ProgramException {
        if (Insn.mode(insn) == Insn.MEM) {
            require(Insn.imm(insn) == 0, at, "BPF_STX uses reserved fields");
            return;
        }
        require(Insn.mode(insn) == Insn.ATOMIC && Insn.size(insn) >= 4, at, unknown(insn));
        boolean known = switch (Insn.imm(insn)) {
            case Insn.ADD, Insn.ADD | Insn.FETCH, Insn.OR, Insn.OR | Insn.FETCH, Insn.AND,
                    Insn.AND | Insn.FETCH, Insn.XOR, Insn.XOR | Insn.FETCH, Insn.XCHG, Insn.CMPXCHG -> true;
            default -> false;
        };
        require(known, at, "BPF_ATOMIC uses invalid atomic opcode "
                + Integer.toHexString(Insn.imm(insn)));
        boolean keepsOld = (Insn.imm(insn) & Insn.FETCH) != 0 && Insn.imm(insn) != Insn.CMPXCHG;
        require(!keepsOld || Insn.src(insn) != Insn.FP, at, "frame pointer is read only");
    }

    private void arithmetic(int at, long insn) throws ProgramException {
        int operation = Insn.operation(insn);
        boolean wide = Insn.kind(insn) == Insn.ALU64;
        boolean ends = operation == Insn.END;
        require(operation <= Insn.END, at, unknown(insn));
        boolean plainSource = (Insn.isX(insn) && !ends) ? Insn.imm(insn) == 0 : Insn.src(insn) == 0;
        require(plainSource, at, "BPF_ALU uses reserved fields");
        int off = Insn.off(insn);
        boolean plain = switch (operation) {
            case Insn.DIV, Insn.MOD -> off == 0 || off == 1;
            case Insn.MOV -> off == 0
                    || (Insn.isX(insn) && (off == 8 || off == 16 || (off == 32 && wide)));
            case Insn.NEG -> off == 0 && !Insn.isX(insn) && Insn.imm(insn) == 0;
            case Insn.END -> off == 0 && !(wide && Insn.isX(insn))
                    && (Insn.imm(insn) == 16 || Insn.imm(insn) == 32 || Insn.imm(insn) == 64);
            default -> off == 0;
        };
        require(plain, at, "BPF_ALU uses reserved fields");
        writable(at, insn);
    }

    private void jump(int at, long insn) throws ProgramException {
        boolean narrow = Insn.kind(insn) == Insn.JMP32;
        switch (Insn.operation(insn)) {
            case Insn.CALL -> {
                require(!narrow && !Insn.isX(insn), at, unknown(insn) + "; calls by register are no part"
                        + " of RFC 9669, compile without -mcpu=v5 or the function pointer");
                require(Insn.dst(insn) == 0 && Insn.off(insn) == 0, at, "BPF_CALL uses reserved fields");
                require(Insn.src(insn) <= Insn.CALL_LOCAL, at, "calling kernel function "
                        + Insn.imm(insn) + " is not allowed: there is no kernel here, call a helper");
                if (Insn.src(insn) == Insn.CALL_LOCAL) {
                    begin(at, insn);
                }
            }
            case Insn.EXIT -> require(!narrow && (insn & 0xFFFFFFFFFFFFFF00L) == 0 && !Insn.isX(insn), at,
                    "BPF_EXIT uses reserved fields");
            case Insn.JA -> {
                boolean plain = (narrow ? Insn.off(insn) : Insn.imm(insn)) == 0 && Insn.dst(insn) == 0
                        && Insn.src(insn) == 0;
                require(plain && !Insn.isX(insn), at, "BPF_JA uses reserved fields");
            }
            default -> {
                require(Insn.operation(insn) <= Insn.JSLE, at, unknown(insn));
                require(Insn.isX(insn) ? Insn.imm(insn) == 0 : Insn.src(insn) == 0, at,
                        "BPF_JMP uses reserved fields");
            }
        }
    }

    private void begin(int at, long insn) throws ProgramException {
        long target = at + 1L + Insn.imm(insn);
        require(target > 0 && target < insns.length, at, "function " + target + " is outside the program of "
                + insns.length + " instructions");
        functions.set((int) target);
    }

    private void function(int start, int end) throws ProgramException {
        require(!seconds.get(start), start, "a call into the middle of a 16-byte instruction");
        for (int at = start; at < end; at++) {
            long insn = insns[at];
            if (Insn.isJump(insn) && !seconds.get(at)) {
                long target = at + 1L + Insn.distance(insn);
                require(target >= start && target < end, at, "jump out of range from insn " + at + " to "
                        + target);
                require(!seconds.get((int) target), at, "jump into the middle of ldimm64 insn "
                        + (target - 1));
            }
        }
        long last = insns[end - 1];
        boolean ends = !seconds.get(end - 1)
                && (Insn.opcode(last) == Insn.EXIT_INSN || Insn.isGoto(last));
        require(ends, end - 1, "last insn is not an exit or jmp");
    }

    private void writable(int at, long insn) throws ProgramException {
        require(Insn.dst(insn) != Insn.FP, at, "frame pointer is read only");
    }

    private static String unknown(long insn) {
        return "unknown opcode " + String.format("%02x", Insn.opcode(insn));
    }

    private void require(boolean condition, int at, String text) throws ProgramException {
        if (!condition) {
            throw new ProgramException(at, sources.apply(at), text);
        }
    }
}
