package io.vhost.bench;

import io.vhost.capture.Capture;
import io.vhost.capture.CaptureOptions;
import io.vhost.capture.QueueCapture;
import io.vhost.device.PacketPorts;
import io.vhost.device.ProgramChain;
import io.vhost.device.VirtQueue;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What a capture costs the thread that moves packets, in nanoseconds of that thread's CPU time a packet from
 * the guest and back: without a place for programs, with one where nothing is, and with every packet
 * recorded. Windows alternate, in the reverse order every other round, and only those of one round are
 * compared; CPU time is blind to other work of the machine, but for caches and memory.
 */
@Command(name = "capture", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Compares forwarding without a place for captures, with one that is off, and on.")
final class CaptureCost implements Callable<Integer> {
    private static final int BURST = 32;
    private static final double QUARTER = 0.25;

    /** What there is between guest and application. */
    private enum Kind { NO_PLACE, OFF, ON, ON_32_BYTES }

    @Option(names = "--size", defaultValue = "64", description = "Bytes of a packet, ${DEFAULT-VALUE}.")
    private int size;

    @Option(names = "--rounds", defaultValue = "60", description = "Rounds, ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(names = "--bursts", defaultValue = "20000", description = "Bursts a window, ${DEFAULT-VALUE}.")
    private int bursts;

    @Option(names = "--file", defaultValue = "/dev/null", description = "Where to, ${DEFAULT-VALUE}.")
    private Path file;

    private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    private final Packet[] packets = new Packet[BURST];
    private final Map<Kind, List<Double>> nanos = new EnumMap<>(Kind.class);
    private SyntheticGuest guest;
    private PacketPool pool;

    CaptureCost() {}

    @Override
    public Integer call() throws IOException, ControlException {
        try (SyntheticGuest made = new SyntheticGuest(size);
                PacketPool packetPool = PacketPool.create(2 * BURST, 2048 + PacketPool.DEFAULT_HEADROOM);
                Capture whole = Capture.start(file, CaptureOptions.defaults());
                Capture heads = Capture.start(Path.of("/dev/null"),
                        CaptureOptions.defaults().snapLength(32))) {
            guest = made;
            pool = packetPool;
            Map<Kind, ProgramChain> chains = new EnumMap<>(Kind.class);
            for (Kind kind : Kind.values()) {
                chains.put(kind, ProgramChain.fromGuest("guest", 1, PacketPorts.NONE));
                nanos.put(kind, new ArrayList<>());
            }
            whole.add(chains.get(Kind.ON));
            heads.add(chains.get(Kind.ON_32_BYTES));
            chains.put(Kind.NO_PLACE, null);
            for (int round = -5; round < rounds; round++) {
                for (int i = 0; i < Kind.values().length; i++) {
                    Kind kind = Kind.values()[round % 2 == 0 ? i : Kind.values().length - 1 - i];
                    guest.queue(1).programs(chains.get(kind));
                    double each = window();
                    if (round >= 0) {
                        nanos.get(kind).add(each);
                    }
                }
            }
            report(List.of(whole, heads));
        }
        return 0;
    }

    private double window() {
        VirtQueue toGuest = guest.queue(0);
        VirtQueue fromGuest = guest.queue(1);
        long before = threads.getCurrentThreadCpuTime();
        for (int i = 0; i < bursts; i++) {
            guest.offer(1, BURST);
            guest.offer(0, BURST);
            int count = 0;
            while (count < BURST) {
                count += fromGuest.dequeueBurst(pool, packets, count, BURST - count);
            }
            count = toGuest.enqueueBurst(packets, 0, count);
            pool.release(packets, 0, count);
        }
        return (double) (threads.getCurrentThreadCpuTime() - before) / bursts / BURST;
    }

    private void report(List<Capture> captures) {
        for (Kind kind : Kind.values()) {
            List<Double> ratios = new ArrayList<>();
            for (int i = 0; i < rounds; i++) {
                ratios.add(nanos.get(kind).get(i) / nanos.get(Kind.NO_PLACE).get(i));
            }
            System.out.printf("%-12s %6.1f ns a packet, ratio to no place %.3f, quartiles %.3f to %.3f%n",
                    kind, quantile(nanos.get(kind), 2 * QUARTER), quantile(ratios, 2 * QUARTER),
                    quantile(ratios, QUARTER), quantile(ratios, 3 * QUARTER));
        }
        for (Capture capture : captures) {
            for (QueueCapture queue : capture.counters()) {
                System.out.printf("%s: %d packets, %d dropped from the capture%n",
                        capture.file(), queue.seen(), queue.dropped());
            }
        }
    }

    private static double quantile(List<Double> values, double part) {
        return values.stream().sorted().toList().get((int) (part * (values.size() - 1)));
    }
}
