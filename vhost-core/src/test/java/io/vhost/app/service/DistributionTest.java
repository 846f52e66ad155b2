package io.vhost.app.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.CommandRun;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Peers;
import io.vhost.peer.Program;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What comes beside the jar: launcher, units, completion, man pages. */
@Tag("peer")
@Timeout(120)
class DistributionTest {
    private static final Path FILES = Path.of("src", "main", "dist");
    private static final Path LAUNCHER = FILES.resolve("vhost").toAbsolutePath();

    @TempDir
    private Path directory;

    private static void assertSilent(Program program) {
        assertEquals(0, program.exitStatus(), program::output);
        assertEquals("", program.output());
    }

    /** As it is installed, but for the place of the program. */
    @Test
    void systemdAcceptsTheUnits() throws IOException {
        Peers.require("systemd-analyze");
        try (Stream<Path> units = Files.list(FILES)) {
            for (Path unit : units.filter(file -> file.toString().contains("@.")).toList()) {
                String text = Files.readString(unit);
                Files.writeString(directory.resolve(unit.getFileName().toString().replace("@", "@vm0")),
                        text.replace("/usr/bin/vhost", LAUNCHER.toString()));
            }
        }
        try (Program verify = Program.start(List.of("systemd-analyze", "verify", "--man=no",
                directory.resolve("vhost-switch@vm0.service").toString(),
                directory.resolve("vhost-switch@vm0.socket").toString()))) {
            assertSilent(verify);
        }
    }

    /** The options in the unit are those that the program has. */
    @Test
    void theProgramUnderstandsTheUnitsCommand() throws IOException {
        String unit = Files.readString(FILES.resolve("vhost-switch@.service"));
        String command = unit.lines().filter(line -> line.startsWith("ExecStart=/usr/bin/vhost "))
                .map(line -> line.substring("ExecStart=/usr/bin/vhost ".length())).findFirst().orElseThrow();
        Path config = Files.writeString(directory.resolve("vm0.json"),
                "{\"socket-path\": \"" + directory.resolve("s") + "\", \"seconds\": 1}");
        CommandRun run = CommandRun.of(command.replace("/etc/vhost/%i.json", config.toString()).split(" "));
        assertEquals(0, run.status(), run::toString);
    }

