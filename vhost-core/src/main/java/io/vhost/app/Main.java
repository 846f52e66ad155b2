package io.vhost.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The program {@code vhost}. Thread: the main thread.
 *
 * <p>Names no class of the libraries that only the command line needs: a JVM that lacks them could not even
 * load this one, and would say so with a stack trace.
 */
public final class Main {
    private static final Map<String, String> ARTIFACTS = Map.of(
            "picocli.CommandLine", "info.picocli:picocli",
            "org.jline.terminal.Terminal", "org.jline:jline-terminal",
            "com.fasterxml.jackson.core.JsonFactory", "com.fasterxml.jackson.core:jackson-core");

    private Main() {}

    /**
     * Runs a command and exits with its status; with 1 and a line on standard error where libraries are
     * missing.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        List<String> missing = missing();
        if (!missing.isEmpty()) {
            System.err.println("vhost: the command line needs " + String.join(", ", missing)
                    + ": run the jar with classifier app, which has everything, or add what is missing"
                    + " (on a module path with --add-modules ALL-MODULE-PATH)");
            System.exit(1);
        }
        VhostCommand.runAndExit(args);
    }

    private static List<String> missing() {
        List<String> missing = new ArrayList<>();
        new TreeMap<>(ARTIFACTS).forEach((name, artifact) -> {
            try {
                Class.forName(name, false, Main.class.getClassLoader());
            } catch (ClassNotFoundException _) {
                missing.add(artifact);
            }
        });
        return missing;
    }
}
