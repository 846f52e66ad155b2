package io.vhost.bpf.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.insn.ProgramException;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The interpreter against the public conformance suite. */
class InterpreterConformanceTest {
    static Stream<IsaVectors.Vector> vectors() throws IOException {
        return IsaVectors.all();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("vectors")
    void theResultIsTheSuites(IsaVectors.Vector vector) throws ProgramException {
        assertEquals(vector.result(),
                vector.run(image -> new Interpreter(image, AccessRegions.of(image))));
    }

    @Test
    void noVectorIsLeftOut() throws IOException {
        assertEquals(IsaVectors.COUNT, IsaVectors.all().count());
    }
}
