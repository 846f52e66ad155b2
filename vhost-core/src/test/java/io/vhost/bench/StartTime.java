package io.vhost.bench;

import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.peer.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How long it takes from the start of {@code switch} to the first packet that it has moved from one guest to
 * another: as it is (A), and with an AOT cache (B), in turn.
 */
@Command(name = "start", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Compares the start of vhost switch without (A) and with (B) an AOT cache.")
final class StartTime implements Callable<Integer> {
    private static final int LENGTH = 64;
    private static final long AGAIN = 20_000_000;
    /** The program needs the CPUs more than we do. */
    private static final long GLANCE = 200_000;

    @Option(names = "--jar", defaultValue = "target/vhost-core.jar",
            description = "The program, ${DEFAULT-VALUE}.")
    private Path jar;

    @Option(names = "--cache", defaultValue = "target/vhost-core.aot",
            description = "The cache, as vhost-aot makes it, ${DEFAULT-VALUE}.")
    private Path cache;

    @Option(names = "--rounds", defaultValue = "20",
            description = "How often both have their turn, ${DEFAULT-VALUE}.")
    private int rounds;

    @Override
    public Integer call() throws IOException {
        List<Double> without = new ArrayList<>();
        List<Double> with = new ArrayList<>();
        for (int i = 0; i <= rounds; i++) {
            double a = turn(List.of());
            double b = turn(List.of("-XX:AOTCache=" + cache));
            if (i > 0) {   // the first turn warms up the guests, and the page cache
                without.add(a);
                with.add(b);
            }
        }
        show("A, without", without);
        show("B, with AOT cache", with);
        return 0;
    }

    private static void show(String name, List<Double> times) {
        double[] sorted = times.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int count = sorted.length;
        System.out.printf("%-18s first packet after %.3f s, quartiles %.3f and %.3f, least %.3f, %d starts%n",
                name, sorted[count / 2], sorted[count / 4], sorted[count * 3 / 4], sorted[0], count);
    }

    private double turn(List<String> options) throws IOException {
        Path directory = Files.createTempDirectory("start");
        Path a = directory.resolve("a");
        Path b = directory.resolve("b");
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(options);
        command.addAll(List.of("-jar", jar.toString(), "switch", "--quiet", "--socket-path", a + "," + b));
        long begin = System.nanoTime();
        try (Program program = Program.start(command);
                VirtioUser to = connect(b);
                VirtioUser from = connect(a)) {
            exchange(from, to);
            double seconds = (System.nanoTime() - begin) / 1e9;
            program.terminate();
            if (program.exitStatus() != 0) {
                throw new IllegalStateException(program.output());
            }
            return seconds;
        } finally {
            Files.deleteIfExists(directory);
        }
    }

    private static VirtioUser connect(Path socket) {
        while (true) {
            try {
                return VirtioUser.connect(socket, DriverConfig.defaults());
            } catch (IOException _) {
                LockSupport.parkNanos(GLANCE);   // nobody listens yet
            }
        }
    }

    private static void exchange(VirtioUser from, VirtioUser to) throws IOException {
        Packet[] packets = new Packet[1];
        while (true) {
            packets[0] = from.pool().take();
            packets[0].reset(LENGTH);
            Arrays.stream(new int[] {0, 1, 2, 3, 4, 5}).forEach(i -> packets[0].putByte(i, 0xFF));
            from.transmitBurst(0, packets, 0, 1);
            long sent = System.nanoTime();
            while (System.nanoTime() - sent < AGAIN) {
                if (to.receiveBurst(0, packets, 0, 1) == 1) {
                    packets[0].release();
                    return;
                }
                LockSupport.parkNanos(GLANCE);
            }
        }
    }
}
