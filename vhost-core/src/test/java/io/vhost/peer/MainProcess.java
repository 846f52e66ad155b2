package io.vhost.peer;

import io.vhost.app.Main;
import io.vhost.os.OsException;
import io.vhost.os.UnixSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/** The command line in a process of its own, as a user starts it, and other programs of this JVM. */
public final class MainProcess {
    private MainProcess() {}

    /** The lines of its output that tell of something wrong. */
    public static String complaints(String output) {
        return output.lines()
                .filter(line -> line.contains("WARNING") || line.contains("ERROR") || line.contains("SEVERE"))
                .collect(Collectors.joining("\n"));
    }

    /** Options with which a JVM compiles as usual, not at all, and with each of its compilers alone. */
    public static List<List<String>> compilers() {
        return List.of(List.of(), List.of("-Xint"), List.of("-XX:TieredStopAtLevel=1"),
                List.of("-XX:-TieredCompilation"));
    }

    /** Returns when somebody listens on a socket. */
    public static void awaitListening(Path socket) {
        while (true) {
            try {
                UnixSocket.connect(socket).close();
                return;
            } catch (OsException _) {
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    /** Starts {@code vhost} with these words. */
    public static Program start(String... words) {
        return start(List.of(), words);
    }

    /** The same, started by a command, such as one that takes rights away. */
    public static Program start(List<String> launcher, String... words) {
        return start(launcher, List.of("-XX:+UseSerialGC", "-Xmx128m"), Main.class, words);
    }

    /** The same, with options of the JVM. */
    public static Program start(List<String> launcher, List<String> options, String... words) {
        return start(launcher, options, Main.class, words);
    }

    /** A program of a test's own, with options of the JVM. */
    public static Program start(List<String> options, Class<?> program, String... words) {
        return start(List.of(), options, program, words);
    }

    /** A program of a test's own, started by a command. */
    public static Program startBy(List<String> launcher, Class<?> program, String... words) {
        return start(launcher, List.of("-XX:+UseSerialGC", "-Xmx128m"), program, words);
    }

    private static Program start(
            List<String> launcher, List<String> options, Class<?> program, String... words) {
        List<String> command = new ArrayList<>(launcher);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-cp", classPath(), program.getName()));
        command.addAll(List.of(words));
        return Program.start(command);
    }

    /** Where this JVM has the library, its tests, and what they need. */
    public static String classPath() {
        return System.getProperty("jdk.module.path", "") + ":" + System.getProperty("java.class.path");
    }
}
