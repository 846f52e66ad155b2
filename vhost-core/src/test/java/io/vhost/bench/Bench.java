package io.vhost.bench;

import io.vhost.bpf.load.ProgramRates;
import java.io.IOException;
import java.util.Arrays;
import picocli.CommandLine;

/**
 * The benchmarks' entry: {@code pvp}, {@code async}, {@code bpf}, {@code capture}, {@code monitor},
 * {@code neighbour}, {@code ping}, {@code soak} or {@code start} with their options, or {@code jmh} with
 * those of JMH.
 */
final class Bench {
    private Bench() {}

    static void main(String[] args) throws IOException {
        String kind = args.length == 0 ? "" : args[0];
        String[] rest = args.length == 0 ? args : Arrays.copyOfRange(args, 1, args.length);
        switch (kind) {
            case "jmh" -> org.openjdk.jmh.Main.main(rest);
            case "bpf" -> System.exit(new CommandLine(new ProgramRates()).execute(rest));
            case "async" -> System.exit(new CommandLine(new AsyncBenchmark()).execute(rest));
            case "capture" -> System.exit(new CommandLine(new CaptureCost()).execute(rest));
            case "monitor" -> System.exit(new CommandLine(new MonitorCost()).execute(rest));
            case "neighbour" -> System.exit(new CommandLine(new NeighbourRate()).execute(rest));
            case "pvp" -> System.exit(new CommandLine(new Pvp()).execute(rest));
            case "ping" -> System.exit(new CommandLine(new FirstPing()).execute(rest));
            case "soak" -> System.exit(new CommandLine(new Soak()).execute(rest));
            case "start" -> System.exit(new CommandLine(new StartTime()).execute(rest));
            default -> {
                System.err.println("Say -Dbench=\"jmh REGEX\", -Dbench=pvp, -Dbench=async, -Dbench=bpf,"
                        + " -Dbench=capture, -Dbench=monitor, -Dbench=neighbour, -Dbench=ping,"
                        + " -Dbench=soak or -Dbench=start;"
                        + " \"pvp --help\" tells more.");
                System.exit(2);
            }
        }
    }
}
