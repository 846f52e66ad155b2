package io.vhost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.vhost.device.VirtQueue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
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
        Path classes = Path.of(VirtQueue.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (Stream<Path> files = Files.list(classes.resolve("io/vhost").resolve(name))) {
            List<ClassModel> models = files.filter(file -> file.toString().endsWith(".class"))
                    .map(HotMethodSizeTest::parse).toList();
            assertFalse(models.isEmpty());
            assertEquals(List.of(), models.stream().flatMap(HotMethodSizeTest::tooLong).toList());
        }
    }

    private static ClassModel parse(Path file) {
        try {
            return ClassFile.of().parse(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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
