package io.vhost.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What the kernel's scheduler gave to one thread so far.
 *
 * @param cpuNanos time on a CPU, in nanoseconds
 * @param delayNanos time spent runnable but waiting for a CPU, in nanoseconds
 */
record SchedStat(long cpuNanos, long delayNanos) {
    private static final SchedStat NONE = new SchedStat(0, 0);

    /** All threads of a process, by thread id. */
    static Map<String, SchedStat> ofProcess(long pid) {
        Map<String, SchedStat> threads = new HashMap<>();
        try (Stream<Path> tasks = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
            for (Path task : (Iterable<Path>) tasks::iterator) {
                threads.put(task.getFileName().toString(), ofTask(task));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return threads;
    }

    /** How long the thread that ran most between two looks at a process had to wait, in nanoseconds. */
    static long delayOfBusiest(Map<String, SchedStat> before, Map<String, SchedStat> after) {
        long mostCpu = -1;
        long delay = 0;
        for (var thread : after.entrySet()) {
            SchedStat earlier = before.getOrDefault(thread.getKey(), NONE);
            long cpu = thread.getValue().cpuNanos - earlier.cpuNanos;
            if (cpu > mostCpu) {
                mostCpu = cpu;
                delay = thread.getValue().delayNanos - earlier.delayNanos;
            }
        }
        return delay;
    }

    private static SchedStat ofTask(Path task) throws IOException {
        try {
            String[] fields = Files.readString(task.resolve("schedstat")).split(" ");
            return new SchedStat(Long.parseLong(fields[0]), Long.parseLong(fields[1]));
        } catch (NoSuchFileException e) {
            return NONE;   // the thread ended meanwhile
        }
    }
}
