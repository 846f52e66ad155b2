package io.vhost.bpf.load;

import com.sun.management.ThreadMXBean;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.BpfProgram;
import io.vhost.bpf.Clang;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.run.Burst;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.PacketBuffer;
import io.vhost.bpf.run.Program;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What a program costs here and in the kernel: the same object, the same packet over and over
 * (BPF_PROG_TEST_RUN with repeat, and a burst), in turn; medians of rounds.
 */
@Command(name = "bpf", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Compares what XDP programs cost in the kernel (its JIT, BPF_PROG_TEST_RUN with"
                + " repeat) and here, in nanoseconds a run. Cold start: reading and compiling, and how"
                + " long it takes from then to nine tenths of the final speed. Needs root and clang.")
public final class ProgramRates implements Callable<Integer> {
    private static final int XDP = 6;
    // Short against a time slice, so that other work on the machine is not in the median.
    private static final int REPEAT = 20_480;
    private static final int BURST = 64;
    private static final int WINDOW = 1 << 14;
    private static final HexFormat HEX = HexFormat.of();
    private static final String UDP = "020202020202040404040404080045000032000000004011000001020304"
            + "0a00006403e80035001e0000" + "00".repeat(22);
    private static final String TCP = UDP.replaceFirst("4011", "4006").replace("03e80035", "03e80050");

    @Option(names = "--rounds", defaultValue = "501", description = "Rounds, ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(names = "--only", split = ",", defaultValue = "filter,flowcount,ipip,balancer",
            description = "Which programs, ${DEFAULT-VALUE}.")
    private List<String> only;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private long sink;

    /** Made by the command line. */
    public ProgramRates() {
    }

    /** The same packet again, as the kernel does. */
    private final class Same implements Burst {
        @Override
        public void load(Cpu cpu, int element) {
        }

        @Override
        public void done(Cpu cpu, int element, long result) {
            sink += result;
        }
    }

    @Override
    public Integer call() throws Exception {
        Path folder = Files.createTempDirectory("bpf");
        try {
            System.out.println("program      instructions  kernel ns   here ns   ratio  bytes  load ms"
                    + "  warm ms");
            for (String name : only) {
                measure(folder, name);
            }
            if (only.contains("filter")) {
                compareWithDpdk(folder);
            }
        } finally {
            try (var files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
        return 0;
    }

    /** Its filter may take it for granted that 128 bytes are there: it has eight instructions fewer. */
    private void compareWithDpdk(Path folder) throws Exception {
        String[] result = DpdkRate.filter(folder, UDP, rounds, REPEAT);
        System.out.println(result.length < 2 ? "no headers of DPDK, pkg-config or cc: rte_bpf left out"
                : "filter in DPDK's rte_bpf, without checks of the packet's end: " + result[1] + " ns");
    }

    private static byte[] packet(String name) {
        return HEX.parseHex(name.equals("balancer") ? TCP : UDP);
    }

    private void measure(Path folder, String name) throws Exception {
        Path file = Clang.program(folder, name, "-mcpu=v3", "-DREPEATABLE");
        long start = System.nanoTime();
        BpfObject object = BpfObject.read(file);
        LoadedObject loaded = LoadedObject.load(object, new MapFactory(1, 1L << 30));
        double load = (System.nanoTime() - start) / 1e6;
        RealProgramsTest.fill(name, (map, key, value) -> loaded.map(map).update(Ours.segment(key), 0,
                Ours.segment(value), 0, 0, 0));
        Program program = loaded.program(name);
        Cpu cpu = new Cpu(0);
        new PacketBuffer(cpu, ContextLayout.XDP).set(packet(name), 1, 0);
        Same same = new Same();
        double[] own = new double[rounds];
        double[] kernels = new double[rounds];
        double[] early = new double[4096];
        for (int i = 0; i < early.length; i++) {
            early[i] = window(program, cpu, same, WINDOW);
        }
        long allocated = 0;
        BpfProgram first = object.programs().getFirst();
        try (KernelRun kernel = new KernelRun()) {
            kernel.maps(object);
            RealProgramsTest.fill(name, kernel::update);
            int descriptor = kernel.load(object, first, XDP, object.link(first).instructions());
            kernel.run(descriptor, packet(name), REPEAT);
            for (int i = 0; i < rounds; i++) {
                kernels[i] = kernel.run(descriptor, packet(name), REPEAT).nanoseconds();
                long before = threads.getCurrentThreadAllocatedBytes();
                own[i] = window(program, cpu, same, REPEAT);
                allocated += threads.getCurrentThreadAllocatedBytes() - before;
            }
        }
        print(name, object.link(first).instructions().length, kernels, own,
                allocated / (double) rounds / REPEAT, load, early);
    }

    private static void print(String name, int instructions, double[] kernels, double[] own, double bytes,
            double load, double[] early) {
        Arrays.sort(kernels);
        Arrays.sort(own);
        double kernel = kernels[kernels.length / 2];
        double here = own[own.length / 2];
        double warm = 0;
        for (int i = 0; i < early.length && early[i] > here / 0.9; i++) {
            warm += early[i] * WINDOW / 1e6;
        }
        System.out.printf("%-12s %12d %10.1f %9.1f %7.2f %6.3f %8.1f %8.1f%n", name, instructions, kernel,
                here, here / kernel, bytes, load, warm);
    }

    /** Nanoseconds a run. */
    private static double window(Program program, Cpu cpu, Burst burst, int runs) {
        long start = System.nanoTime();
        for (int i = 0; i < runs; i += BURST) {
            program.runBurst(cpu, burst, 0, BURST);
        }
        return (System.nanoTime() - start) / (double) runs;
    }

    /** Keeps what programs answer from being left out. */
    @Override
    public String toString() {
        return Long.toString(sink);
    }
}
