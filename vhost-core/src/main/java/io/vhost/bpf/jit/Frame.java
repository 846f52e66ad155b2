package io.vhost.bpf.jit;

import io.vhost.bpf.insn.Insn;
import java.lang.classfile.CodeBuilder;

/** Where a generated method keeps what: the Cpu, the frame pointer, registers, regions. */
final class Frame {
    static final int CPU = 0;
    static final int CONTEXT = 23;
    static final int PACKET = 24;
    static final int STACK = 25;
    static final int MEMORY = 26;
    /** The function's own part of the stack. */
    static final int OWN = 27;
    /** In a part of a function: the array of registers. */
    static final int REGISTERS = 40;
    /** In a part of a function: where it goes on, or where it was told to begin. */
    static final int NEXT = 41;
    /** The array keeps as many registers: all but the frame pointer. */
    static final int SAVED = 10;

    private static final int FP = 1;
    private static final int FIRST_ARGUMENT = 3;
    private static final int RESULT = 13;
    private static final int FIRST_SAVED = 15;
    private static final int ARGUMENTS = 5;
    private static final int FIRST_SLICE = 28;

    private Frame() {
    }

    /** The local variable of a register. */
    static int local(int register) {
        if (register == 0) {
            return RESULT;
        }
        if (register == Insn.FP) {
            return FP;
        }
        return register <= ARGUMENTS ? FIRST_ARGUMENT + 2 * (register - 1)
                : FIRST_SAVED + 2 * (register - ARGUMENTS - 1);
    }

    /** The local variable of what is accessed with a register as base. */
    static int slice(int register) {
        return FIRST_SLICE + register;
    }

    static CodeBuilder load(CodeBuilder code, int register) {
        return code.lload(local(register));
    }

    static void store(CodeBuilder code, int register) {
        code.lstore(local(register));
    }

    /** The second operand: a register, or the immediate, whose sign is extended. */
    static CodeBuilder operand(CodeBuilder code, long insn) {
        return Insn.isX(insn) ? load(code, Insn.src(insn)) : code.loadConstant((long) Insn.imm(insn));
    }

    /** The first five arguments. */
    static CodeBuilder arguments(CodeBuilder code) {
        for (int register = 1; register <= ARGUMENTS; register++) {
            load(code, register);
        }
        return code;
    }
}
