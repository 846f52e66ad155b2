package io.vhost.bpf.jit;

import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a function that is too large for one method: a method for each part, which begins with the registers
 * from an array and leaves them there, and one that calls them in turn. The array is the one that the
 * interpreter has for the frame. One object, one function.
 */
final class SplitFunction {
    private static final MethodTypeDesc REGISTERS = MethodTypeDesc.of(ConstantDescs.CD_long.arrayType(),
            ConstantDescs.CD_long);
    private static final int FP = 1;
    private static final int FIRST_ARGUMENT = 3;
    private static final int ARGUMENTS = 5;
    private static final int ARRAY = 13;
    private static final int NEXT = 14;

    private final Unit unit;
    private final int function;
    private final Parts parts;

    SplitFunction(Unit unit, int function, int max) {
        this.unit = unit;
        this.function = function;
        this.parts = new Parts(unit.code(), function, max);
    }

    /** Adds the methods. */
    void emit(ClassBuilder type) {
        int flags = ClassFile.ACC_STATIC | ClassFile.ACC_PRIVATE;
        type.withMethodBody(FunctionEmitter.name(function), Names.FUNCTION, flags, this::callInTurn);
        for (int i = 0; i < parts.count(); i++) {
            int part = i;
            type.withMethodBody(name(part), Names.PART, flags,
                    body -> new FunctionEmitter(body, unit).emitPart(parts, part));
        }
    }

    private String name(int part) {
        return FunctionEmitter.name(function) + "p" + part;
    }

    private void callInTurn(CodeBuilder code) {
        FunctionEmitter.enter(code, unit.isCharged(function));
        code.aload(Frame.CPU).lload(FP).invokevirtual(Names.CPU, "registers", REGISTERS).astore(ARRAY);
        for (int register = 0; register < Frame.SAVED; register++) {
            code.aload(ARRAY).loadConstant(register);
            if (register >= 1 && register <= ARGUMENTS) {
                code.lload(FIRST_ARGUMENT + 2 * (register - 1));
            } else {
                code.lconst_0();
            }
            code.lastore();
        }
        code.iconst_0().istore(NEXT);
        Label top = code.newBoundLabel();
        Label end = code.newLabel();
        List<SwitchCase> cases = new ArrayList<>();
        List<Label> labels = new ArrayList<>();
        for (int i = 0; i < parts.count(); i++) {
            labels.add(code.newLabel());
            cases.add(SwitchCase.of(i, labels.get(i)));
        }
        code.iload(NEXT).loadConstant(Parts.entryBits()).iushr()
                .tableswitch(0, parts.count() - 1, end, cases);
        for (int i = 0; i < parts.count(); i++) {
            code.labelBinding(labels.get(i)).aload(Frame.CPU).lload(FP).aload(ARRAY).iload(NEXT)
                    .invokestatic(unit.self(), name(i), Names.PART).istore(NEXT).goto_(top);
        }
        // A part that has come to the function's end answers a number that is no part's.
        code.labelBinding(end).aload(ARRAY).iconst_0().laload().lreturn();
    }
}
