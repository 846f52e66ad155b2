package io.vhost.bpf.jit;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Executable;
import io.vhost.bpf.run.Image;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Compiles an image to a hidden class. Thread: any; each call is on its own. */
public final class Compiler {
    /** The largest method that HotSpot compiles, in bytes of bytecode ({@code HugeMethodLimit}). */
    public static final int MAX_METHOD = 8_000;

    /** Programs with more instructions are interpreted: nothing is known of their accesses. */
    static final int MAX_INSTRUCTIONS = 1 << 14;

    // With more, the bytecode might not fit into a class file's method, even to be measured.
    private static final int MAX_WHOLE = 1_500;
    private static final int FIRST_PART = 600;
    private static final int LEAST_PART = 16;
    // What parts have besides their instructions takes room as well.
    private static final int PART_BYTES = 6_500;
    private static final Pattern METHOD = Pattern.compile("f(\\d+)(p\\d+)?");
    private static final ClassDesc SELF = ClassDesc.of(Compiler.class.getPackageName(), "Compiled");
    private static final MethodTypeDesc VOID = MethodTypeDesc.of(ConstantDescs.CD_void);

    private Compiler() {
    }

    /**
     * Compiles a program.
     *
     * @param budgeted whether jumps back are charged to the Cpu's budget: without it, the program has been
     *                 proved to end
     * @throws TooLargeException if it has more than {@link #MAX_INSTRUCTIONS} instructions
     */
    public static Executable compile(Image image, AccessRegions regions, boolean budgeted)
            throws TooLargeException {
        return compile(image, regions, budgeted, !budgeted);
    }

    /**
     * Compiles a program.
     *
     * @param grouped whether accesses that come together are checked together. If one of them is outside,
     *                those before it are not made either, which no verifier lets happen
     */
    static Executable compile(Image image, AccessRegions regions, boolean budgeted, boolean grouped)
            throws TooLargeException {
        ClassData data = new ClassData();
        byte[] bytes = bytes(image, regions, budgeted, grouped, data);
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup()
                    .defineHiddenClassWithClassData(bytes, data.objects(), true);
            return (Executable) lookup.lookupClass().getDeclaredConstructor().newInstance();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("program " + image.code().name() + " could not be defined", e);
        }
    }

    /**
     * The class file; {@code data} takes what it refers to. A function whose method turns out too large is
     * split, and into smaller parts where a part is too large.
     */
    static byte[] bytes(Image image, AccessRegions regions, boolean budgeted, boolean grouped,
            ClassData data) throws TooLargeException {
        Code code = image.code();
        if (code.length() > MAX_INSTRUCTIONS) {
            throw new TooLargeException(code.name(), code.length());
        }
        int[] parts = new int[code.functions()];
        for (int function = 0; function < parts.length; function++) {
            parts[function] = code.end(function) - code.start(function) > MAX_WHOLE ? FIRST_PART : 0;
        }
        Unit unit = new Unit(image, regions, SELF, data, new Calls(SELF, image, data), budgeted, grouped);
        byte[] bytes = bytes(unit, parts);
        while (!fits(code, bytes, parts)) {
            bytes = bytes(unit, parts);
        }
        return bytes;
    }

    /** {@code parts} has how many instructions a part of each function may have, 0 for all in one. */
    private static byte[] bytes(Unit unit, int[] parts) {
        return ClassFile.of().build(SELF, type -> {
            type.withFlags(ClassFile.ACC_FINAL | ClassFile.ACC_SYNTHETIC)
                    .withInterfaceSymbols(Names.EXECUTABLE);
            entries(type, unit.code());
            for (int i = 0; i < parts.length; i++) {
                int function = i;
                if (parts[i] > 0) {
                    new SplitFunction(unit, i, parts[i]).emit(type);
                } else {
                    type.withMethodBody(FunctionEmitter.name(i), Names.FUNCTION,
                            ClassFile.ACC_STATIC | ClassFile.ACC_PRIVATE,
                            body -> new FunctionEmitter(body, unit).emit(function));
                }
            }
            unit.calls().emit(type);
        });
    }

    /** Whether no method is too large; if not, {@code parts} is changed. */
    private static boolean fits(Code code, byte[] bytes, int[] parts) {
        int[] largest = new int[parts.length];
        for (MethodModel method : ClassFile.of().parse(bytes).methods()) {
            Matcher name = METHOD.matcher(method.methodName().stringValue());
            if (name.matches()) {
                int function = Integer.parseInt(name.group(1));
                largest[function] = Math.max(largest[function],
                        ((CodeAttribute) method.code().orElseThrow()).codeLength());
            }
        }
        boolean fits = true;
        for (int i = 0; i < parts.length; i++) {
            if (largest[i] > MAX_METHOD) {
                int now = parts[i] > 0 ? parts[i] : code.end(i) - code.start(i);
                parts[i] = Math.max(LEAST_PART, Math.min(now - 1, now * PART_BYTES / largest[i]));
                fits = false;
            }
        }
        return fits;
    }

    private static void entries(ClassBuilder type, Code code) {
        type.withMethodBody(ConstantDescs.INIT_NAME, VOID, ClassFile.ACC_PUBLIC, body -> body.aload(0)
                .invokespecial(ConstantDescs.CD_Object, ConstantDescs.INIT_NAME, VOID).return_());
        type.withMethodBody("call", Names.CALL, ClassFile.ACC_PUBLIC, body -> call(body, code));
        type.withMethodBody("burst", Names.RUN_BURST, ClassFile.ACC_PUBLIC, Compiler::burst);
    }

    /** Chooses the function by its number. */
    private static void call(CodeBuilder body, Code code) {
        List<SwitchCase> cases = new ArrayList<>();
        List<Label> labels = new ArrayList<>();
        for (int i = 0; i < code.functions(); i++) {
            labels.add(body.newLabel());
            cases.add(SwitchCase.of(i, labels.get(i)));
        }
        body.iload(2).tableswitch(0, code.functions() - 1, labels.getFirst(), cases);
        for (int i = 0; i < code.functions(); i++) {
            body.labelBinding(labels.get(i)).aload(1);
            for (int local = 3; local <= 13; local += 2) {
                body.lload(local);
            }
            body.invokestatic(SELF, FunctionEmitter.name(i), Names.FUNCTION).lreturn();
        }
    }

    /** As {@link Executable#burst}, with the call of the program inside the class. */
    private static void burst(CodeBuilder body) {
        int cpu = 1;
        int burst = 2;
        int element = 3;
        int to = 4;
        int result = 5;
        Label top = body.newLabel();
        Label done = body.newLabel();
        MethodTypeDesc load = MethodTypeDesc.of(ConstantDescs.CD_void, Names.CPU, ConstantDescs.CD_int);
        body.labelBinding(top).iload(element).iload(to).if_icmpge(done);
        body.aload(burst).aload(cpu).iload(element).invokeinterface(Names.BURST, "load", load);
        body.aload(cpu).iload(element).invokevirtual(Names.CPU, "begin",
                MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int));
        body.aload(cpu).loadConstant(Address.FIRST_FP).loadConstant(Address.CONTEXT)
                .lconst_0().lconst_0().lconst_0().lconst_0()
                .invokestatic(SELF, FunctionEmitter.name(0), Names.FUNCTION).lstore(result);
        body.aload(cpu).invokevirtual(Names.CPU, "end", VOID);
        body.aload(burst).aload(cpu).iload(element).lload(result).invokeinterface(Names.BURST, "done",
                load.insertParameterTypes(2, ConstantDescs.CD_long));
        body.iinc(element, 1).goto_(top);
        body.labelBinding(done).return_();
    }
}
