package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** The command {@code vhost switch} in a process of its own. One thread. */
public final class SwitchProcess implements AutoCloseable {
    private static final int TICKS_PER_SECOND = 100;
    /** In the line with the rates, which comes once a second. */
    private static final String PROGRESS = " s  port 0 ";

    private final Program program;

    private SwitchProcess(Program program) {
        this.program = program;
    }

    /** Starts it, and waits until it listens. */
    public static SwitchProcess start(String... options) {
        return start(List.of(), options);
    }

    /** The same, started by a command, such as one that takes rights away. */
    public static SwitchProcess start(List<String> launcher, String... options) {
        Program program = launch(launcher, options);
        program.await("listening", Duration.ofMinutes(1));
        return new SwitchProcess(program);
    }

    /**
     * Starts one that cannot run.
     *
     * @param launcher as for {@link #start(List, String...)}, or nothing
     * @param options of the switch
     * @return what it says; its exit status must be 1
     */
    public static String refusal(List<String> launcher, String... options) {
        try (Program program = launch(launcher, options)) {
            assertEquals(1, program.exitStatus(), program::output);
            return program.output();
        }
    }

    private static Program launch(List<String> launcher, String... options) {
        return MainProcess.start(
                launcher, Stream.concat(Stream.of("switch"), Stream.of(options)).toArray(String[]::new));
    }

    /**
     * Share of one CPU that it uses, in percent: its processor time over a window of real time.
     *
     * @param seconds the window's length, in lines that the switch writes, one a second
     */
    public double cpuPercent(int seconds) {
        int written = output().split(PROGRESS, -1).length;
        awaitLines(written);
        long begin = System.nanoTime();
        long before = ticks();
        awaitLines(written + seconds);
        return 100.0 * (ticks() - before) / TICKS_PER_SECOND / ((System.nanoTime() - begin) / 1e9);
    }

    private void awaitLines(int count) {
        while (output().split(PROGRESS, -1).length <= count) {
            program.await(PROGRESS, Duration.ofMinutes(1));
        }
    }

    private long ticks() {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(program.pid()), "stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for text in what it says. */
    public void await(String text) {
        program.await(text);
    }

    /**
     * Its warnings, but for those about a QEMU that was ended before its guest looked at the network card.
     */
    public List<String> warnings() {
        return output().lines()
                .filter(line -> line.startsWith("WARNING"))
                .filter(line -> !line.contains("the front-end went without accepting features"))
                .toList();
    }

    /** Everything that it has said. */
    public String output() {
        return program.output();
    }

    /** SIGKILL. */
    @Override
    public void close() {
        program.close();
    }
}
