package io.vhost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.memory.MemoryFault;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.ExceptionCatch;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Compiled code throws the error of memory that is gone later than the access: whoever catches it has to make
 * it come before the end of the {@code try}, or it comes to a caller.
 */
class LateErrorsTest {
    private static final String ERROR = "java/lang/InternalError";
    /** The caller finds out; and the last line of a thread, behind all who do. */
    private static final Set<String> OTHERS =
            Set.of("io/vhost/dma/DmaChannel.copy", "io/vhost/dma/WorkerDmaEngine.work");

    @ParameterizedTest
    @ValueSource(strings = {"queue", "device", "device/packet", "dma"})
    void whoCatchesTheErrorMakesItSurface(String name) throws IOException, URISyntaxException {
        List<String> late = new ArrayList<>();
        for (ClassModel model : CompiledClasses.of(name)) {
            late.addAll(late(model));
        }
        late.removeAll(OTHERS);
        assertEquals(List.of(), late);
    }

    @Test
    void oneThatDoesNotIsFound() throws IOException {
        try (InputStream stream = Cases.class.getResourceAsStream("LateErrorsTest$Cases.class")) {
            List<String> late = late(ClassFile.of().parse(stream.readAllBytes()));
            assertEquals(1, late.size());
            assertTrue(late.getFirst().endsWith(".late"), late::toString);
        }
    }

    static final class Cases {
        private Cases() {}

        static int late(int[] values) {
            try {
                return values.length;
            } catch (InternalError e) {
                return 0;
            }
        }

        static int inTime(int[] values) {
            try {
                MemoryFault.surface();
                return values.length;
            } catch (InternalError e) {
                return 0;
            } finally {
                values[0] = 1;
            }
        }
    }

    private static List<String> late(ClassModel model) {
        List<String> late = new ArrayList<>();
        for (MethodModel method : model.methods()) {
            for (Set<Label> unsurfaced : handlers(method).values()) {
                if (unsurfaced.isEmpty()) {
                    late.add(model.thisClass().asInternalName() + "." + method.methodName());
                }
            }
        }
        return late;
    }

    /** Of each handler of the error: the places in its {@code try} at which it is made to surface. */
    private static Map<Label, Set<Label>> handlers(MethodModel method) {
        Map<Label, Set<Label>> surfaced = new HashMap<>();
        List<CodeElement> code = method.code().map(body -> body.elementList()).orElse(List.of());
        for (CodeElement element : code) {
            if (element instanceof ExceptionCatch range
                    && range.catchType().filter(type -> type.asInternalName().equals(ERROR)).isPresent()) {
                surfaced.computeIfAbsent(range.handler(), _ -> new HashSet<>());
                if (surfaces(code, range)) {
                    surfaced.get(range.handler()).add(range.tryStart());
                }
            }
        }
        return surfaced;
    }

    private static boolean surfaces(List<CodeElement> code, ExceptionCatch range) {
        boolean inside = false;
        for (CodeElement element : code) {
            if (element instanceof LabelTarget target) {
                inside = (inside || target.label().equals(range.tryStart()))
                        && !target.label().equals(range.tryEnd());
            } else if (inside && element instanceof InvokeInstruction call
                    && call.owner().asInternalName().equals("io/vhost/memory/MemoryFault")
                    && call.name().stringValue().equals("surface")) {
                return true;
            }
        }
        return false;
    }
}
