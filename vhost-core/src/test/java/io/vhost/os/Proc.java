package io.vhost.os;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What the kernel says about this process, for tests that look for leaks. */
public final class Proc {
    private Proc() {}

    /** {@return the lines of {@code /proc/self/maps} that name {@code file}} */
    public static List<String> mapsOf(String file) {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains(file)).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return how many descriptors of this process are open on a file whose name contains {@code file}} */
    public static long descriptorsOf(String file) {
        try (Stream<Path> links = Files.list(Path.of("/proc/self/fd"))) {
            return links.filter(link -> target(link).contains(file)).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return bytes of address space in use, mapped or reserved} */
    public static long addressSpace() {
        return number("/proc/self/status", "VmSize:") * 1024;
    }

    /** {@return how many huge pages of the default size, 2 MiB on x86-64, are free} */
    public static long freeHugePages() {
        return number("/proc/meminfo", "HugePages_Free:");
    }

    /** {@return bytes of heap that the calling thread has allocated so far} */
    public static long allocatedBytes() {
        try { // by reflection, since the library itself has no use for the management modules
            Object threads = Class.forName("java.lang.management.ManagementFactory")
                    .getMethod("getThreadMXBean")
                    .invoke(null);
            return (long) Class.forName("com.sun.management.ThreadMXBean")
                    .getMethod("getCurrentThreadAllocatedBytes")
                    .invoke(threads);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }

    private static long number(String file, String key) {
        try (Stream<String> lines = Files.lines(Path.of(file))) {
            return lines.filter(line -> line.startsWith(key))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (NoSuchFileException e) {
            return ""; // closed since it was listed
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
