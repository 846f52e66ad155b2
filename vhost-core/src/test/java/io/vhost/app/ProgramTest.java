package io.vhost.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.demo.Exchange;
import io.vhost.driver.DriverConfig;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The program as its own process. */
@Tag("slow")
class ProgramTest {
    private static final String MAIN = "io.vhost.app.Main";

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theDemoRunsOnClassPathAndModulePath(boolean modules) {
        try (Program program = start(modules, "demo", "--packets", "500")) {
            program.await("Every packet arrived, in order and unchanged.\n");
            assertEquals(0, program.exitStatus());
            assertFalse(program.output().matches("(?s).*(INFO|WARNING).*"), program.output());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT", "HUP"})
    void aSignalEndsForwardingCleanly(String signal) throws IOException {
        Path socket = directory.resolve("socket");
        try (Program program = start(true, "forward", "--socket-path", socket.toString())) {
            program.await("port 0: " + socket + "\n");
            try (Exchange exchange =
                    Exchange.loop(socket, DriverConfig.defaults(), 64, 1000, false).start()) {
                exchange.finish();
                Program.signal(signal, program.pid());
                assertEquals(0, program.exitStatus());
            }
            assertFalse(Files.exists(socket));
            String totals = program.await("  " + socket + "\n");
            assertTrue(totals.matches("(?s).*\n0 +1000 +64000 +1000 +64000 +0 +0 +0"), totals);
        }
    }

    @Test
    void aSignalEndsTheDemoCleanly() throws IOException {
        try (Program program = start(false, "demo", "--seconds", "3600")) {
            program.await(" verified");
            Program.signal("TERM", program.pid());
            program.await("\nboth ");
            program.await("Every packet arrived, in order and unchanged.\n");
            assertEquals(0, program.exitStatus());
        }
        try (Stream<Path> files = Files.list(directory)) {
            assertEquals(List.of(), files.toList());
        }
    }

    @Test
    void theExitStatusIsThatOfTheCommand() {
        try (Program bad = start(true, "bogus");
                Program failed = start(true, "forward", "--socket-path", "/missing/socket")) {
            assertEquals(2, bad.exitStatus());
            assertEquals(1, failed.exitStatus());
            assertEquals("", failed.await("vhost: bind(/missing/socket): ENOENT"));
        }
    }

    /** Such as the jar without those beside it: one line, and no wait for a command that never began. */
    @ParameterizedTest
    @ValueSource(strings = {"--help", "top m"})
    void aProgramThatLacksAPartSaysSoAndEnds(String words) throws Exception {
        Path classes = Path.of(Main.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-cp", classes.toString(), MAIN));
        command.addAll(List.of(words.split(" ")));
        try (Program program = Program.start(command)) {
            assertEquals(1, program.exitStatus());
            program.await("vhost: the command line needs ");
            assertEquals(1, program.output().lines().count(), program.output());
        }
    }

    /** One line with the remedy, wherever the first native call is. */
    @ParameterizedTest
    @ValueSource(strings = {"demo --packets 1", "forward --socket-path s", "top s"})
    void aJvmThatRefusesNativeAccessIsToldHowToAllowIt(String words) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--illegal-native-access=deny", "-cp", MainProcess.classPath(), MAIN));
        command.addAll(List.of(words.split(" ")));
        try (Program program = Program.start(command)) {
            assertEquals(1, program.exitStatus());
            assertEquals("vhost: this JVM refuses native access: start it with"
                    + " --enable-native-access=ALL-UNNAMED\n", program.output());
        }
    }

    @Test
    void aSignalEndsTheReadingOfAFileThatNeverComes() throws Exception {
        Path fifo = directory.resolve("fifo");
        try (Program make = Program.start(List.of("mkfifo", fifo.toString()))) {
            assertEquals(0, make.exitStatus());
        }
        try (Program program = start(true, "bpf", "inspect", fifo.toString())) {
            Path wait = Path.of("/proc", Long.toString(program.pid()), "task");
            Await.until("it opens the file", () -> isNamed(wait, "vhost-read"));
            Program.signal("INT", program.pid());
            assertEquals(1, program.exitStatus());
            assertEquals("", program.await(fifo + ": not read to its end: interrupted"));
            assertFalse(program.output().contains("10 s"), program.output());
        }
    }

    /** Whether a process has a thread of this name. */
    private static boolean isNamed(Path threads, String name) {
        try (Stream<Path> all = Files.list(threads)) {
            return all.anyMatch(thread -> {
                try {
                    return Files.readString(thread.resolve("comm")).strip().equals(name);
                } catch (IOException _) {
                    return false;
                }
            });
        } catch (IOException _) {
            return false;
        }
    }

    private Program start(boolean modules, String... words) {
        // A shell has its background jobs ignore Ctrl-C, and so would a JVM that inherits this.
        List<String> command = new ArrayList<>(List.of("env", "--default-signal"));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Djava.io.tmpdir=" + directory);
        command.add("--enable-native-access=" + (modules ? "io.vhost.core" : "ALL-UNNAMED"));
        // The tests themselves run with the library on the module path and their own libraries on
        // the class path.
        String path =
                Stream.of("jdk.module.path", "java.class.path")
                        .map(System::getProperty)
                        .filter(value -> value != null && !value.isEmpty())
                        .collect(Collectors.joining(File.pathSeparator));
        command.addAll(
                modules
                        ? List.of(
                                "-p",
                                System.getProperty("jdk.module.path"),
                                "--add-modules",
                                "ALL-MODULE-PATH",
                                "-m",
                                "io.vhost.core/" + MAIN)
                        : List.of("-cp", path, MAIN));
        command.addAll(List.of(words));
        return Program.start(command);
    }
}
