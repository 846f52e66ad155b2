package io.vhost.bpf;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/** Programs and kernel features that tests compare with: present, or the test says what it skipped. */
public final class Peers {
    private Peers() {
    }

    /** Skips the calling test with a line on standard output; on a CI machine nothing may be skipped. */
    public static void absent(String why) {
        System.out.println("skipped: " + why);
        if ("true".equals(System.getenv("CI"))) {
            Assertions.fail("CI must not skip: " + why);
        }
        Assumptions.abort(why);
    }

    /** Requires an executable on the path. */
    public static void program(String name) {
        String path = System.getenv("PATH") + File.pathSeparator + "/usr/sbin";
        boolean found = Arrays.stream(path.split(File.pathSeparator))
                .anyMatch(folder -> Path.of(folder, name).toFile().canExecute());
        if (!found) {
            absent(name + " is not installed");
        }
    }

    /** Runs a program to its end and returns what it printed; fails the test if its exit status is not 0. */
    public static String run(List<String> command) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().merge("PATH", "/usr/sbin", (old, added) -> old + File.pathSeparator + added);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        Assertions.assertEquals(0, process.waitFor(), () -> String.join(" ", command) + ":\n" + output);
        return output;
    }
}
