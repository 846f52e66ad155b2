package io.vhost.peer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * DPDK's {@code dpdk-testpmd} with one vhost-user port: front-end (virtio-user) or back-end (net_vhost).
 *
 * <p>The port is number 0. One CPU runs the forwarding thread, which polls while forwarding is started,
 * and the command line. A back-end listens as soon as it is started; a front-end connects during its
 * start, and its start returns when the port is set up. One thread at a time.
 */
public final class TestPmd implements AutoCloseable {
    private static final String PROMPT = "testpmd> ";
    /** Each of 32 packets: enough to keep both sides busy, and they fit into a ring. */
    private static final int BURSTS = 8;
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Duration GLANCE = Duration.ofMillis(20);
    private static final Duration FAREWELL = Duration.ofSeconds(10);
    /**
     * What the thread that watches the link says, perhaps in the middle of a prompt,
     * which is written letter by letter.
     */
    private static final Pattern LINK_MESSAGES = Pattern.compile(
            "(vhost_user_update_link_state|vhost_user_server_disconnect|virtio_user_dev_server_reconnect)"
                    + "\\(\\): [^\\n]*\\n");
    private static final AtomicInteger STARTED = new AtomicInteger();

    private final Program program;
    private final Path runDirectory;

    private TestPmd(Program program, Path runDirectory) {
        this.program = program;
        this.runDirectory = runDirectory;
    }

    /**
     * Skips or fails the calling test where testpmd and a JVM cannot run beside each other,
     * as {@link Peers} does.
     */
    public static void require() {
        Peers.require("dpdk-testpmd", "stdbuf");
        Peers.requireHugePages(512);
        Peers.requireCpus(2);
    }

    /** A back-end that listens on {@code socket}. */
    public static Builder backEnd(Path socket) {
        return new Builder("net_vhost0,iface=" + socket, List.of());
    }

    /**
     * A front-end that connects to {@code socket}. Without vectors of 512 bits it would not take the
     * vectorized path of packed rings, and not say so.
     */
    public static Builder frontEnd(Path socket) {
        return new Builder("net_virtio_user0,path=" + socket + ",queue_size=" + Builder.RING,
                List.of("--single-file-segments", "--force-max-simd-bitwidth=512"));
    }

    /**
     * Sends a command of testpmd's own language.
     *
     * @return what it printed
     * @throws IllegalStateException when what it printed does not contain {@code success}
     */
    public String command(String line, String success) {
        program.send(line);
        String answer = program.await(PROMPT);
        if (!answer.contains(success)) {
            throw new IllegalStateException("testpmd did not say \"" + success + "\" to: " + answer);
        }
        return answer;
    }

    /** Starts forwarding. */
    public void start() {
        command("start", "forwards packets on");
    }

    /** Starts forwarding after sending {@code bursts} bursts of 32 packets of our own. */
    public void startSending(int bursts) {
        command("start tx_first " + bursts, "forwards packets on");
    }

    /** Stops forwarding; the counters of {@link #forwardCounters()} stay. */
    public void stop() {
        command("stop", "Done.");
    }

    /**
     * Lets packets of our own go round for {@code time}, and stops.
     *
     * @return packets sent since the port's start
     * @throws IllegalStateException when no packets flow at the end of that time
     */
    public long circulate(Duration time) {
        startSending(BURSTS);
        if (ended(time)) {
            throw new IllegalStateException("testpmd ended\n" + output());
        }
        awaitReceived(portCounters().received() + 1_000);
        stop();
        return portCounters().sent();
    }

    /** Lets packets go round, and stops and starts the port. */
    public void restartUnderTraffic() {
        circulate(Duration.ZERO);
        stopPort();
        startPort();
    }

    /**
     * Takes in what came after forwarding was stopped.
     *
     * @param packets received since the port's start, to be waited for
     */
    public Counters drain(long packets) {
        mode("rxonly");
        start();
        return awaitPortCounters(counters -> counters.received() == packets, LIMIT);
    }

    private void awaitReceived(long packets) {
        awaitPortCounters(counters -> counters.received() > packets, LIMIT);
    }

    /** Chooses what forwarding does: io, macswap, txonly, rxonly, csum, flowgen. Only while stopped. */
    public void mode(String mode) {
        command("set fwd " + mode, "Set " + mode + " packet forwarding mode");
    }

    /** Stops the port: a front-end takes its rings back. Only while forwarding is stopped. */
    public void stopPort() {
        command("port stop 0", "Checking link statuses");
    }

    /** Starts the port again. */
    public void startPort() {
        command("port start 0", "Checking link statuses");
    }

    /** The port's counters since its start. */
    public Counters portCounters() {
        return new Counters(command("show port stats 0", "RX-packets"));
    }

    /** The forwarding counters of the port since forwarding was started last. */
    public Counters forwardCounters() {
        return new Counters(command("show fwd stats all", "Accumulated"));
    }

