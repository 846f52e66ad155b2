package io.vhost.bench;

import io.vhost.bench.PvpResult.Placed;
import io.vhost.peer.Counters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Compares a back-end with DPDK's, both behind DPDK's virtio-user, in short windows that alternate.
 *
 * <p>Single runs mislead where the host moves the CPUs. So both pairs run from the start, all but one
 * stopped; each gets its window in turn, the order reversed every round, and only windows of one round are
 * compared, when the CPUs were equally far from each other before and after both.
 */
@Command(name = "pvp", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Compares a vhost-user back-end (B) with DPDK's (A) or another, both behind DPDK's"
                + " virtio-user.")
final class Pvp implements Callable<Integer> {
    @Option(names = "--virtio", paramLabel = "ARGS", arity = "1",
            description = "Device arguments of virtio-user, may be given more than once. "
                    + "Without it: the default path and in_order=0.")
    private List<String> virtio = List.of("", "in_order=0");

    @Option(names = "--size", paramLabel = "BYTES", defaultValue = "64",
            description = "Packet length, ${DEFAULT-VALUE} bytes.")
    private int size;

    @Option(names = "--rounds", defaultValue = "40", description = "Rounds, ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(names = "--window", paramLabel = "MS", defaultValue = "100",
            description = "Window, ${DEFAULT-VALUE} ms.")
    private int window;

    @Option(names = "--warm-up", paramLabel = "MS", defaultValue = "3000",
            description = "What each pair runs before the first round, ${DEFAULT-VALUE} ms.")
    private int warmUp;

    @Option(names = "--back-end", paramLabel = "COMMAND",
            defaultValue = "{java} -jar target/vhost-core.jar forward --socket-path {socket} --cpu {cpu}",
            description = "The back-end to compare, ${DEFAULT-VALUE}")
    private String backEnd;

    @Option(names = "--reference", paramLabel = "COMMAND",
            description = "Compare with this instead of DPDK's back-end: an earlier build, for instance.")
    private String reference;

    @Option(names = "--drops",
            description = "B drops what it gets: its front-end only sends, and what it could send counts.")
    private boolean drops;

    @Option(names = "--control", description = "Compare the reference with itself: the ratio should be 1.")
    private boolean control;

    @Override
    public Integer call() throws IOException {
        Path directory = Files.createTempDirectory("pvp");
        try {
            for (String arguments : virtio) {
                compare(arguments, directory);
            }
        } finally {
            Files.deleteIfExists(directory.resolve("a"));
            Files.deleteIfExists(directory.resolve("b"));
            Files.delete(directory);
        }
        return 0;
    }

    private void compare(String arguments, Path directory) throws IOException {
        System.out.printf("%nvirtio-user \"%s\", %d bytes, windows of %d ms%nA  %s%nB  %s%n",
                arguments, size, window, named(reference), named(control ? reference : backEnd));
        try (CoreDistance distance = new CoreDistance(PvpPair.BACK_END_CPU, PvpPair.FRONT_END_CPU);
                PvpPair a = pair(reference, directory.resolve("a"), arguments, false)) {
            a.warmUp(Duration.ofMillis(warmUp));
            try (PvpPair b = pair(control ? reference : backEnd, directory.resolve("b"), arguments, drops)) {
                b.warmUp(Duration.ofMillis(warmUp));
                PvpResult result = new PvpResult();
                for (int round = 0; round < rounds; round++) {
                    if (round % 2 == 0) {
                        Placed first = measure(a, distance);
                        result.add(first, measure(b, distance));
                    } else {
                        Placed first = measure(b, distance);
                        result.add(measure(a, distance), first);
                    }
                }
                System.out.print(result.table());
                System.out.println("A  front-end " + dropped(a.total()));
                System.out.println("B  front-end " + dropped(b.total()));
            }
        }
    }

    private static String named(String command) {
        return command == null ? "DPDK's back-end" : command;
    }

    /** The back-end that a command starts; null: DPDK's. */
    private PvpPair pair(String command, Path socket, String arguments, boolean onlySends)
            throws IOException {
        if (command == null) {
            return PvpPair.dpdk(socket, arguments, size);
        }
        String complete = command
                .replace("{java}", Path.of(System.getProperty("java.home"), "bin", "java").toString())
                .replace("{socket}", socket.toString())
                .replace("{cpu}", Integer.toString(PvpPair.BACK_END_CPU));
        return PvpPair.of(Arrays.asList(complete.split(" ")), socket, arguments, size, onlySends);
    }

    private Placed measure(PvpPair pair, CoreDistance distance) {
        CoreDistance.Mode before = CoreDistance.mode(distance.roundTrip());
        PvpPair.Window seen = pair.measure(Duration.ofMillis(window));
        return new Placed(seen, before, CoreDistance.mode(distance.roundTrip()));
    }

    private static String dropped(Counters counters) {
        return "sent " + counters.value("TX-packets") + ", dropped " + counters.value("TX-dropped");
    }
}
