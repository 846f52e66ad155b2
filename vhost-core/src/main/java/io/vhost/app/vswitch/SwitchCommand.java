package io.vhost.app.vswitch;

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
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.dma.DmaRegistry;
import io.vhost.metrics.PortTraffic;
import io.vhost.monitor.MonitorServer;
import io.vhost.monitor.MonitoredDevices;
import io.vhost.os.CpuAffinity;
import io.vhost.os.TapDevice;
import io.vhost.server.VhostClient;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code switch}. */
@Command(
        name = "switch",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        header = "An Ethernet switch between guests and the network of this machine.",
        customSynopsis = "vhost switch (--socket-path PATH[,PATH...] | --connect PATH[,PATH...])..."
                + " [OPTIONS]",
        description = {"Learns where addresses are, and sends a frame for an unknown one everywhere. Waits"
                + " for interrupts while nothing happens.",
                "Ends after Ctrl-C or SIGTERM with status 0, and removes its sockets."})
public final class SwitchCommand implements Callable<Integer> {
    private static final long SECOND = 1_000_000_000;
    private static final int UNCHANGED = -1;
    private static final int TAKES_ALL = TapDevice.OFFLOAD_CSUM
            | TapDevice.OFFLOAD_TSO4 | TapDevice.OFFLOAD_TSO6 | TapDevice.OFFLOAD_TSO_ECN;

    @Option(names = "--socket-path", paramLabel = "PATH[,PATH...]", hideParamSyntax = true, split = ",",
            description = "Listen here for guests; any number, separated by commas or with an option each.")
    private List<Path> paths = List.of();

    @Option(names = "--connect", paramLabel = "PATH[,PATH...]", hideParamSyntax = true, split = ",",
            description = "Connect to a front-end that listens here, and again whenever it has gone.")
    private List<Path> connections = List.of();

    @Mixin
    private UplinkOptions uplinks;

    @Option(names = "--tap", paramLabel = "NAME",
            description = "A network interface of this machine as one more port; it is created if it does not"
                    + " exist.")
    private String tap;

    @Option(names = "--mtu", paramLabel = "BYTES",
            description = "MTU of that interface, 68 to 65535; unchanged by default.")
    private int mtu = UNCHANGED;

    @Option(names = "--queues", paramLabel = "N",
            description = "Queue pairs for each guest, 1 to 128; 1 by default.")
    private int queues = 1;

    @Mixin
    private SocketOptions sockets;

    @Mixin
    private MemoryOptions memory;

    @Mixin
    private FeatureOptions features;

    @Mixin
    private AsyncOptions copies;

    @Option(names = "--age", paramLabel = "SECONDS",
            description = "How long an address is remembered; 300 by default.")
    private int age = (int) LearningSwitch.AGE.toSeconds();

    @Option(names = "--cpu", paramLabel = "N[,N...]", hideParamSyntax = true, split = ",",
            description = "Run one polling thread on each of these CPUs; by default there is one, on any."
                    + " Queue pairs of ports are dealt out to the threads.")
    private List<Integer> cpus = List.of();

    @Option(names = "--poll", description = "Never wait: poll the queues always, for the least delay.")
    private boolean poll;

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

    @Option(names = "--seconds", paramLabel = "N",
            description = "End after N seconds; 0, the default: never.")
    private int seconds;

    @Option(names = "--quiet", description = "Print nothing while running, only the totals at the end.")
    private boolean quiet;

    @Spec
    private CommandSpec spec;

    private final CommandContext context;

    /** The command, to be added to a command line. */
    public SwitchCommand(CommandContext context) {
        this.context = context;
    }

    @Override
    public Integer call() throws IOException {
        List<InheritedPort> inherited = service.begin();
        require(!paths.isEmpty() || !connections.isEmpty() || !inherited.isEmpty(),
                "give a --socket-path or a --connect path, or start it by a service manager that listens");
        List<Path> all = Stream.of(paths, connections, uplinks.all()).flatMap(List::stream).toList();
        require(all.stream().distinct().count() == all.size(), "a path is given twice");
        require(queues >= 1 && queues <= VhostConfig.MAX_QUEUE_PAIRS, "--queues must be 1 to 128");
        require(seconds >= 0, "--seconds must not be negative");
        checkCpus();
        require(age > 0, "--age must be positive");
        require(mtu == UNCHANGED || tap != null, "--mtu is for a --tap");
        require(mtu == UNCHANGED || (mtu >= VhostDevice.LEAST_MTU && mtu <= VhostDevice.MOST_MTU),
                "--mtu must be " + VhostDevice.LEAST_MTU + " to " + VhostDevice.MOST_MTU);
        VhostConfig.Builder offer = memory.apply(VhostConfig.builder())
                .queuePairs(queues)
                .limits(sockets.limits())
                .segmentation()
                .without(features.without());
        int threads = Math.max(1, cpus.size());
        try (DmaRegistry registry = copies.open(threads, threads)) {
            return connect(registry == null ? offer.build() : offer.asyncCopy(registry).build(), inherited);
        }
    }

