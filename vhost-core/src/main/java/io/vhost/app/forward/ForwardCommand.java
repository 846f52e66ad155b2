package io.vhost.app.forward;

import io.vhost.app.cli.AsyncOptions;
import io.vhost.app.cli.CaptureArguments;
import io.vhost.app.cli.CommandContext;
import io.vhost.app.cli.FeatureOptions;
import io.vhost.app.cli.MemoryOptions;
import io.vhost.app.cli.MetricsOptions;
import io.vhost.app.cli.MonitorOptions;
import io.vhost.app.cli.ProgramArguments;
import io.vhost.app.cli.ProgressLine;
import io.vhost.app.cli.SocketOptions;
import io.vhost.app.cli.Version;
import io.vhost.app.polling.LateCopyException;
import io.vhost.app.ports.PortControl;
import io.vhost.app.ports.RunningPorts;
import io.vhost.app.service.InheritedPort;
import io.vhost.app.service.ServiceManager;
import io.vhost.app.service.ServiceOptions;
import io.vhost.device.VhostConfig;
import io.vhost.dma.DmaRegistry;
import io.vhost.metrics.PortTraffic;
import io.vhost.monitor.MonitorServer;
import io.vhost.monitor.MonitoredDevices;
import io.vhost.os.CpuAffinity;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code forward}. */
@Command(
        name = "forward",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        header = "Moves packets between the front-ends that connect to sockets.",
        customSynopsis = "vhost forward (--socket-path PATH[,PATH...] | --fd N) [OPTIONS]",
        description = {
            "Works as DPDK's testpmd does: sockets 0 and 1 are a pair, 2 and 3, and so on; a last"
                + " one without a partner gets its packets back. What the other side has no buffers"
                + " for is dropped and counted.",
            "Ends after Ctrl-C or SIGTERM with status 0, and removes its sockets."
        })
public final class ForwardCommand implements Callable<Integer> {
    private static final long SECOND = 1_000_000_000;
    private static final long GLANCE = 50_000_000;

    /** What happens to packets on their way. */
    enum Mode {
        /** They stay as they are. */
        IO,
        /** Source and destination address are swapped. */
        MACSWAP
    }

    /** Where front-ends come from. */
    private static final class Where {
        @Option(
                names = "--socket-path",
                paramLabel = "PATH[,PATH...]",
                hideParamSyntax = true,
                split = ",",
                required = true,
                description =
                        "Listen here; give one or more, separated by commas or with an option"
                            + " each.")
        private List<Path> paths = List.of();

        @Option(
                names = "--fd",
                paramLabel = "N",
                required = true,
                description =
                        "Use this open file descriptor instead: a socket that listens, or one that"
                            + " is connected.")
        private Integer fd;

        private Where() {}
    }

    @ArgGroup(multiplicity = "0..1")
    private Where where;

    @Option(names = "--print-capabilities", help = true,
            description = "Print what this back-end can do as JSON, and do nothing else.")
    private boolean printCapabilities;

    @Option(
            names = "--mode",
            paramLabel = "MODE",
            description =
                    "io: packets stay as they are (default); macswap: source and destination"
                        + " address are swapped.")
    private Mode mode = Mode.IO;

    @Option(
            names = "--queues",
            paramLabel = "N",
            description = "Queue pairs for each socket, 1 to 128; 1 by default.")
    private int queues = 1;

    @Option(
            names = "--cpu",
            paramLabel = "N[,N...]",
            hideParamSyntax = true,
            split = ",",
            description =
                    "Run one polling thread on each of these CPUs; by default there is one, on"
                        + " any.")
    private List<Integer> cpus = List.of();

    @Mixin
    private AsyncOptions copies;

    @Option(
            names = "--mask",
            paramLabel = "HEX",
            description = "Offer only virtio features of this mask, such as 0x100000000.")
    private String mask;

    @Mixin
    private SocketOptions sockets;

    @Mixin
    private MemoryOptions memory;

    @Mixin
    private FeatureOptions features;

    @Mixin
    private ProgramArguments programs;

    @Mixin
    private CaptureArguments captures;

    @Mixin
    private MonitorOptions monitor;

    @Mixin
    private MetricsOptions metrics;

