package io.vhost;

import static org.junit.jupiter.api.Assertions.assertFalse;

import io.vhost.device.VirtQueue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The library's classes as they were compiled, for tests that read them. */
final class CompiledClasses {
    private CompiledClasses() {}

    /** Where they are: a directory with a path for each package. */
    static Path directory() throws URISyntaxException {
        return Path.of(VirtQueue.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    /** Those of one package, named by its path below {@code io/vhost}. */
    static List<ClassModel> of(String name) throws IOException, URISyntaxException {
        try (Stream<Path> files = Files.list(directory().resolve("io/vhost").resolve(name))) {
            List<ClassModel> models = files.filter(file -> file.toString().endsWith(".class"))
                    .map(CompiledClasses::parse).toList();
            assertFalse(models.isEmpty());
            return models;
        }
    }

    static ClassModel parse(Path file) {
        try {
            return ClassFile.of().parse(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
