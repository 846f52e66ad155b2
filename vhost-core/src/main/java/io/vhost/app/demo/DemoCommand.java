package io.vhost.app.demo;

import io.vhost.app.cli.AsyncOptions;
import io.vhost.app.cli.CommandContext;
import io.vhost.app.cli.FeatureName;
import io.vhost.app.cli.FeatureOptions;
import io.vhost.app.cli.ProgressLine;
import io.vhost.app.cli.Version;
import io.vhost.app.vswitch.Link;
import io.vhost.device.Feature;
import io.vhost.dma.DmaRegistry;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.DriverConfig.TransmitMode;
import io.vhost.net.PacketPool;
import io.vhost.ring.RingFormat;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code demo}. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        header = "Two guests in this process exchange packets through a switch.",
        description =
                "They use real sockets and shared memory, and verify every byte of every packet.",
        customSynopsis = "vhost demo [OPTIONS]",
        footer = {
            "",
            "Exit status: 0 every packet arrived in order and unchanged, 1 not so, 2 the command line"
                    + " is not understood."
        })
public final class DemoCommand implements Callable<Integer> {
    private static final long SECOND = 1_000_000_000;
    private static final long GLANCE = 5_000_000;
    private static final int DEFAULT_SECONDS = 5;
    private static final int THREADS = 3;
    private static final int MIN_BUFFER = 2048;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            description =
                    "Send for N seconds; "
                            + DEFAULT_SECONDS
                            + " unless a number of packets is given.")
    private Integer seconds;

    @Option(names = "--packets", paramLabel = "N", description = "Each guest sends N packets.")
    private Long packets;

    @Option(
            names = "--size",
            paramLabel = "BYTES",
            description = "Length of each packet, 60 to 9014; it varies from 60 to 1514 by default.")
    private int size;

    @Option(
            names = "--ring-size",
            paramLabel = "N",
            description = "Entries of each ring, a power of two from 2 to 32768, or any number up to that"
                    + " with --packed; 256 by default.")
    private int ringSize = 256;

    @Option(names = "--packed", description = "Packed rings instead of split ones.")
    private boolean packed;

    @Mixin
    private FeatureOptions features;

    @Mixin
    private AsyncOptions copies;

    @Option(
            names = "--transmit-mode",
            paramLabel = "MODE",
            description = "How guests lay out packets: one_buffer (default), chained, or indirect.")
    private TransmitMode transmitMode = TransmitMode.ONE_BUFFER;

    @Option(
            names = "--receive-buffer",
            paramLabel = "BYTES",
            description =
                    "Length of the guests' receive buffers, so that packets are spread over several;"
                            + " a packet fits into one by default.")
    private int receiveBuffer;

    @Spec
    private CommandSpec spec;

    private final CommandContext context;
    private final UnaryOperator<Link> wiring;
    private final Duration patience;

    /** The command, to be added to a command line. */
    public DemoCommand(CommandContext context) {
        this(context, UnaryOperator.identity(), Duration.ofSeconds(10));
    }

    /**
     * With faults, for tests.
     *
     * @param context as for any command
     * @param wiring puts something between a guest and the switch
     * @param patience how long nothing may move
     */
    DemoCommand(CommandContext context, UnaryOperator<Link> wiring, Duration patience) {
        this.context = context;
        this.wiring = wiring;
        this.patience = patience;
    }

    @Override
    public Integer call() throws IOException {
        DriverConfig driver = driver();
        try (DmaRegistry registry = copies.open(2, THREADS)) {
            return run(driver, registry);
        }
    }

    private int run(DriverConfig driver, DmaRegistry registry) throws IOException {
        long limit = packets == null ? Long.MAX_VALUE : packets;
        long nanos = seconds == null && packets != null
                ? Long.MAX_VALUE
                : (seconds == null ? DEFAULT_SECONDS : seconds) * SECOND;
        try (Demo demo = new Demo(driver, size, limit, registry, wiring)) {
            String negotiated =
                    demo.features().stream().map(FeatureName::shortName).collect(Collectors.joining(" "));
            context.out().printf("Two guests and a switch: packets of %s bytes, %s rings of %d%n  %s%n%n",
                    size == 0 ? "60 to 1514" : size, RingFormat.of(packed).text(), ringSize, negotiated);
            return run(demo, nanos);
        }
    }

    private int run(Demo demo, long nanos) {
        PrintWriter out = context.out();
        ProgressLine line = new ProgressLine(out, context.terminal());
        Stall stall = new Stall(demo.flows(), patience);
        DemoReport report = new DemoReport(demo);
        demo.start();
        boolean stalled = false;
        long next = SECOND;
        while (!demo.hasEnded() && report.elapsed() < nanos && !stalled && !context.end().await(GLANCE)) {
            demo.check();
            if (report.elapsed() >= next) {
                line.show(report.progress());
                next += SECOND;
            }
            stalled = stall.lasts();
        }
        demo.finish(stalled ? Duration.ZERO : patience);
        long took = report.elapsed();
        line.end();
        report.table(out, took);
        boolean intact = demo.flows().stream().allMatch(DemoFlow::isIntact);
        if (intact) {
            out.println("Every packet arrived, in order and unchanged.");
        } else if (stalled) {
            out.println("FAILED: nothing has moved for " + patience.toSeconds() + " s.");
        } else {
            out.println("FAILED: see the table.");
        }
        return intact ? 0 : 1;
    }

    private DriverConfig driver() {
        require(seconds == null || seconds >= 1, "--seconds must be at least 1");
        require(packets == null || packets >= 1, "--packets must be at least 1");
        require(size == 0 || (size >= TestPattern.MIN_LENGTH && size <= TestPattern.MAX_LENGTH),
                "--size must be " + TestPattern.MIN_LENGTH + " to " + TestPattern.MAX_LENGTH);
        require(!packed || !features.isWithout(Feature.VIRTIO_F_RING_PACKED),
                "--packed needs the feature ring_packed");
        require(ringSize >= 2 && RingFormat.of(packed).accepts(ringSize), packed
                ? "--ring-size must be 2 to 32768"
                : "--ring-size must be a power of two from 2 to 32768, or any number with --packed");
        require(transmitMode != TransmitMode.INDIRECT || !features.isWithout(Feature.VIRTIO_F_INDIRECT_DESC),
                "--transmit-mode indirect needs the feature indirect_desc");
        DriverConfig base = packed ? DriverConfig.defaults().withPackedRings() : DriverConfig.defaults();
        DriverConfig config = base
                .withQueues(1, ringSize)
                .without(features.without())
                .withTransmitMode(transmitMode)
                // Both rings full, and a burst in either direction in the guest's hands.
                .withPackets(2 * ringSize + 2 * TrafficSource.BURST,
                        PacketPool.DEFAULT_HEADROOM + Math.max(MIN_BUFFER, size), Integer.MAX_VALUE);
        return receiveBuffer == 0 ? config : withReceiveBuffer(config);
    }

    private DriverConfig withReceiveBuffer(DriverConfig config) {
        int longest = size == 0 ? TestPattern.MAX_VARIED_LENGTH : size;
        require(
                !features.isWithout(Feature.VIRTIO_NET_F_MRG_RXBUF),
                "--receive-buffer needs the feature mrg_rxbuf");
        require(receiveBuffer >= 64 && receiveBuffer >= longest * 2 / ringSize,
                "--receive-buffer must be at least 64, and half of the ring must hold a packet");
        return config.withPackets(config.packets(), config.bufferSize(), receiveBuffer);
    }

    private void require(boolean condition, String text) {
        if (!condition) {
            throw new ParameterException(spec.commandLine(), text);
        }
    }
}