    /** As the program in one file is, but for its size. */
    private Path jar() throws IOException {
        Path jar = directory.resolve("vhost.jar");
        Path library = directory.resolve("library.jar");   // a cache takes no classes of directories
        assertEquals(0, ToolProvider.findFirst("jar").orElseThrow().run(System.out, System.err,
                "--create", "--no-manifest", "--file", library.toString(), "-C", "target/classes", "."));
        Manifest manifest = new Manifest();
        Attributes main = manifest.getMainAttributes();
        main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
        main.put(Attributes.Name.MAIN_CLASS, "io.vhost.app.Main");
        List<String> names = new ArrayList<>(List.of(library.getFileName().toString()));
        for (String part : MainProcess.classPath().split(":")) {
            if (part.endsWith(".jar")) {
                names.add(Path.of(part).getFileName().toString());
                Files.copy(Path.of(part), directory.resolve(names.getLast()));
            }
        }
        main.put(Attributes.Name.CLASS_PATH, String.join(" ", names));
        main.putValue("Enable-Native-Access", "ALL-UNNAMED");
        try (OutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest)) {
            out.flush();
        }
        return jar;
    }

    @Test
    void theLauncherIsTheProgramItself() throws IOException {
        Path jar = jar();
        String home = "JAVA_HOME=" + System.getProperty("java.home");
        Path link = Files.createSymbolicLink(directory.resolve("v"), LAUNCHER);
        String socket = directory.resolve("s 1").toString();
        try (Program program = Program.start(List.of("env", home, "VHOST_JAR=" + jar,
                "VHOST_JAVA_OPTS=-Xmx64m -Dx=y", link.toString(), "switch", "--socket-path", socket))) {
            program.await("port 0: " + socket + "\n");
            program.terminate();
            assertEquals(0, program.exitStatus());
        }
        try (Program program = Program.start(
                List.of("env", home, "VHOST_JAR=" + directory.resolve("no"), LAUNCHER.toString()))) {
            assertEquals(1, program.exitStatus());
            program.await("vhost: " + directory.resolve("no") + " is not there: ");
        }
    }

    @Test
    void aCacheIsUsedAndOneThatDoesNotFitPassedOver() throws IOException {
        Path jar = jar();
        List<String> environment = List.of("env", "JAVA_HOME=" + System.getProperty("java.home"),
                "VHOST_JAR=" + jar);
        List<String> make = new ArrayList<>(environment);
        make.add(FILES.resolve("vhost-aot").toAbsolutePath().toString());
        try (Program program = Program.start(make)) {
            assertEquals(0, program.exitStatus(), program::output);
        }
        assertTrue(Files.size(directory.resolve("vhost.aot")) > 1_000_000);
        List<String> start = new ArrayList<>(environment);
        start.addAll(List.of("VHOST_JAVA_OPTS=-Xlog:class+load", LAUNCHER.toString(), "--version"));
        try (Program program = Program.start(start)) {
            assertEquals(0, program.exitStatus(), program::output);
            assertTrue(program.output().contains("io.vhost.app.VhostCommand source: shared objects file"),
                    program.output());
        }
        Files.writeString(directory.resolve("vhost.aot"), "nothing");
        start.remove("VHOST_JAVA_OPTS=-Xlog:class+load");
        try (Program program = Program.start(start)) {
            assertEquals(0, program.exitStatus(), program::output);
            assertTrue(program.output().startsWith("vhost "), program.output());
        }
    }

    /** Completions of bash for words, the last of which is being typed. */
    private String completions(String... words) throws IOException {
        CommandRun run = CommandRun.of("generate-completion");
        assertEquals(0, run.status(), run::toString);
        Path script = Files.writeString(directory.resolve("completion"), run.out());
        String line = Stream.of(words).map(word -> "'" + word + "'").collect(Collectors.joining(" "));
        try (Program bash = Program.start(List.of("bash", "--norc", "-c", "source " + script
                + "; COMP_WORDS=(vhost " + line + "); COMP_CWORD=" + words.length
                + "; _complete_vhost 2> /dev/null; printf '%s\\n' \"${COMPREPLY[@]}\""))) {
            assertEquals(0, bash.exitStatus(), bash::output);
            return bash.output();
        }
    }

    @Test
    void bashCompletesCommandsAndOptions() throws IOException {
        Peers.require("bash");
        assertEquals("switch\n", completions("sw"));
        String options = completions("switch", "--");
        assertTrue(options.contains("--socket-path\n") && options.contains("--metrics\n"), options);
        assertEquals("--config\n", completions("forward", "--conf"));
        assertEquals("verify\n", completions("bpf", "v"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "demo", "forward", "switch", "top", "bpf", "bpf run", "bpf verify"})
    void manShowsAPageOfEachCommand(String command) throws IOException {
        Peers.require("man");
        CommandRun run = CommandRun.of(("man " + command).strip().split(" "));
        assertEquals(0, run.status(), run::toString);
        String name = ("vhost " + command).strip().replace(' ', '-');
        Path page = Files.writeString(directory.resolve(name + ".1"), run.out());
        try (Program man = Program.start(List.of("env", "MANWIDTH=100", "LC_ALL=C.UTF-8", "man", "--warnings",
                "-P", "cat", "-l", page.toString()))) {
            assertEquals(0, man.exitStatus(), man::output);
            String shown = man.output().replaceAll("\u001b\\[[0-9;]*m|.\b", "");
            assertFalseWarning(shown);
            assertTrue(shown.replaceAll(" +", " ").contains("NAME\n " + name + " - "), shown);
            assertTrue(shown.contains("OPTIONS\n") && shown.contains("--help"), shown);
        }
    }

    private static void assertFalseWarning(String shown) {
        assertTrue(!shown.contains("warning:") && !shown.contains("@|"), shown);
    }
}
