package io.vhost.bench;

import io.vhost.bench.PvpPair.Direction;
import io.vhost.bench.PvpResult.Placed;
import io.vhost.peer.Counters;
import io.vhost.peer.Program;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Compares a back-end with DPDK's, both behind DPDK's virtio-user, in short windows that alternate.
 *
 * <p>Single runs mislead where the host moves the CPUs. So both pairs run from the start, all but one
 * stopped; each gets its window in turn, the order reversed every round, and only windows of one round are
 * compared, when the CPUs were equally far from each other before and after both. Restarts differ more than
 * rounds: an instance of both pairs, all of it started anew, is one sample, and the result is the median over
 * instances. Testpmd records bursts and cycles in one more window of each, whose rate does not count.
 */
@Command(name = "pvp", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Compares a vhost-user back-end (B) with DPDK's (A) or another, both behind DPDK's"
                + " virtio-user.")
final class Pvp implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--virtio", paramLabel = "ARGS", arity = "1",
            description = "Device arguments of virtio-user, may be given more than once. "
                    + "Without it: the default path and in_order=0.")
    private List<String> virtio = List.of("", "in_order=0");

    @Option(names = "--size", paramLabel = "BYTES", defaultValue = "64",
            description = "Packet length, ${DEFAULT-VALUE} bytes.")
    private int size;

    @Option(names = "--rounds", defaultValue = "6", description = "Rounds an instance, ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(names = "--instances", paramLabel = "COUNT", defaultValue = "7",
            description = "How often both pairs are started anew, ${DEFAULT-VALUE} times.")
    private int instances;

    @Option(names = "--direction", defaultValue = "LOOP",
            description = "${COMPLETION-CANDIDATES}: which way packets go, ${DEFAULT-VALUE}. SEND needs a "
                    + "back-end that drops, RECEIVE one that sends by itself; DPDK's does.")
    private Direction direction;

    @Option(names = "--controls",
            description = "Compare A with itself and B with itself, too; a cell is reported only where both "
                    + "are within 3 %%.")
    private boolean controls;

    @Option(names = "--csv", paramLabel = "FILE", description = "Write each window as a line of FILE.")
    private Path csvFile;

    private final PvpCsv csv = new PvpCsv();

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
        if (instances < 1 || rounds < 1) {
            throw new ParameterException(spec.commandLine(), "--instances " + instances + " and --rounds "
                    + rounds + " have to be at least 1");
        }
        describe();
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
        String a = reference;
        String b = control ? reference : backEnd;
        System.out.printf("%nvirtio-user \"%s\", %s, %d bytes, windows of %d ms%nA  %s%nB  %s%n",
                arguments, direction, size, window, named(a), named(b));
        Pair cellA = new Pair(a, direction);
        Pair cellB = new Pair(b, drops ? Direction.SEND : direction);
        PvpCell cell = new PvpCell();
        PvpCell controlA = new PvpCell();
        PvpCell controlB = new PvpCell();
        try (CoreDistance distance = new CoreDistance(PvpPair.BACK_END_CPU, PvpPair.FRONT_END_CPU)) {
            for (int instance = 1; instance <= instances; instance++) {
                Sample sample = new Sample(arguments, directory, distance, instance);
                cell.add(instance("cell", cellA, cellB, sample));
                if (controls) {
                    controlA.add(instance("control-a", cellA, cellA, sample));
                    controlB.add(instance("control-b", cellB, cellB, sample));
                }
            }
        }
        System.out.print("\n" + cell.table());
        if (controls) {
            System.out.print("A against itself\n" + controlA.table());
            System.out.print("B against itself\n" + controlB.table());
            System.out.print(cell.objections(controlA, controlB));
        }
    }

    /** One side of a comparison: the command that starts its back-end, null for DPDK's. */
    private record Pair(String command, Direction direction) {}

    /** What the instances of one number have in common. */
    private record Sample(String virtio, Path directory, CoreDistance distance, int instance) {}

    private PvpResult instance(String comparison, Pair sideA, Pair sideB, Sample sample) throws IOException {
        PvpResult result = new PvpResult();
        try (PvpPair a = pair(sideA, sample.directory.resolve("a"), sample.virtio)) {
            a.warmUp(Duration.ofMillis(warmUp));
            try (PvpPair b = pair(sideB, sample.directory.resolve("b"), sample.virtio)) {
                b.warmUp(Duration.ofMillis(warmUp));
                for (int round = 0; round < rounds; round++) {
                    boolean forth = (round + sample.instance) % 2 == 0;
                    Placed first = measure(forth ? a : b, sample.distance, false);
                    Placed second = measure(forth ? b : a, sample.distance, false);
                    Placed ofA = forth ? first : second;
                    Placed ofB = forth ? second : first;
                    result.add(ofA, ofB);
                    csv.window(comparison, sample.instance, 'A', sample.virtio, size, ofA);
                    csv.window(comparison, sample.instance, 'B', sample.virtio, size, ofB);
                }
                System.out.printf("%s %d of %d%n%s", comparison, sample.instance, instances, result.table());
                look(comparison, 'A', a, sample);
                look(comparison, 'B', b, sample);
            }
        }
        writeCsv();
        return result;
    }

    private void look(String comparison, char side, PvpPair pair, Sample sample) {
        Placed seen = measure(pair, sample.distance, true);
        csv.window(comparison, sample.instance, side, sample.virtio, size, seen);
        System.out.printf(Locale.ROOT, "%s  limit: %s; front-end %s; back-end %s; %s%n", side,
                seen.window().robbed() ? "unknown, a side lacked its CPU" : seen.window().bottleneck(),
                seen.window().front().text(), seen.window().back().text(), dropped(pair.total()));
    }

    // After each instance: what was measured is not lost when a later one fails.
    private void writeCsv() throws IOException {
        if (csvFile != null) {
            Files.writeString(csvFile, csv.toString());
        }
    }

    private void describe() throws IOException {
        csv.comment("date", Instant.now().toString());
        csv.comment("machine", processor() + ", " + Runtime.getRuntime().availableProcessors() + " CPUs, "
                + System.getProperty("os.name") + " " + System.getProperty("os.version"));
        csv.comment("JDK", System.getProperty("java.vm.name") + " " + Runtime.version());
        csv.comment("DPDK", dpdkVersion());
        csv.comment("A", named(reference));
        csv.comment("B", named(control ? reference : backEnd));
        csv.comment("direction", direction + (drops ? ", B only sends" : ""));
        csv.columns();
        System.out.print(csv.toString().replace(PvpCsv.COLUMNS, ""));
    }

    private static String processor() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst().orElse("unknown processor");
        }
    }

    private static String dpdkVersion() {
        try (Program asked = Program.start(List.of("pkg-config", "--modversion", "libdpdk"))) {
            return asked.exitStatus() == 0 ? asked.output().strip() : "unknown";
        } catch (UncheckedIOException e) {
            return "unknown, without pkg-config";
        }
    }

    private static String named(String command) {
        return command == null ? "DPDK's back-end" : command;
    }

    private PvpPair pair(Pair side, Path socket, String arguments) throws IOException {
        if (side.command == null) {
            return PvpPair.dpdk(socket, arguments, size, side.direction);
        }
        String complete = side.command
                .replace("{java}", Path.of(System.getProperty("java.home"), "bin", "java").toString())
                .replace("{socket}", socket.toString())
                .replace("{cpu}", Integer.toString(PvpPair.BACK_END_CPU));
        return PvpPair.of(Arrays.asList(complete.split(" ")), socket, arguments, size, side.direction);
    }

    private Placed measure(PvpPair pair, CoreDistance distance, boolean recorded) {
        CoreDistance.Mode before = CoreDistance.mode(distance.roundTrip());
        PvpPair.Window seen = pair.measure(Duration.ofMillis(window), recorded);
        return new Placed(seen, before, CoreDistance.mode(distance.roundTrip()));
    }

    private static String dropped(Counters counters) {
        return "sent " + counters.value("TX-packets") + ", dropped " + counters.value("TX-dropped");
    }
}
