package io.vhost;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.Instruction;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Memory whose file another process may truncate is touched only in forms in which the fault becomes an
 * {@link InternalError} in interpreted and compiled code. Measured on JDK 25, these end the process: ordered
 * stores of bytes and shorts, compare-and-set and what is made of it, and an int that is widened to a long
 * where it is read. What a caller widens is not found here.
 */
class AccessFormsTest {
    private static final Set<String> ORDERED_STORES = Set.of("setOpaque", "setRelease", "setVolatile");
    private static final ClassDesc SEGMENT = ClassDesc.of(MemorySegment.class.getName());

    @ParameterizedTest
    @ValueSource(strings = {"memory", "ring", "net", "dma", "queue", "device", "device/packet", "driver"})
    void guestMemoryIsTouchedInFormsThatSurviveATruncation(String name)
            throws IOException, URISyntaxException {
        assertEquals(List.of(), CompiledClasses.of(name).stream().flatMap(AccessFormsTest::faults).toList());
    }

    @Test
    void eachFormIsFound() throws IOException {
        try (InputStream stream = Faulty.class.getResourceAsStream("AccessFormsTest$Faulty.class")) {
            assertEquals(
                    List.of("orderedShort: setRelease", "exchange: compareAndSet", "add: getAndAdd",
                            "widened: i2l", "widenedByHandle: i2l"),
                    faults(ClassFile.of().parse(stream.readAllBytes()))
                            .map(fault -> fault.substring(fault.indexOf('.') + 1)).toList());
        }
    }

    /** Each form once, and some that survive. */
    static final class Faulty {
        private static final VarHandle SHORT = ValueLayout.JAVA_SHORT.varHandle().withInvokeExactBehavior();
        private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();
        private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();

        private Faulty() {}

        static void orderedShort(MemorySegment segment) {
            SHORT.setRelease(segment, 0L, (short) 1);
        }

        static boolean exchange(MemorySegment segment) {
            return LONG.compareAndSet(segment, 0L, 1L, 2L);
        }

        static int add(MemorySegment segment) {
            return (int) INT.getAndAdd(segment, 0L, 1);
        }

        static long widened(MemorySegment segment) {
            return segment.get(ValueLayout.JAVA_INT, 0);
        }

        static long widenedByHandle(MemorySegment segment) {
            return (int) INT.getVolatile(segment, 0L);
        }

        static long survives(MemorySegment segment) {
            SHORT.set(segment, 0L, (short) 1);
            INT.setRelease(segment, 0L, 1);
            return Integer.toUnsignedLong((int) INT.get(segment, 0L)) + (long) LONG.getAcquire(segment, 0L);
        }
    }

    private static Stream<String> faults(ClassModel model) {
        String name = model.thisClass().asInternalName();
        return model.methods().stream().flatMap(method -> faults(method).stream()
                .map(fault -> name + "." + method.methodName() + ": " + fault));
    }

    private static List<String> faults(MethodModel method) {
        List<String> faults = new ArrayList<>();
        boolean intWasRead = false;
        for (CodeElement element : method.code().map(code -> code.elementList()).orElse(List.of())) {
            if (!(element instanceof Instruction instruction)) {
                continue;
            }
            if (intWasRead && instruction.opcode() == Opcode.I2L) {
                faults.add("i2l");
            }
            intWasRead = false;
            if (instruction instanceof InvokeInstruction invoke && touchesMemory(invoke)) {
                String form = invoke.name().stringValue();
                MethodTypeDesc type = invoke.typeSymbol();
                intWasRead = form.startsWith("get") && type.returnType().equals(ConstantDescs.CD_int);
                if (isAtomicUpdate(form) || (ORDERED_STORES.contains(form) && storesLessThanAnInt(type))) {
                    faults.add(form);
                }
            }
        }
        return faults;
    }

    private static boolean touchesMemory(InvokeInstruction invoke) {
        MethodTypeDesc type = invoke.typeSymbol();
        return switch (invoke.owner().asInternalName()) {
            case "java/lang/invoke/VarHandle" ->
                    type.parameterCount() > 0 && type.parameterType(0).equals(SEGMENT);
            case "java/lang/foreign/MemorySegment" -> true;
            default -> false;
        };
    }

    private static boolean isAtomicUpdate(String form) {
        return form.startsWith("getAnd") || form.contains("ompareAnd");
    }

    private static boolean storesLessThanAnInt(MethodTypeDesc type) {
        ClassDesc value = type.parameterType(type.parameterCount() - 1);
        return value.equals(ConstantDescs.CD_short) || value.equals(ConstantDescs.CD_byte);
    }
}
