package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What a peer test needs from the machine. Each {@code require} method returns when the need is met;
 * otherwise it skips the calling test, or fails it where peers are required: {@code CI=true} in the
 * environment or {@code -Dpeers=required}.
 */
public final class Peers {
    private static final Path MEMORY = Path.of("/proc/meminfo");

    private Peers() {}

    /** Needs each of these programs on the search path. */
    public static void require(String... programs) {
        for (String program : programs) {
            if (!installed(program)) {
                missing("program " + program + " is not installed");
            }
        }
    }

    /** Needs this file or directory, which {@code remedy} makes. */
    public static void requireFile(Path file, String remedy) {
        if (!Files.exists(file)) {
            missing(file + " does not exist: " + remedy);
        }
    }

    /** Needs free huge pages of the default size, {@code mebibytes} in total, and a mounted hugetlbfs. */
    public static void requireHugePages(int mebibytes) {
        long free = memory("HugePages_Free") * memory("Hugepagesize") / 1024;
        if (free < mebibytes) {
            missing(free + " MiB of huge pages are free and " + mebibytes + " needed: raise vm.nr_hugepages");
        }
        if (lines(Path.of("/proc/mounts")).noneMatch(mount -> mount.split(" ")[2].equals("hugetlbfs"))) {
            missing("hugetlbfs is not mounted: mount -t hugetlbfs none /dev/hugepages");
        }
    }

    /** Needs a TAP driver that this user may use for new interfaces. */
    public static void requireTap() {
        Path driver = Path.of("/dev/net/tun");
        if (!Files.isWritable(driver) || !"root".equals(System.getProperty("user.name"))) {
            missing(driver + " is not there, or this user may not create network interfaces");
        }
    }

    /** Needs at least this many CPUs. */
    public static void requireCpus(int count) {
        int present = Runtime.getRuntime().availableProcessors();
        if (present < count) {
            missing(present + " CPUs are present, " + count + " are needed");
        }
    }

    /** Whether {@code program} can be started by its name. */
    public static boolean installed(String program) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
    }

    /** Skips or fails the calling test because {@code what} the machine does not offer. */
    public static void missing(String what) {
        if ("true".equals(System.getenv("CI")) || "required".equals(System.getProperty("peers"))) {
            fail("Peer test cannot run: " + what);
        }
        String test = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE).walk(frames -> frames
                .map(StackWalker.StackFrame::getDeclaringClass)
                .filter(type -> type.getSimpleName().endsWith("Test"))
                .findFirst().map(Class::getSimpleName).orElse("a peer test"));
        System.out.println("Skipped " + test + ": " + what);
        abort(what);
    }

    private static long memory(String key) {
        return lines(MEMORY).filter(line -> line.startsWith(key + ":"))
                .mapToLong(line -> Long.parseLong(line.split("\\s+")[1])).findFirst().orElse(0);
    }

    private static Stream<String> lines(Path file) {
        try {
            return Files.readAllLines(file).stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
