package io.vhost.bpf.jit;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.mem.Bytes;
import java.lang.classfile.CodeBuilder;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/** Arithmetic (RFC 9669, section 4.1 and 4.2). */
final class AluEmitter {
    private static final long LOW = 0xFFFFFFFFL;

    private final CodeBuilder code;

    AluEmitter(CodeBuilder code) {
        this.code = code;
    }

    void emit(long insn) {
        boolean wide = Insn.kind(insn) == Insn.ALU64;
        int operation = Insn.operation(insn);
        if (operation == Insn.END) {
            Frame.load(code, Insn.dst(insn));
            boolean swap = wide || Insn.isX(insn) == Bytes.LITTLE;
            end(Insn.imm(insn), swap);
        } else if (operation == Insn.MOV) {
            Frame.operand(code, insn);
            extend(Insn.off(insn));
            narrow(!wide);
        } else if (operation == Insn.NEG) {
            Frame.load(code, Insn.dst(insn)).lneg();
            narrow(!wide);
        } else if (operation == Insn.DIV || operation == Insn.MOD) {
            Frame.load(code, Insn.dst(insn));
            Frame.operand(code, insn);
            divide(insn, wide);
        } else if (isShift(operation)) {
            shift(insn, wide);
        } else {
            Frame.load(code, Insn.dst(insn));
            Frame.operand(code, insn);
            combine(operation);
            narrow(!wide);
        }
        Frame.store(code, Insn.dst(insn));
    }

    private static boolean isShift(int operation) {
        return operation == Insn.LSH || operation == Insn.RSH || operation == Insn.ARSH;
    }

    /** The lowest 32 bits of these results depend on nothing above them. */
    private void combine(int operation) {
        switch (operation) {
            case Insn.ADD -> code.ladd();
            case Insn.SUB -> code.lsub();
            case Insn.MUL -> code.lmul();
            case Insn.OR -> code.lor();
            case Insn.AND -> code.land();
            default -> code.lxor();
        }
    }

    private void divide(long insn, boolean wide) {
        boolean signed = Insn.off(insn) == 1;
        String name = (signed ? "s" : "") + (Insn.operation(insn) == Insn.DIV ? "div" : "mod")
                + (wide ? "64" : "32");
        code.invokestatic(Names.SUPPORT, name, Names.LONGS);
    }

    private void shift(long insn, boolean wide) {
        Frame.load(code, Insn.dst(insn));
        if (!wide) {
            code.l2i();
        }
        if (Insn.isX(insn)) {
            Frame.load(code, Insn.src(insn)).l2i();
        } else {
            code.loadConstant(Insn.imm(insn));
        }
        switch (Insn.operation(insn)) {
            case Insn.LSH -> shift(wide, code::lshl, code::ishl);
            case Insn.RSH -> shift(wide, code::lushr, code::iushr);
            default -> shift(wide, code::lshr, code::ishr);
        }
        if (!wide) {
            code.i2l();
            narrow(true);
        }
    }

    private static void shift(boolean wide, Runnable onLong, Runnable onInt) {
        (wide ? onLong : onInt).run();
    }

    private void extend(int bits) {
        switch (bits) {
            case 8 -> code.l2i().i2b().i2l();
            case 16 -> code.l2i().i2s().i2l();
            case 32 -> code.l2i().i2l();
            default -> { }
        }
    }

    private void end(int bits, boolean swap) {
        switch (bits) {
            case 16 -> {
                code.l2i();
                if (swap) {
                    code.i2s().invokestatic(ConstantDescs.CD_Short, "reverseBytes",
                            MethodTypeDesc.of(ConstantDescs.CD_short, ConstantDescs.CD_short));
                }
                code.i2c().i2l();
            }
            case 32 -> {
                if (swap) {
                    code.l2i().invokestatic(ConstantDescs.CD_Integer, "reverseBytes",
                            MethodTypeDesc.of(ConstantDescs.CD_int, ConstantDescs.CD_int)).i2l();
                }
                narrow(true);
            }
            default -> {
                if (swap) {
                    code.invokestatic(ConstantDescs.CD_Long, "reverseBytes",
                            MethodTypeDesc.of(ConstantDescs.CD_long, ConstantDescs.CD_long));
                }
            }
        }
    }

    private void narrow(boolean narrow) {
        if (narrow) {
            code.loadConstant(LOW).land();
        }
    }
}
