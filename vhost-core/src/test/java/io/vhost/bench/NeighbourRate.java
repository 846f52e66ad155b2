package io.vhost.bench;

import io.vhost.bpf.Clang;
import io.vhost.device.PacketPorts;
import io.vhost.device.PacketProgram;
import io.vhost.device.ProgramChain;
import io.vhost.device.VirtQueue;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.program.ProgramObject;
import io.vhost.program.ProgramOptions;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What is left to a guest on whose polling thread another one keeps its rings full of chains that are as much
 * work as they can be. One thread moves a burst of each in turn, as {@code forward} does, and only its
 * processor time in bursts counts: nothing here depends on how fast guests are. The thread that moves short
 * packets only is fast beyond what guests can use, so compare attacks with an honest guest of long packets.
 */
@Command(name = "neighbour", description = "Rate of a guest beside one whose chains are a lot of work")
final class NeighbourRate implements Callable<Integer> {
    private static final int BURST = 32;
    private static final int LARGEST = 9216;
    private static final int FRAME = 1514;
    private static final int[] HONEST = {64, 1514, 9000};

    @Option(names = "--millis", defaultValue = "500", description = "of each measurement: ${DEFAULT-VALUE}")
    private int millis;

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    @Option(names = "--turns", defaultValue = "3", description = "of all measurements: ${DEFAULT-VALUE}")
    private int turns;

    @Option(names = "--size", defaultValue = "64", description = "of the guest's packets: ${DEFAULT-VALUE}")
    private int size;

    /** The other guest: its name, and what {@link HostileGuest} is given. */
    private record Attack(String name, int queue, int ringSize, int bytes, int empty, boolean mergeable) {
        HostileGuest start() throws ControlException {
            return new HostileGuest(queue, ringSize, bytes, empty, mergeable);
        }
    }

    private static final List<Attack> ATTACKS = List.of(
            new Attack("sends 9,200 buffers of a byte", 1, 32_768, 9_200, 0, true),
            new Attack("sends 32,768 buffers of a byte", 1, 32_768, 32_768, 0, true),
            new Attack("sends 32,700 empty descriptors", 1, 32_768, 13, 32_700, true),
            new Attack("sends 64 buffers of a byte", 1, 32_768, 64, 0, true),
            new Attack("has no room, 1,024 buffers", 0, 256, 1_024, 0, false),
            new Attack("has no room, 32,768 descriptors", 0, 32_768, 12, 32_756, false),
            new Attack("has no room, mergeable", 0, 32_768, 12, 1_000, true),
            new Attack("has 12 bytes in each chain", 0, 32_768, 12, 0, true));

    private final Packet[] packets = new Packet[BURST];

    @Override
    public Integer call() throws Exception {
        List<String> lines = new ArrayList<>();
        PacketProgram endless = endless();
        for (int turn = 0; turn < turns; turn++) {
            for (int length : HONEST) {
                try (SyntheticGuest other = new SyntheticGuest(length)) {
                    String name = "sends packets of %,d bytes".formatted(length);
                    lines.add(line(name, other.queue(1), () -> other.offer(1, BURST)));
                }
            }
            try (SyntheticGuest other = new SyntheticGuest(size)) {
                VirtQueue queue = other.queue(1);
                ProgramChain chain = ProgramChain.fromGuest("other", 1, PacketPorts.NONE);
                chain.attach("endless", endless);
                queue.programs(chain);
                long[] offered = new long[1];
                lines.add(line("has a program that does not end", queue, () -> {
                    // No more than there is room for.
                    if (offered[0] - queue.counters().get(Counter.PACKETS) < SyntheticGuest.RING_SIZE / 2) {
                        other.offer(1, BURST);
                        offered[0] += BURST;
                    }
                }));
            }
            for (Attack attack : ATTACKS) {
                try (HostileGuest other = attack.start()) {
                    lines.add(line(attack.name(), other.queue(), other::offer));
                }
            }
        }
        lines.forEach(System.out::println);
        return 0;
    }

    /** What ends only by its budget, on each packet. */
    private static PacketProgram endless() throws Exception {
        Path folder = Files.createTempDirectory("programs");
        Path object = Clang.compile(folder, "endless", """
                SEC("xdp") int endless(struct xdp_md *ctx) {
                    volatile int i = 0;
                    while (ctx->ingress_ifindex)
                        i++;
                    return 2;
                }
                """);
        ProgramOptions options = ProgramOptions.defaults().budgeted(ProgramOptions.DEFAULT_BUDGET);
        return ProgramObject.load(object, options).program("");
    }

    private String line(String name, VirtQueue other, Runnable offer) throws ControlException {
        try (SyntheticGuest guest = new SyntheticGuest(size);
                PacketPool pool = PacketPool.create(2 * BURST, PacketPool.DEFAULT_HEADROOM + LARGEST)) {
            rate(guest, other, offer, pool);
            double rate = rate(guest, other, offer, pool);
            return "%-34s %7.0f thousand packets/s, %6.1f us a round".formatted(
                    name, rate, 1e3 * BURST / rate);
        }
    }

    /** Thousands of packets a second. */
    private double rate(SyntheticGuest guest, VirtQueue other, Runnable offer, PacketPool pool) {
        long clock = clockCost();
        long nanos = 0;
        long moved = 0;
        long end = System.nanoTime() + millis * 1_000_000L;
        while (System.nanoTime() < end) {
            guest.offer(0, BURST);
            guest.offer(1, BURST);
            offer.run();
            long before = THREADS.getCurrentThreadCpuTime();
            int count = guest.queue(1).dequeueBurst(pool, packets, 0, BURST);
            moved += guest.queue(0).enqueueBurst(packets, 0, count);
            pool.release(packets, 0, count);
            poll(other, pool);
            nanos += THREADS.getCurrentThreadCpuTime() - before - clock;
        }
        return 1e6 * moved / nanos;
    }

    private static long clockCost() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 100; i++) {
            long before = THREADS.getCurrentThreadCpuTime();
            least = Math.min(least, THREADS.getCurrentThreadCpuTime() - before);
        }
        return least;
    }

    private void poll(VirtQueue queue, PacketPool pool) {
        if (queue.isToGuest()) {
            pool.take(packets, 0, BURST);
            for (Packet packet : packets) {
                packet.reset(FRAME);
            }
            queue.enqueueBurst(packets, 0, BURST);
            pool.release(packets, 0, BURST);
        } else {
            pool.release(packets, 0, queue.dequeueBurst(pool, packets, 0, BURST));
        }
    }
}