    @Mixin
    private ServiceOptions service;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            description = "End after N seconds; 0, the default: never.")
    private int seconds;

    @Option(
            names = "--quiet",
            description = "Print nothing while running, only the totals at the end.")
    private boolean quiet;

    @Spec
    private CommandSpec spec;

    private final CommandContext context;

    /** The command, to be added to a command line. */
    public ForwardCommand(CommandContext context) {
        this.context = context;
    }

    @Override
    public Integer call() throws IOException {
        if (printCapabilities) {
            context.out().println("{\"type\":\"net\"}");
            return 0;
        }
        if (where == null) {
            where = new Where();
        }
        List<InheritedPort> inherited = service.begin();
        require(!where.paths.isEmpty() || where.fd != null || !inherited.isEmpty(),
                "give a --socket-path or an --fd, or start it by a service manager that listens");
        require(Set.copyOf(where.paths).size() == where.paths.size(), "a --socket-path is given twice");
        VhostConfig.Builder offer = config();
        checkCpus();
        int threads = Math.max(1, cpus.size());
        try (DmaRegistry registry = copies.open(threads, threads)) {
            return forward(registry == null ? offer.build() : offer.asyncCopy(registry).build(), inherited);
        }
    }

    private int forward(VhostConfig config, List<InheritedPort> inherited) throws IOException {
        List<String> names = new ArrayList<>();
        List<Forwarder.Opening> openings = new ArrayList<>();
        MonitoredDevices devices = new MonitoredDevices();
        PortControl control = new PortControl("forward", false, metrics::forget,
                quiet ? null : context.out());
        for (Path path : where.paths) {
            names.add(path.toString());
            openings.add(opening(path, devices));
        }
        if (where.fd != null) {
            names.add("fd=" + where.fd);
            openings.add((offer, listener) ->
                    VhostServer.inherit(where.fd, offer,
                            devices.watch(metrics.watch("fd=" + where.fd, listener))));
        }
        for (InheritedPort port : inherited) {
            names.add(port.name());
            openings.add((offer, listener) -> VhostServer.inherit(port.fd(), offer,
                    devices.watch(metrics.watch(port.name(), listener))));
        }
        ForwardReport report = null;
        programs.prepare(names.size());
        List<io.vhost.monitor.command.Command> commands = new ArrayList<>(programs.commands());
        commands.addAll(captures.commands());
        commands.addAll(control.commands());
        try (CaptureArguments _ = captures.open(names.size());
                MonitorServer _ = monitor.open("forward", devices, commands, context.end()::raise);
                Forwarder forwarder = new Forwarder(config, names, openings, mode == Mode.MACSWAP, cpus,
                        programs.and(captures));
                MetricsOptions.Open _ = metrics.open(
                        () -> traffic(forwarder), programs.registry()::links,
                        quiet ? null : context.out());
                ServiceManager _ = ready(forwarder, control, devices)) {
            report = new ForwardReport(forwarder::ports);
            run(forwarder, report);
        } catch (LateCopyException e) {
            if (report != null) {
                report.totals(context.out());
                programs.totals(context.out());
                captures.totals(context.out());
            }
            throw e;
        }
        // The forwarder is closed: these are the final figures, and the socket files have gone.
        report.totals(context.out());
        programs.totals(context.out());
        captures.totals(context.out());
        return 0;
    }

    private ServiceManager ready(Forwarder forwarder, PortControl control, MonitoredDevices devices)
            throws IOException {
        RunningPorts ports = new RunningPorts() {
            @Override
            public List<ForwardPort> ports() {
                return forwarder.ports();
            }

            @Override
            public ForwardPort add(Path path, boolean connects) throws IOException {
                return forwarder.add(path.toString(), opening(path, devices));
            }

            @Override
            public void remove(String name) throws IOException {
                forwarder.remove(name);
            }
        };
        // First: who is told may want other ports at once.
        control.begin(ports, service.file());
        return service.ready(forwarder::check, control::reload);
    }

    private Forwarder.Opening opening(Path path, MonitoredDevices devices) {
        return (offer, listener) -> {
            try {
                return VhostServer.listen(path, sockets.permissions(), offer,
                        devices.watch(metrics.watch(path.toString(), listener)));
            } catch (IOException e) {
                metrics.forget(path.toString());
                throw e;
            }
        };
    }

    private static List<PortTraffic> traffic(Forwarder forwarder) {
        return forwarder.ports().stream().map(port ->
                MetricsOptions.traffic(port.name(), port.isConnected(), port.counters())).toList();
    }

    private void run(Forwarder forwarder, ForwardReport report) {
        PrintWriter out = context.out();
        if (!quiet) {
            forwarder
                    .ports()
                    .forEach(port -> out.printf("port %d: %s%n", port.number(), port.name()));
            out.flush();
        }
        ProgressLine line = new ProgressLine(out, context.terminal());
        long end = seconds == 0 ? Long.MAX_VALUE : seconds * SECOND;
        long next = SECOND;
        while (report.elapsed() < end
                && !forwarder.isOver()
                && !context.end().await(Math.min(GLANCE, end - report.elapsed()))) {
            forwarder.check();
            if (!quiet && report.elapsed() >= next) {
                line.show(report.progress());
                next += SECOND;
            }
        }
        line.end();
    }

    private VhostConfig.Builder config() {
        require(queues >= 1 && queues <= VhostConfig.MAX_QUEUE_PAIRS, "--queues must be 1 to 128");
        require(seconds >= 0, "--seconds must not be negative");
        return memory.apply(VhostConfig.builder())
                .queuePairs(queues)
                .limits(sockets.limits())
                .features(VhostConfig.DEFAULT & featureMask())
                .without(features.without());
    }

    private long featureMask() {
        if (mask == null) {
            return -1;
        }
        String digits = mask.startsWith("0x") || mask.startsWith("0X") ? mask.substring(2) : mask;
        try {
            return Long.parseUnsignedLong(digits, 16);
        } catch (NumberFormatException _) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--mask must be a hexadecimal number, not \"" + mask + "\"");
        }
    }

    private void checkCpus() {
        int[] allowed = CpuAffinity.allowedCpus();
        for (int cpu : cpus) {
            require(Arrays.stream(allowed).anyMatch(one -> one == cpu),
                    "--cpu must be among " + Arrays.toString(allowed) + ", not " + cpu);
        }
    }

    private void require(boolean condition, String text) {
        if (!condition) {
            throw new ParameterException(spec.commandLine(), text);
        }
    }
}
