package io.vhost;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.net.URISyntaxException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The compiler does not inline a method of more than 325 bytecodes, however hot it is (FreqInlineSize); where
 * that hits a loop over packets it costs a fifth of the speed.
 * No method of the packages on their way is so long.
 */
class HotMethodSizeTest {
    private static final int LONGEST = 325;

    @ParameterizedTest
    @ValueSource(strings = {"memory", "ring", "net", "dma", "device", "device/packet"})
    void noMethodOnThePacketsWayIsTooLongToBeInlined(String name) throws IOException, URISyntaxException {
        assertEquals(List.of(),
                CompiledClasses.of(name).stream().flatMap(HotMethodSizeTest::tooLong).toList());
    }

    private static Stream<String> tooLong(ClassModel model) {
        return model.methods().stream()
                .filter(method -> !runsOnce(method.methodName().stringValue()) && length(method) > LONGEST)
                .map(method -> model.thisClass().name() + "." + method.methodName() + ": " + length(method));
    }

    /** What initialises a class, or lists the constants of an enum for that. */
    private static boolean runsOnce(String method) {
        return method.equals("<clinit>") || method.equals("$values");
    }

    private static int length(MethodModel method) {
        return method.code().map(code -> ((CodeAttribute) code).codeLength()).orElse(0);
    }
}
