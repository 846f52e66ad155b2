package io.vhost.bpf.load;

import io.vhost.bpf.Clang;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What the filter costs in DPDK's {@code rte_bpf}, its JIT; in a process of its own. */
final class DpdkRate {
    private static final Path SOURCE = Path.of("src", "test", "resources", "peer", "rtebpf.c");

    private DpdkRate() {
    }

    /**
     * The answer and the median of rounds in nanoseconds a run, as the program of DPDK prints them; empty if
     * DPDK's headers, a C compiler or pkg-config are missing.
     */
    static String[] filter(Path folder, String packet, int rounds, int repeat)
            throws IOException, InterruptedException {
        if (!isThere("pkg-config", "--exists", "libdpdk") || !isThere("cc", "--version")) {
            return new String[0];
        }
        Path object = Clang.program(folder, "filter_dpdk", "-mcpu=v2");
        Path program = folder.resolve("rtebpf");
        List<String> command = new ArrayList<>(List.of("cc", "-O2", SOURCE.toString(), "-o",
                program.toString()));
        command.addAll(Arrays.asList(Clang.run("pkg-config", "--cflags", "--libs", "libdpdk").strip()
                .split("\\s+")));
        Clang.run(command.toArray(String[]::new));
        // The library writes a line of its own first.
        return Clang.run(program.toString(), object.toString(), packet, Integer.toString(rounds),
                Integer.toString(repeat)).lines().toList().getLast().split(" ");
    }

    private static boolean isThere(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }
}
