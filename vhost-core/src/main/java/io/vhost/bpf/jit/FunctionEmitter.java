package io.vhost.bpf.jit;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.mem.Address;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Writes one function of a program, or a part of one, as a method. One object, one method. */
final class FunctionEmitter {
    private static final MethodTypeDesc ENTER = MethodTypeDesc.of(ConstantDescs.CD_void,
            ConstantDescs.CD_long);
    private static final int LOOKUP = 1;
    private static final int TAIL_CALL = 12;
    private static final int LOOP = 181;
    // Where a part of a function is given the array of registers and where to begin.
    private static final int GIVEN_REGISTERS = 3;
    private static final int GIVEN_NEXT = 4;
    private static final int ENTRY_MASK = 0xFFFF;

    private final CodeBuilder code;
    private final Unit unit;
    private final Code insns;
    private final AluEmitter alu;
    private final JumpEmitter jumps;
    private MemoryEmitter memory;
    /** Null for a whole function. */
    private Parts parts;
    private int part;
    private final Map<Integer, Label> labels = new HashMap<>();
    /** By their targets, the jumps that leave a part. */
    private final Map<Integer, Label> exits = new TreeMap<>();

    FunctionEmitter(CodeBuilder code, Unit unit) {
        this.code = code;
        this.unit = unit;
        this.insns = unit.code();
        this.alu = new AluEmitter(code);
        this.jumps = new JumpEmitter(code, unit.budgeted());
    }

    /** The method's name. */
    static String name(int function) {
        return "f" + function;
    }

    /** Checks the frame pointer, and charges the call if the budget counts. */
    static void enter(CodeBuilder code, boolean charged) {
        code.aload(Frame.CPU).lload(Frame.local(Insn.FP)).invokevirtual(Names.CPU,
                charged ? "enter" : "enterProved", ENTER);
    }

    /**
     * Writes a function. Every local has a value from the beginning, so that all frames of the method have
     * one shape.
     */
    void emit(int function) {
        enter(code, unit.isCharged(function));
        for (int register : new int[] {0, 6, 7, 8, 9}) {
            Frame.store(code.lconst_0(), register);
        }
        int start = insns.start(function);
        int end = insns.end(function);
        regions(start, end);
        body(start, end);
    }

    /** Writes a part of a function. */
    void emitPart(Parts all, int number) {
        parts = all;
        part = number;
        code.aload(GIVEN_REGISTERS).astore(Frame.REGISTERS).iload(GIVEN_NEXT).istore(Frame.NEXT);
        for (int register = 0; register < Frame.SAVED; register++) {
            code.aload(Frame.REGISTERS).loadConstant(register).laload();
            Frame.store(code, register);
        }
        int start = all.start(part);
        int end = all.end(part);
        regions(start, end);
        List<Integer> entries = all.entries(part);
        if (entries.size() > 1) {
            List<SwitchCase> cases = new ArrayList<>();
            for (int i = 1; i < entries.size(); i++) {
                cases.add(SwitchCase.of(i, label(entries.get(i))));
            }
            code.iload(Frame.NEXT).loadConstant(ENTRY_MASK).iand()
                    .tableswitch(1, entries.size() - 1, label(start), cases);
        }
        body(start, end);
        leave(end);
    }

    /** The ways out of a part, each with where to go on, and what all of them do. */
    private void leave(int end) {
        if (fallsThrough(end)) {
            code.goto_(exit(end));
        }
        Label spill = code.newLabel();
        exits.forEach((target, label) -> code.labelBinding(label).loadConstant(parts.number(target))
                .goto_(spill));
        if (!exits.isEmpty()) {
            code.labelBinding(spill).istore(Frame.NEXT);
            for (int register = 0; register < Frame.SAVED; register++) {
                code.aload(Frame.REGISTERS).loadConstant(register);
                Frame.load(code, register).lastore();
            }
            code.iload(Frame.NEXT).ireturn();
        }
    }

    /** Whether the last instruction leads on to the next part. */
    private boolean fallsThrough(int end) {
        int last = parts.start(part);
        for (int at = last; at < end; at += unit.width(at)) {
            last = at;
        }
        long insn = insns.insn(last);
        return !Insn.isGoto(insn) && Insn.opcode(insn) != Insn.EXIT_INSN;
    }

    private void body(int start, int end) {
        memory = new MemoryEmitter(code, unit, start, end);
        for (int at = start; at < end; at += unit.width(at)) {
            if (Insn.isJump(insns.insn(at))) {
                target(at, insns.insn(at));
            }
        }
        for (int at = start; at < end; at += unit.width(at)) {
            Label label = labels.get(at);
            if (label != null) {
                code.labelBinding(label);
            }
            insn(at, insns.insn(at));
        }
    }

    private Label label(int at) {
        return labels.computeIfAbsent(at, ignored -> code.newLabel());
    }

    private Label exit(int at) {
        return exits.computeIfAbsent(at, ignored -> code.newLabel());
    }

