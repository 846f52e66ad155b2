package io.vhost.bpf.jit;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.mem.AddressSpace;
import io.vhost.bpf.mem.Atomics;
import io.vhost.bpf.mem.Bytes;
import io.vhost.bpf.run.Burst;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Executable;
import io.vhost.bpf.run.Helper;
import io.vhost.bpf.run.Program;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/** What generated code calls, by name and type. */
final class Names {
    static final ClassDesc CPU = of(Cpu.class);
    static final ClassDesc PROGRAM = of(Program.class);
    static final ClassDesc EXECUTABLE = of(Executable.class);
    static final ClassDesc HELPER = of(Helper.class);
    static final ClassDesc BURST = of(Burst.class);
    static final ClassDesc TABLE = of(BpfTable.class);
    static final ClassDesc MEMORY = of(AddressSpace.class);
    static final ClassDesc SEGMENT = of(MemorySegment.class);
    static final ClassDesc HANDLE = of(VarHandle.class);
    static final ClassDesc BYTES = of(Bytes.class);
    static final ClassDesc ATOMICS = of(Atomics.class);
    static final ClassDesc SUPPORT = of(Support.class);

    /** A function of the program: Cpu, frame pointer, five arguments. */
    static final MethodTypeDesc FUNCTION = MethodTypeDesc.of(CD_long, CPU, CD_long, CD_long, CD_long, CD_long,
            CD_long, CD_long);
    /** A part of a function: Cpu, frame pointer, registers, where to begin; answers where to go on. */
    static final MethodTypeDesc PART = MethodTypeDesc.of(CD_int, CPU, CD_long, CD_long.arrayType(), CD_int);
    /** {@link Executable#call}. */
    static final MethodTypeDesc CALL = FUNCTION.insertParameterTypes(1, CD_int);
    /** {@link Executable#burst}. */
    static final MethodTypeDesc RUN_BURST = MethodTypeDesc.of(CD_void, CPU, BURST, CD_int, CD_int);
    /** {@link Helper#call}. */
    static final MethodTypeDesc HELP = MethodTypeDesc.of(CD_long, CPU, CD_long, CD_long, CD_long, CD_long,
            CD_long);
    static final MethodTypeDesc TAIL_CALL = MethodTypeDesc.of(CD_boolean, CPU, CD_long, CD_long, CD_long,
            CD_long);
    static final MethodTypeDesc LOAD = MethodTypeDesc.of(CD_long, CD_long, CD_int);
    static final MethodTypeDesc STORE = MethodTypeDesc.of(CD_void, CD_long, CD_int, CD_long);
    static final MethodTypeDesc ATOMIC = MethodTypeDesc.of(CD_long, CD_long, CD_int, CD_int,
            CD_long, CD_long);
    static final MethodTypeDesc APPLY = MethodTypeDesc.of(CD_long, SEGMENT, CD_long, CD_int,
            CD_long, CD_long);
    static final MethodTypeDesc LOOKUP = MethodTypeDesc.of(CD_long, CPU, TABLE, CD_int, HELPER,
            CD_long, CD_long);
    static final MethodTypeDesc FRAME_OF = MethodTypeDesc.of(SEGMENT, CD_long);
    static final MethodTypeDesc SLICE = MethodTypeDesc.of(SEGMENT, CD_long, CD_long);
    static final MethodTypeDesc LONGS = MethodTypeDesc.of(CD_long, CD_long, CD_long);
    static final MethodTypeDesc COMPARE_LONGS = MethodTypeDesc.of(CD_int, CD_long, CD_long);
    static final MethodTypeDesc COMPARE_INTS = MethodTypeDesc.of(CD_int, CD_int, CD_int);

    private Names() {
    }

    private static ClassDesc of(Class<?> type) {
        return type.describeConstable().orElseThrow();
    }
}
