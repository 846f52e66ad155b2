package io.vhost.peer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;

/** The command {@code vhost switch} in a process of its own. One thread. */
public final class SwitchProcess implements AutoCloseable {
    private static final int TICKS_PER_SECOND = 100;

    private final Program program;

    private SwitchProcess(Program program) {
        this.program = program;
    }

    /** Starts it, and waits until it listens. */
    public static SwitchProcess start(String... options) {
        Program program = MainProcess.start(
                Stream.concat(Stream.of("switch"), Stream.of(options)).toArray(String[]::new));
        program.await("listening", Duration.ofMinutes(1));
        return new SwitchProcess(program);
    }

    /** Share of one CPU that it uses while {@code time} passes, in percent. */
    public double cpuPercent(Duration time) throws InterruptedException {
        long before = ticks();
        Thread.sleep(time);
        return 100.0 * (ticks() - before) / TICKS_PER_SECOND / time.toMillis() * 1000;
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
