package io.vhost.peer;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command line in a process of its own, as a user starts it. */
public final class MainProcess {
    private MainProcess() {}

    /** Starts {@code vhost} with these words. */
    public static Program start(String... words) {
        String path = System.getProperty("jdk.module.path", "") + ":" + System.getProperty("java.class.path");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC", "-Xmx128m",
                "--enable-native-access=ALL-UNNAMED", "-cp", path, "io.vhost.app.Main"));
        command.addAll(List.of(words));
        return Program.start(command);
    }
}
