package io.vhost.bench;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.metrics.MetricsServer;
import io.vhost.metrics.PortAccounts;
import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.MonitorConfig;
import io.vhost.monitor.MonitorServer;
import io.vhost.monitor.MonitoredDevices;
import io.vhost.monitor.command.CommandException;
import io.vhost.os.CpuAffinity;
import io.vhost.peer.Program;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What a monitor that is asked costs the forwarding path.
 *
 * <p>One thread, bound to a CPU, moves packets between the rings of one {@link SyntheticGuest}. Everything
 * else has the other CPUs of the same process: the monitor, its commands, the client that asks, and this
 * harness. Windows without (A) and with (B) questions alternate within one run, the order reversed every
 * round, and only windows of one round are compared.
 */
@Command(name = "monitor", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Compares forwarding without (A) and with (B) questions to the monitor.")
final class MonitorCost implements Callable<Integer> {
    private static final double MILLION = 1e6;
    private static final long MILLI = 1_000_000;
    private static final long SECOND = 1_000_000_000;
    /**
     * A window in which the forwarding thread waited longer for its CPU, in parts of the window, is left out.
     */
    private static final double MOST_DELAY = 0.02;
    private static final String DEVICE = "/vhost/0/virtio-backend";

    /** What is asked, in turn. */
    private static final List<Map.Entry<String, Map<String, ?>>> QUESTIONS = List.of(
            Map.entry("x-query-virtio-queue-status", Map.of("path", DEVICE, "queue", 0)),
            Map.entry("query-stats", Map.of("target", "vring")),
            Map.entry("x-query-virtio-queue-status", Map.of("path", DEVICE, "queue", 1)),
            Map.entry("x-query-vhost-locks", Map.of()),
            Map.entry("x-query-vhost-inflight", Map.of()),
            Map.entry("x-query-virtio-queue-element", Map.of("path", DEVICE, "queue", 1)));

    private static final List<Map.Entry<String, Map<String, ?>>> UNRELATED =
            List.of(Map.entry("query-stats-schemas", Map.of()), Map.entry("x-query-monitor", Map.of()));

    @Option(names = "--size", paramLabel = "BYTES", defaultValue = "64",
            description = "Packet length, ${DEFAULT-VALUE} bytes.")
    private int size;

    @Option(names = "--rounds", defaultValue = "150", description = "Rounds, ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(names = "--window", paramLabel = "MS", defaultValue = "250",
            description = "Window, ${DEFAULT-VALUE} ms.")
    private int window;

    @Option(names = "--queries", paramLabel = "N", defaultValue = "100",
            description = "Questions a second, ${DEFAULT-VALUE}; 0 compares nothing with nothing:"
                    + " the ratio should be 1.")
    private int queries;

    @Option(names = "--control",
            description = "Ask what concerns no device: what then still costs forwarding is that"
            + " two CPUs share a processor, its caches and a JVM.")
    private boolean control;

    @Option(names = "--scrapes",
            description = "Ask for metrics over HTTP, as Prometheus does, instead of asking the monitor.")
    private boolean scrapes;

    @Option(names = "--cpu", paramLabel = "N", defaultValue = "0",
            description = "CPU of the forwarding thread, ${DEFAULT-VALUE}.")
    private int cpu;

    @Override
    public Integer call() throws IOException, ControlException {
        int[] others = Arrays.stream(CpuAffinity.allowedCpus()).filter(one -> one != cpu).toArray();
        Set<String> present = SchedStat.ofProcess(ProcessHandle.current().pid()).keySet();
        Path directory = Files.createTempDirectory("monitor-cost");
        Path socket = directory.resolve("m");
        MonitoredDevices devices = new MonitoredDevices();
        PortAccounts accounts = new PortAccounts();
        DeviceListener listener = accounts.watch("guest", new DeviceListener() {});
        try (SyntheticGuest guest =
                        new SyntheticGuest(size, VhostConfig.defaults(), devices.watch(listener));
                MetricsServer metrics = MetricsServer.start(
                        InetSocketAddress.createUnresolved("127.0.0.1", 0), List.of(), accounts, List::of,
                        List::of);
                ForwardLoad load = new ForwardLoad(guest, size, cpu);
                MonitorServer _ = MonitorServer.listen(socket,
                        MonitorConfig.builder().devices(devices).build());
                Questions questions = new Questions(
                        MonitorClient.connect(socket), control ? UNRELATED : QUESTIONS,
                        scrapes ? URI.create(metrics.url()).toURL() : null)) {
            if (others.length > 0) {
                leaveAlone(present, others[0]);
            }
            System.out.printf(
                    "%d bytes, windows of %d ms, %d questions a second in B, forwarding on CPU %d%n",
                    size, window, queries, cpu);
            for (int i = 0; i < 2 * SECOND / MILLI / window; i++) {
                measure(load, i % 2 == 0 ? null : questions);
            }
            compare(load, questions);
            System.out.printf("%d questions, %d of them answered \"busy\", %d bursts found a queue busy%n",
                    questions.asked, questions.refused,
                    guest.queue(0).counters().get(Counter.BUSY)
                            + guest.queue(1).counters().get(Counter.BUSY));
        } finally {
            Files.delete(directory);
        }
        return 0;
    }

    /** Binds threads that were there before the forwarding one, the JVM's own too, to another CPU. */
    private static void leaveAlone(Set<String> threads, int other) {
        for (String thread : threads) {
            try (Program taskset = Program.start(
                    List.of("taskset", "-cp", Integer.toString(other), thread))) {
                taskset.exitStatus();   // a thread may have ended meanwhile
            }
        }
    }

    private void compare(ForwardLoad load, Questions questions) {
        List<Double> quiet = new ArrayList<>();
        List<Double> asked = new ArrayList<>();
        List<Double> ratios = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            double first = measure(load, round % 2 == 0 ? null : questions);
            double second = measure(load, round % 2 == 0 ? questions : null);
            double a = round % 2 == 0 ? first : second;
            double b = round % 2 == 0 ? second : first;
            if (a > 0 && b > 0) {
                quiet.add(a);
                asked.add(b);
                ratios.add(b / a);
            }
        }
        System.out.printf("A  %.3f Mpps median%nB  %.3f Mpps median%n", quantile(quiet, 0.5),
                quantile(asked, 0.5));
        System.out.printf("B/A of %d rounds of %d: median %.4f, quartiles %.4f to %.4f%n", ratios.size(),
                rounds,
                quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75));
    }

    /** Million packets a second in one window; 0 if the forwarding thread was kept from its CPU. */
    private double measure(ForwardLoad load, Questions questions) {
        long pid = ProcessHandle.current().pid();
        Map<String, SchedStat> before = SchedStat.ofProcess(pid);
        long moved = load.moved();
        long start = System.nanoTime();
        long end = start + window * MILLI;
        if (questions == null || queries == 0) {
            sleepUntil(end);
        } else {
            questions.ask(start, end, SECOND / queries);
        }
        long packets = load.moved() - moved;
        long time = System.nanoTime() - start;
        long delay = SchedStat.delayOfBusiest(before, SchedStat.ofProcess(pid));
        load.check();
        return delay > MOST_DELAY * time ? 0 : packets * (SECOND / MILLION) / time;
    }

    private static double quantile(List<Double> values, double part) {
        List<Double> sorted = values.stream().sorted().toList();
        return sorted.isEmpty() ? Double.NaN : sorted.get((int) (part * (sorted.size() - 1)));
    }

    private static void sleepUntil(long end) {
        for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    /** The client: one question after the other, at even distances. */
    private static final class Questions implements AutoCloseable {
        private final MonitorClient client;
        private final List<Map.Entry<String, Map<String, ?>>> list;
        /** Null: the monitor is asked. */
        private final URL page;
        private long asked;
        private long refused;

        private Questions(MonitorClient client, List<Map.Entry<String, Map<String, ?>>> list, URL page) {
            this.client = client;
            this.list = list;
            this.page = page;
        }

        private void askOne() throws CommandException, IOException {
            Map.Entry<String, Map<String, ?>> question = list.get((int) (asked++ % list.size()));
            if (page == null) {
                client.call(question.getKey(), question.getValue());
            } else {
                try (InputStream in = page.openStream()) {
                    byte[] _ = in.readAllBytes();
                }
            }
        }

        private void ask(long start, long end, long distance) {
            for (long next = start + distance / 2; next < end; next += distance) {
                sleepUntil(next);
                try {
                    askOne();
                } catch (CommandException busy) {
                    refused++;   // the forwarding thread lost its CPU with the lock in its hands
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
            sleepUntil(end);
        }

        @Override
        public void close() {
            client.close();
        }
    }
}