    private Label target(int at, long insn) {
        int target = at + 1 + Insn.distance(insn);
        return parts == null || parts.contains(part, target) ? label(target) : exit(target);
    }

    /** Ends the function with the number that is on the stack. */
    private void result() {
        if (parts == null) {
            code.lreturn();
            return;
        }
        Frame.store(code, 0);
        code.aload(Frame.REGISTERS).iconst_0();
        Frame.load(code, 0).lastore().iconst_m1().ireturn();
    }

    private void regions(int start, int end) {
        code.aload(Frame.CPU).invokevirtual(Names.CPU, "memory", MethodTypeDesc.of(Names.MEMORY))
                .astore(Frame.MEMORY);
        region("context", Frame.CONTEXT);
        region("packet", Frame.PACKET);
        region("stack", Frame.STACK);
        ownFrame(start, end);
    }

    /** The part of the stack that is the function's own, which its accesses are in at constant offsets. */
    private void ownFrame(int start, int end) {
        boolean used = false;
        for (int at = start; at < end; at += unit.width(at)) {
            long insn = insns.insn(at);
            boolean load = Insn.kind(insn) == Insn.LDX;
            boolean store = Insn.kind(insn) == Insn.ST || Insn.kind(insn) == Insn.STX;
            used |= (load || store) && MemoryEmitter.isOwn(insn, load ? Insn.src(insn) : Insn.dst(insn));
        }
        if (used) {
            code.aload(Frame.MEMORY).lload(Frame.local(Insn.FP))
                    .invokevirtual(Names.MEMORY, "frame", Names.FRAME_OF).astore(Frame.OWN);
        }
    }

    private void region(String name, int local) {
        code.aload(Frame.MEMORY).invokevirtual(Names.MEMORY, name, MethodTypeDesc.of(Names.SEGMENT))
                .astore(local);
    }

    private void insn(int at, long insn) {
        switch (Insn.kind(insn)) {
            case Insn.LD -> Frame.store(code.loadConstant(constant(at, insn)), Insn.dst(insn));
            case Insn.LDX -> memory.load(at, insn);
            case Insn.ST -> memory.store(at, insn);
            case Insn.STX -> {
                if (Insn.mode(insn) == Insn.MEM) {
                    memory.store(at, insn);
                } else {
                    memory.atomic(at, insn);
                }
            }
            case Insn.ALU, Insn.ALU64 -> alu.emit(insn);
            default -> {
                if (Insn.isJump(insn)) {
                    jumps.emit(insn, target(at, insn), Insn.distance(insn) < 0);
                } else if (Insn.operation(insn) == Insn.EXIT) {
                    Frame.load(code, 0);
                    result();
                } else {
                    call(at, insn);
                }
            }
        }
    }

    private long constant(int at, long insn) {
        return switch (Insn.src(insn)) {
            case Insn.LDDW_MAP -> Address.ofMap(Insn.imm(insn));
            case Insn.LDDW_MAP_VALUE -> Address.ofValues(Insn.imm(insn)) + Insn.imm(insns.insn(at + 1));
            case Insn.LDDW_FUNCTION -> Address.ofFunction(insns.target(at));
            default -> Insn.wide(insn, insns.insn(at + 1));
        };
    }

    private void call(int at, long insn) {
        code.aload(Frame.CPU);
        if (Insn.src(insn) == Insn.CALL_LOCAL) {
            code.lload(Frame.local(Insn.FP)).loadConstant((long) Address.FRAME).ladd();
            Frame.arguments(code).invokestatic(unit.self(), name(insns.target(at)), Names.FUNCTION);
        } else if (Insn.imm(insn) == TAIL_CALL) {
            tailCall();
            return;
        } else if (Insn.imm(insn) == LOOKUP && unit.regions().map(at) >= 0
                && unit.image().reachable(unit.regions().map(at)).byteSize() > 0) {
            Frame.load(code, 1);
            Frame.load(code, 2);
            unit.calls().lookUp(code, unit.regions().map(at), unit.image().helper(at));
        } else {
            if (Insn.imm(insn) == LOOP) {
                code.dup().lload(Frame.local(Insn.FP)).invokevirtual(Names.CPU, "frame",
                        MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_long));
            }
            unit.calls().help(Frame.arguments(code), unit.image().helper(at));
        }
        Frame.store(code, 0);
    }

    private void tailCall() {
        Label goesOn = code.newLabel();
        code.lload(Frame.local(Insn.FP));
        Frame.load(code, 1);
        Frame.load(code, 2);
        Frame.load(code, 3).invokestatic(Names.PROGRAM, "tailCall", Names.TAIL_CALL).ifeq(goesOn);
        code.aload(Frame.CPU).invokevirtual(Names.CPU, "result", MethodTypeDesc.of(ConstantDescs.CD_long));
        result();
        code.labelBinding(goesOn);
    }
}
