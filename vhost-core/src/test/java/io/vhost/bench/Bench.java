package io.vhost.bench;

import java.io.IOException;
import java.util.Arrays;
import picocli.CommandLine;

/** The benchmarks' entry: {@code pvp} with its options, or {@code jmh} with those of JMH. */
final class Bench {
    private Bench() {}

    static void main(String[] args) throws IOException {
        String kind = args.length == 0 ? "" : args[0];
        String[] rest = args.length == 0 ? args : Arrays.copyOfRange(args, 1, args.length);
        switch (kind) {
            case "jmh" -> org.openjdk.jmh.Main.main(rest);
            case "pvp" -> System.exit(new CommandLine(new Pvp()).execute(rest));
            default -> {
                System.err.println("Say -Dbench=\"jmh REGEX\" or -Dbench=pvp; \"pvp --help\" tells more.");
                System.exit(2);
            }
        }
    }
}
