package io.vhost.bpf.jit;

import io.vhost.bpf.insn.Insn;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.Opcode;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/** Jumps (RFC 9669, section 4.3). Those that go back are charged to the budget. */
final class JumpEmitter {
    private static final MethodTypeDesc VOID = MethodTypeDesc.of(ConstantDescs.CD_void);

    private final CodeBuilder code;
    private final boolean budgeted;

    JumpEmitter(CodeBuilder code, boolean budgeted) {
        this.code = code;
        this.budgeted = budgeted;
    }

    void emit(long insn, Label target, boolean back) {
        if (Insn.isGoto(insn)) {
            charge(back);
            code.goto_(target);
            return;
        }
        Opcode condition = Insn.kind(insn) == Insn.JMP ? compare64(insn) : compare32(insn);
        if (back && budgeted) {
            Label skip = code.newLabel();
            code.branch(inverse(condition), skip);
            charge(true);
            code.goto_(target);
            code.labelBinding(skip);
        } else {
            code.branch(condition, target);
        }
    }

    private void charge(boolean back) {
        if (back && budgeted) {
            code.aload(Frame.CPU).invokevirtual(Names.CPU, "charge", VOID);
        }
    }

    private Opcode compare64(long insn) {
        Frame.load(code, Insn.dst(insn));
        Frame.operand(code, insn);
        if (Insn.operation(insn) == Insn.JSET) {
            code.land().lconst_0().lcmp();
        } else if (isUnsigned(insn)) {
            code.invokestatic(ConstantDescs.CD_Long, "compareUnsigned", Names.COMPARE_LONGS);
        } else {
            code.lcmp();
        }
        return withZero(insn);
    }

    private Opcode compare32(long insn) {
        Frame.load(code, Insn.dst(insn)).l2i();
        if (Insn.isX(insn)) {
            Frame.load(code, Insn.src(insn)).l2i();
        } else {
            code.loadConstant(Insn.imm(insn));
        }
        if (Insn.operation(insn) == Insn.JSET) {
            code.iand();
            return Opcode.IFNE;
        }
        if (isUnsigned(insn)) {
            code.invokestatic(ConstantDescs.CD_Integer, "compareUnsigned", Names.COMPARE_INTS);
            return withZero(insn);
        }
        return switch (Insn.operation(insn)) {
            case Insn.JEQ -> Opcode.IF_ICMPEQ;
            case Insn.JNE -> Opcode.IF_ICMPNE;
            case Insn.JSGT -> Opcode.IF_ICMPGT;
            case Insn.JSGE -> Opcode.IF_ICMPGE;
            case Insn.JSLT -> Opcode.IF_ICMPLT;
            default -> Opcode.IF_ICMPLE;
        };
    }

    private static boolean isUnsigned(long insn) {
        return switch (Insn.operation(insn)) {
            case Insn.JGT, Insn.JGE, Insn.JLT, Insn.JLE -> true;
            default -> false;
        };
    }

    private static Opcode withZero(long insn) {
        return switch (Insn.operation(insn)) {
            case Insn.JEQ -> Opcode.IFEQ;
            case Insn.JNE, Insn.JSET -> Opcode.IFNE;
            case Insn.JGT, Insn.JSGT -> Opcode.IFGT;
            case Insn.JGE, Insn.JSGE -> Opcode.IFGE;
            case Insn.JLT, Insn.JSLT -> Opcode.IFLT;
            default -> Opcode.IFLE;
        };
    }

    private static Opcode inverse(Opcode condition) {
        return switch (condition) {
            case IFEQ -> Opcode.IFNE;
            case IFNE -> Opcode.IFEQ;
            case IFGT -> Opcode.IFLE;
            case IFGE -> Opcode.IFLT;
            case IFLT -> Opcode.IFGE;
            case IFLE -> Opcode.IFGT;
            case IF_ICMPEQ -> Opcode.IF_ICMPNE;
            case IF_ICMPNE -> Opcode.IF_ICMPEQ;
            case IF_ICMPGT -> Opcode.IF_ICMPLE;
            case IF_ICMPGE -> Opcode.IF_ICMPLT;
            case IF_ICMPLT -> Opcode.IF_ICMPGE;
            default -> Opcode.IF_ICMPGT;
        };
    }
}
