package io.vhost.bench;

import io.vhost.peer.LinuxGuest;
import io.vhost.peer.SwitchProcess;
import io.vhost.peer.TestPmd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How long the first ping takes after two guests have been idle: behind DPDK's back-end, which polls always
 * (A), and behind {@code vhost switch}, which sleeps meanwhile (B), in turn.
 */
@Command(name = "ping", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Compares the first ping after a rest: guests behind DPDK's back-end (A) and behind"
                + " vhost switch (B).")
final class FirstPing implements Callable<Integer> {
    @Option(names = "--rounds", defaultValue = "2",
            description = "How often both have their turn, ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(names = "--pings", defaultValue = "21", description = "Pings in a turn, ${DEFAULT-VALUE}.")
    private int pings;

    @Option(names = "--rest", paramLabel = "SECONDS", defaultValue = "2",
            description = "Rest before each ping, ${DEFAULT-VALUE} s.")
    private int rest;

    @Override
    public Integer call() throws IOException {
        for (int round = 0; round < rounds; round++) {
            turn("A, DPDK", true);
            turn("B, vhost switch", false);
        }
        return 0;
    }

    private void turn(String name, boolean dpdk) throws IOException {
        Path directory = Files.createTempDirectory("ping");
        List<Path> sockets = List.of(directory.resolve("a"), directory.resolve("b"));
        try (AutoCloseable _ = dpdk ? testPmd(sockets) : ethernet(sockets);
                LinuxGuest a = LinuxGuest.start(sockets.get(0), 1, "");
                LinuxGuest b = LinuxGuest.start(sockets.get(1), 2, "")) {
            a.awaitBoot();
            b.awaitBoot();
            a.awaitPing(LinuxGuest.address(2));
            double[] times = measure(a);
            System.out.printf(
                    "%-16s first ping after %d s: median %.3f ms, quartiles %.3f and %.3f, %d pings%n",
                    name, rest, times[times.length / 2], times[times.length / 4], times[times.length * 3 / 4],
                    times.length);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        } finally {
            for (Path socket : sockets) {
                Files.deleteIfExists(socket);
            }
            Files.delete(directory);
        }
    }

    private static TestPmd testPmd(List<Path> sockets) {
        TestPmd testPmd = TestPmd.backEnd(sockets.get(0)).secondBackEnd(sockets.get(1)).start();
        testPmd.start();
        return testPmd;
    }

    private static SwitchProcess ethernet(List<Path> sockets) {
        return SwitchProcess.start("--socket-path", sockets.get(0) + "," + sockets.get(1));
    }

    private double[] measure(LinuxGuest guest) {
        String output = guest.run("for i in $(seq " + pings + "); do sleep " + rest + "; ping -c 1 -W 5 "
                + LinuxGuest.address(2) + "; done");
        double[] times = Stream.of(output.split("\\s+")).filter(word -> word.startsWith("time="))
                .mapToDouble(word -> Double.parseDouble(word.substring(5))).sorted().toArray();
        if (times.length < pings) {
            throw new IllegalStateException("only " + times.length + " of " + pings + " pings were answered: "
                    + output);
        }
        return times;
    }
}