    private void checkCpus() {
        int[] allowed = CpuAffinity.allowedCpus();
        for (int cpu : cpus) {
            require(IntStream.of(allowed).anyMatch(one -> one == cpu),
                    "--cpu must be among " + Arrays.toString(allowed) + ", not " + cpu);
        }
    }

    private int connect(VhostConfig config, List<InheritedPort> inherited) throws IOException {
        List<String> names = new ArrayList<>();
        List<Switch.Opening> openings = new ArrayList<>();
        MonitoredDevices devices = new MonitoredDevices();
        PortControl control = new PortControl("switch", true, metrics::forget,
                quiet ? null : context.out());
        for (Path path : paths) {
            names.add(path.toString());
            openings.add(opening(path, false, devices));
        }
        for (Path path : connections) {
            names.add(path.toString());
            openings.add(opening(path, true, devices));
        }
        for (InheritedPort port : inherited) {
            names.add(port.name());
            openings.add((offer, listener) -> VhostServer.inherit(port.fd(), offer,
                    devices.watch(metrics.watch(port.name(), listener)))::close);
        }
        SwitchReport report = null;
        int ports = names.size() + (tap == null ? 0 : 1) + uplinks.all().size();
        programs.prepare(ports);
        List<io.vhost.monitor.command.Command> commands = new ArrayList<>(programs.commands());
        commands.addAll(captures.commands());
        commands.addAll(control.commands());
        try (CaptureArguments _ = captures.open(ports);
                MonitorServer _ = monitor.open("switch", devices, commands, context.end()::raise);
                Switch ethernet = new Switch(
                        config, names, openings, openTap(), Duration.ofSeconds(age), !poll,
                        cpus, programs.and(captures));
                MetricsOptions.Open _ = metrics.open(
                        () -> traffic(ethernet), programs.registry()::links,
                        quiet ? null : context.out());
                ServiceManager _ = ready(ethernet, control, devices)) {
            report = new SwitchReport(ethernet::members);
            run(ethernet, report);
        } catch (LateCopyException e) {
            if (report != null) {
                report.totals(context.out());
                programs.totals(context.out());
                captures.totals(context.out());
            }
            throw e;
        }
        report.totals(context.out());
        programs.totals(context.out());
        captures.totals(context.out());
        return 0;
    }

    private ServiceManager ready(Switch ethernet, PortControl control, MonitoredDevices devices)
            throws IOException {
        uplinks.open(ethernet, sockets.permissions(), features.without());
        // First: who is told may want other ports at once.
        control.begin(ports(ethernet, devices), service.file());
        return service.ready(ethernet::check, control::reload);
    }

    private RunningPorts ports(Switch ethernet, MonitoredDevices devices) {
        return new RunningPorts() {
            @Override
            public List<SwitchMember> ports() {
                return ethernet.members();
            }

            @Override
            public SwitchMember add(Path path, boolean connects) throws IOException {
                return ethernet.add(path.toString(), opening(path, connects, devices));
            }

            @Override
            public void remove(String name) throws IOException {
                ethernet.remove(name);
            }
        };
    }

    private Switch.Opening opening(Path path, boolean connects, MonitoredDevices devices) {
        return (offer, listener) -> {
            DeviceListener watched = devices.watch(metrics.watch(path.toString(), listener));
            try {
                return connects ? VhostClient.connect(path, offer, watched)::close
                        : VhostServer.listen(path, sockets.permissions(), offer, watched)::close;
            } catch (IOException e) {
                metrics.forget(path.toString());
                throw e;
            }
        };
    }

    private static List<PortTraffic> traffic(Switch ethernet) {
        return ethernet.members().stream().map(port ->
                MetricsOptions.traffic(port.name(), port.isConnected(), port.counters())).toList();
    }

    private TapDevice openTap() {
        if (tap == null) {
            return null;
        }
        TapDevice device = TapDevice.open(tap);
        try {
            device.offloads(TAKES_ALL);
            if (mtu != UNCHANGED) {
                device.mtu(mtu);
            }
            device.up();
            return device;
        } catch (RuntimeException | Error e) {
            device.close();
            throw e;
        }
    }

    private void run(Switch ethernet, SwitchReport report) {
        PrintWriter out = context.out();
        if (!quiet) {
            ethernet.members().forEach(member -> out.printf("port %d: %s%n", member.number(), member.name()));
            out.println("listening");
            out.flush();
        }
        ProgressLine line = new ProgressLine(out, context.terminal());
        long end = seconds == 0 ? Long.MAX_VALUE : seconds * SECOND;
        long next = SECOND;
        while (report.elapsed() < end && !context.end().await(Math.min(next, end) - report.elapsed())) {
            ethernet.check();
            if (report.elapsed() >= next) {
                next += SECOND;
                if (!quiet) {
                    line.show(report.progress());
                }
            }
        }
        line.end();
    }

    private void require(boolean condition, String text) {
        if (!condition) {
            throw new ParameterException(spec.commandLine(), text);
        }
    }
}
