package io.vhost.bpf.jit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.run.Executable;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.vm.IsaVectors;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Compiled code against the public conformance suite. */
class CompilerConformanceTest {
    static Stream<IsaVectors.Vector> vectors() throws IOException {
        return IsaVectors.all();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("vectors")
    void theResultIsTheSuites(IsaVectors.Vector vector) throws ProgramException {
        assertEquals(vector.result(), vector.run(CompilerConformanceTest::compile));
    }

    private static Executable compile(Image image) {
        try {
            return Compiler.compile(image, AccessRegions.of(image), true);
        } catch (TooLargeException e) {
            throw new AssertionError(e);
        }
    }
}
