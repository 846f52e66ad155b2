package io.vhost.os;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What the system grants this process, from {@code /proc}. Where that is missing, what Linux grants unless
 * told otherwise.
 *
 * <p>Thread: any.
 */
public final class SystemLimits {
    private static final long USUAL_FILES = 1024;
    private static final long USUAL_MAPPINGS = 65530;
    private static final long NO_LIMIT = 1 << 20;
    private static final long KIB = 1024;

    private SystemLimits() {}

    /** {@return how many files may be open at once: the soft limit, as it is now} */
    public static long openFiles() {
        return number(Path.of("/proc/self/limits"), "Max open files", USUAL_FILES);
    }

    /** {@return how many mappings a process may have ({@code vm.max_map_count})} */
    public static long mappings() {
        return number(Path.of("/proc/sys/vm/max_map_count"), "", USUAL_MAPPINGS);
    }

    /** {@return bytes of physical memory; 0 if unknown} */
    public static long memory() {
        return number(Path.of("/proc/meminfo"), "MemTotal:", 0) * KIB;
    }

    /** The first number behind a key that begins a line. */
    private static long number(Path file, String key, long otherwise) {
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (IOException e) {
            return otherwise;
        }
        for (String line : lines) {
            if (line.startsWith(key)) {
                return number(line.substring(key.length()).strip().split("\\s+")[0], otherwise);
            }
        }
        return otherwise;
    }

    private static long number(String word, long otherwise) {
        try {
            return word.equals("unlimited") ? NO_LIMIT : Long.parseLong(word);
        } catch (NumberFormatException e) {
            return otherwise;
        }
    }
}
