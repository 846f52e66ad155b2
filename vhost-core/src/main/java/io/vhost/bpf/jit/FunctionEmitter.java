package io.vhost.bpf.jit;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Image;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.Map;

/** Writes one function of a program as a method. One object, one function. */
final class FunctionEmitter {
    private static final int LOOKUP = 1;
    private static final int TAIL_CALL = 12;
    private static final int LOOP = 181;

    private final CodeBuilder code;
    private final Image image;
    private final Code insns;
    private final ClassDesc self;
    private final Calls calls;
    private final AccessRegions regions;
    private final AluEmitter alu;
    private final JumpEmitter jumps;
    private final ClassData data;
    private final boolean grouped;
    private MemoryEmitter memory;
    private final boolean budgeted;
    private final Map<Integer, Label> labels = new HashMap<>();

    FunctionEmitter(CodeBuilder code, Image image, AccessRegions regions, ClassDesc self, ClassData data,
            Calls calls, boolean budgeted,
            boolean grouped) {
        this.code = code;
        this.image = image;
        this.insns = image.code();
        this.self = self;
        this.calls = calls;
        this.regions = regions;
        this.budgeted = budgeted;
        this.alu = new AluEmitter(code);
        this.jumps = new JumpEmitter(code, budgeted);
        this.data = data;
        this.grouped = grouped;
    }

    /** The method's name. */
    static String name(int function) {
        return "f" + function;
    }

    void emit(int function) {
        int start = insns.start(function);
        int end = insns.end(function);
        memory = new MemoryEmitter(code, regions, image, data,
                grouped ? new Groups(insns, regions, function) : null);
        for (int at = start; at < end; at += width(at)) {
            if (Insn.isJump(insns.insn(at))) {
                labels.computeIfAbsent(at + 1 + Insn.distance(insns.insn(at)), ignored -> code.newLabel());
            }
        }
        prologue(budgeted || isCalledBack(function));
        ownFrame(start, end);
        for (int at = start; at < end; at += width(at)) {
            Label label = labels.get(at);
            if (label != null) {
                code.labelBinding(label);
            }
            insn(at, insns.insn(at));
        }
    }

    /** How often a helper calls back is not for the program to say: it is charged whatever was proved. */
    private boolean isCalledBack(int function) {
        for (int at = 0; at < insns.length(); at += width(at)) {
            long insn = insns.insn(at);
            boolean address = Insn.opcode(insn) == Insn.LDDW && Insn.src(insn) == Insn.LDDW_FUNCTION;
            if (address && insns.target(at) == function) {
                return true;
            }
        }
        return false;
    }

    private int width(int at) {
        return Insn.opcode(insns.insn(at)) == Insn.LDDW ? 2 : 1;
    }

    /** Every local has a value from the beginning, so that all frames of the method have one shape. */
    private void prologue(boolean charged) {
        code.aload(Frame.CPU).lload(Frame.local(Insn.FP)).invokevirtual(Names.CPU,
                charged ? "enter" : "enterProved",
                MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_long));
        for (int register : new int[] {0, 6, 7, 8, 9}) {
            Frame.store(code.lconst_0(), register);
        }
        code.aload(Frame.CPU).invokevirtual(Names.CPU, "memory", MethodTypeDesc.of(Names.MEMORY))
                .astore(Frame.MEMORY);
        region("context", Frame.CONTEXT);
        region("packet", Frame.PACKET);
        region("stack", Frame.STACK);
    }

    /** The part of the stack that is the function's own, which its accesses are in at constant offsets. */
    private void ownFrame(int start, int end) {
        boolean used = false;
        for (int at = start; at < end; at += width(at)) {
            long insn = insns.insn(at);
            boolean load = Insn.kind(insn) == Insn.LDX;
            boolean store = Insn.kind(insn) == Insn.ST || Insn.kind(insn) == Insn.STX;
            used |= (load || store) && MemoryEmitter.isOwn(insn, load ? Insn.src(insn) : Insn.dst(insn));
        }
        if (used) {
            code.aload(Frame.STACK).lload(Frame.local(Insn.FP))
                    .loadConstant(-(Address.STACK + Address.FRAME)).ladd()
                    .loadConstant((long) Address.FRAME)
                    .invokeinterface(Names.SEGMENT, "asSlice", Names.SLICE).astore(Frame.OWN);
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
                    int target = at + 1 + Insn.distance(insn);
                    jumps.emit(insn, labels.get(target), target <= at);
                } else if (Insn.operation(insn) == Insn.EXIT) {
                    Frame.load(code, 0).lreturn();
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
            Frame.arguments(code).invokestatic(self, name(insns.target(at)), Names.FUNCTION);
        } else if (Insn.imm(insn) == TAIL_CALL) {
            tailCall();
            return;
        } else if (Insn.imm(insn) == LOOKUP && regions.map(at) >= 0
                && image.reachable(regions.map(at)).byteSize() > 0) {
            int map = regions.map(at);
            Frame.load(code, 1);
            Frame.load(code, 2);
            calls.lookUp(code, map, image.helper(at));
        } else {
            if (Insn.imm(insn) == LOOP) {
                code.dup().lload(Frame.local(Insn.FP)).invokevirtual(Names.CPU, "frame",
                        MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_long));
            }
            calls.help(Frame.arguments(code), image.helper(at));
        }
        Frame.store(code, 0);
    }

    private void tailCall() {
        Label goesOn = code.newLabel();
        code.lload(Frame.local(Insn.FP));
        Frame.load(code, 1);
        Frame.load(code, 2);
        Frame.load(code, 3).invokestatic(Names.PROGRAM, "tailCall", Names.TAIL_CALL).ifeq(goesOn);
        code.aload(Frame.CPU).invokevirtual(Names.CPU, "result", MethodTypeDesc.of(ConstantDescs.CD_long))
                .lreturn();
        code.labelBinding(goesOn);
    }
}