    /**
     * Looks at the port's counters until they satisfy {@code condition}.
     *
     * @throws IllegalStateException after {@code limit}, with the last counters
     */
    public Counters awaitPortCounters(Predicate<Counters> condition, Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        Counters counters = portCounters();
        while (!condition.test(counters)) {
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("not within " + limit + ": " + counters);
            }
            if (program.ended(GLANCE)) {
                throw new IllegalStateException("testpmd ended\n" + program.output());
            }
            counters = portCounters();
        }
        return counters;
    }

    /** Waits for testpmd's end, and tells whether it came within {@code time}. */
    public boolean ended(Duration time) {
        return program.ended(time);
    }

    /** The process id. */
    public long pid() {
        return program.pid();
    }

    /** All output so far. */
    public String output() {
        return program.output();
    }

    /**
     * Ends testpmd in its own orderly way, which closes the port and the socket.
     *
     * @return its exit status
     */
    public int quit() {
        program.send("quit");
        return program.exitStatus();
    }

    /** Ends testpmd, by force where {@code quit} does not do within ten seconds. */
    @Override
    public void close() {
        if (!program.ended(Duration.ZERO)) {
            sendQuit();
            program.ended(FAREWELL);
        }
        program.close();
        try {
            Files.deleteIfExists(runDirectory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void sendQuit() {
        try {
            program.send("quit");
        } catch (IllegalStateException e) {
            return;   // it ended meanwhile, which is what we want
        }
    }

    /** How a testpmd is to be started. Every method returns this builder. */
    public static final class Builder {
        private static final int RING = 1024;

        private final String device;
        private final List<String> environment;
        private Path second;
        private String deviceArguments = "";
        private String mode = "io";
        private int cpu;
        private int queues = 1;
        private int packetBytes = 64;
        private final List<String> more = new ArrayList<>();

        private Builder(String device, List<String> environment) {
            this.device = device;
            this.environment = environment;
        }

        /** DPDK's device arguments, separated by commas: {@code in_order=0,mrg_rxbuf=0}, {@code server=1}. */
        public Builder device(String arguments) {
            this.deviceArguments = arguments;
            return this;
        }

        /** A second back-end, port 1: what one port receives the other sends. */
        public Builder secondBackEnd(Path socket) {
            this.second = socket;
            return this;
        }

        /** The CPU that everything of it runs on, 0 unless said. */
        public Builder cpu(int number) {
            this.cpu = number;
            return this;
        }

        /** The forwarding mode, io unless said. */
        public Builder mode(String name) {
            this.mode = name;
            return this;
        }

        /** Queue pairs, 1 unless said. A front-end needs {@code cq=1} for more. */
        public Builder queues(int pairs) {
            this.queues = pairs;
            return this;
        }

        /** Length of the packets that it makes itself, 64 bytes without CRC unless said. */
        public Builder packetBytes(int bytes) {
            this.packetBytes = bytes;
            return this;
        }

        /** Room for the longest packets that tests send, in one buffer each. */
        public Builder jumbo() {
            return arguments("--mbuf-size=9728", "--max-pkt-len=9100");
        }

        /** Further words for testpmd's command line, after the {@code --}. */
        public Builder arguments(String... words) {
            more.addAll(List.of(words));
            return this;
        }

        /** Starts it and waits for its prompt. Forwarding is stopped. */
        public TestPmd start() {
            String prefix = "vhost" + ProcessHandle.current().pid() + "-" + STARTED.incrementAndGet();
            List<String> command = new ArrayList<>(Program.lineBuffered());
            command.addAll(List.of("dpdk-testpmd",
                    "--lcores", "0@" + cpu + ",1@" + cpu, "--main-lcore", "0",
                    "--no-pci", "--in-memory", "--no-telemetry", "--file-prefix=" + prefix));
            command.addAll(environment);
            command.addAll(List.of("--vdev",
                    device + ",queues=" + queues + (deviceArguments.isEmpty() ? "" : "," + deviceArguments)));
            if (second != null) {
                command.addAll(List.of("--vdev", "net_vhost1,iface=" + second + ",queues=" + queues));
            }
            // Testpmd tells of a change of the link in two pieces, and other output may come between them.
            command.addAll(List.of("--",
                    "-i", "--mask-event=intr_lsc", "--nb-cores=1", "--total-num-mbufs=16384",
                    "--txd=" + RING, "--rxd=" + RING, "--txq=" + queues, "--rxq=" + queues,
                    "--forward-mode=" + mode));
            command.addAll(more);
            // Last: they must fit into the buffers, whose size it must know by then.
            command.add("--txpkts=" + packetBytes);
            Program program = Program.start(command, LINK_MESSAGES);
            TestPmd testPmd = new TestPmd(program, Path.of("/run/dpdk", prefix));
            try {
                program.await(PROMPT);
                return testPmd;
            } catch (IllegalStateException e) {
                testPmd.close();
                throw e;
            }
        }
    }
}
