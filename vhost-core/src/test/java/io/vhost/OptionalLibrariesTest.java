package io.vhost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Main;
import io.vhost.device.VirtQueue;
import io.vhost.example.Echo;
import io.vhost.example.EchoRun;
import io.vhost.example.MonitorRun;
import io.vhost.peer.Program;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs in processes of their own that have the library, JCTools, and some or none of the rest. */
@Tag("slow")
@Timeout(120)
class OptionalLibrariesTest {
    /** What Maven does not bring into an application. */
    enum Library {
        JACKSON("com.fasterxml.jackson.core:jackson-core", "jackson-core-"),
        JLINE("org.jline:jline-terminal", "jline-"),
        PICOCLI("info.picocli:picocli", "picocli-");

        private final String artifact;
        private final String prefix;

        /** The artifact, and how the files that it takes are named. */
        Library(String artifact, String prefix) {
            this.artifact = artifact;
            this.prefix = prefix;
        }
    }

    @TempDir
    private Path programs;

    @BeforeEach
    void programsAreApartFromOtherTests() throws IOException {
        for (Class<?> program : List.of(Echo.class, EchoRun.class, MonitorRun.class)) {
            Path file = Path.of(program.getName().replace('.', '/') + ".class");
            Files.createDirectories(programs.resolve(file).getParent());
            Files.copy(placeOf(program).resolve(file), programs.resolve(file));
        }
    }

    private static Stream<Arguments> present() {
        List<Set<Library>> sets = new ArrayList<>(List.of(EnumSet.noneOf(Library.class)));
        for (Library absent : Library.values()) {
            sets.add(EnumSet.complementOf(EnumSet.of(absent)));
        }
        return sets.stream().flatMap(set -> Stream.of(Arguments.of(set, false), Arguments.of(set, true)));
    }

    @ParameterizedTest
    @MethodSource("present")
    void aPacketGoesToAGuestAndBack(Set<Library> present, boolean modules) {
        try (Program program = start(present, modules, EchoRun.class)) {
            program.await("echoed\n");
            assertEquals(0, program.exitStatus());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aMonitorNeedsJacksonAndSaysSo(boolean modules) {
        try (Program without =
                        start(EnumSet.complementOf(EnumSet.of(Library.JACKSON)), modules, MonitorRun.class);
                Program with = start(EnumSet.of(Library.JACKSON), modules, MonitorRun.class)) {
            String said = onlyLine(without);
            assertTrue(said.startsWith("the monitor needs " + Library.JACKSON.artifact + ": "), said);
            assertEquals(0, with.exitStatus());
            assertTrue(with.output().contains("listening\n"), with.output());
        }
    }

    @ParameterizedTest
    @MethodSource("present")
    void theCommandLineNamesWhatItLacks(Set<Library> present, boolean modules) {
        try (Program program = start(present, modules, Main.class)) {
            String said = onlyLine(program);
            String missing = EnumSet.complementOf(EnumSet.copyOf(present)).stream()
                    .map(library -> library.artifact).collect(Collectors.joining(", "));
            assertTrue(said.startsWith("vhost: the command line needs " + missing + ": "), said);
            assertEquals(1, program.exitStatus());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theCommandLineRunsWithAllOfThem(boolean modules) {
        try (Program program = start(EnumSet.allOf(Library.class), modules, Main.class, "--version")) {
            assertEquals(0, program.exitStatus());
            assertTrue(Pattern.compile("(?m)^vhost \\d").matcher(program.output()).find(), program.output());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void metricsNeedPrometheusAndSaySo(boolean modules) {
        String socket = programs.resolve("s").toString();
        try (Program program = start(EnumSet.allOf(Library.class), modules, Main.class,
                "forward", "--quiet", "--socket-path", socket, "--metrics", "0")) {
            String said = onlyLine(program);
            assertTrue(said.startsWith("vhost: metrics need"
                    + " io.prometheus:prometheus-metrics-exporter-httpserver: "), said);
            assertEquals(1, program.exitStatus());
        }
    }

    /** What a program says that has ended. */
    private static String onlyLine(Program program) {
        int _ = program.exitStatus();
        String said = program.await("\n");
        assertEquals(said + "\n", program.output());
        return said;
    }

    private Program start(Set<Library> present, boolean modules, Class<?> program, String... words) {
        String library = Stream.concat(
                        Stream.concat(Stream.of(placeOf(VirtQueue.class).toString()),
                                jars("jctools-core-").stream()),
                        present.stream().flatMap(each -> jars(each.prefix).stream()))
                .collect(Collectors.joining(":"));
        List<String> command =
                new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(modules
                ? List.of("--enable-native-access=io.vhost.core", "-p", library,
                        "--add-modules", "io.vhost.core,ALL-MODULE-PATH", "-cp", programs.toString())
                : List.of("--enable-native-access=ALL-UNNAMED", "-cp", library + ":" + programs));
        command.addAll(modules && program == Main.class
                ? List.of("-m", "io.vhost.core/" + program.getName()) : List.of(program.getName()));
        command.addAll(List.of(words));
        return Program.start(command);
    }

    /** Of what this JVM was started with. */
    private static List<String> jars(String prefix) {
        List<String> jars = Stream.of("jdk.module.path", "java.class.path")
                .flatMap(path -> Stream.of(System.getProperty(path, "").split(":", -1)))
                .filter(file -> file.matches(".*/" + prefix + "[^/]*\\.jar"))
                .toList();
        assertFalse(jars.isEmpty(), prefix);
        return jars;
    }

    private static Path placeOf(Class<?> member) {
        try {
            return Path.of(member.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }
}
