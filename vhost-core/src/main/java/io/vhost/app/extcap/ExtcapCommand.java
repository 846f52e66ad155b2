package io.vhost.app.extcap;

import io.vhost.app.cli.CommandContext;
import io.vhost.app.cli.Version;
import io.vhost.capture.CaptureOptions;
import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.ErrorClass;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code extcap}. Its words are those of Wireshark's interface for captures of others. */
@Command(
        name = "extcap",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        header = "Lets Wireshark record the packets of a running switch or forward.",
        description = {"Wireshark calls it, by the launcher vhost-extcap in one of its extcap folders. The"
                + " program whose packets are recorded needs --monitor and --monitor-mutating.",
                "Monitors that the environment variable VHOST_MONITOR names, with colons between, are asked"
                + " for their ports; each becomes an interface."})
public final class ExtcapCommand implements Callable<Integer> {
    private static final long LOOK = 300_000_000;

    @Option(names = "--extcap-interfaces", description = "List the interfaces.")
    private boolean interfaces;

    @SuppressWarnings("unused")   // Wireshark says its version always; nothing depends on it so far
    @Option(names = "--extcap-version", arity = "0..1", hidden = true)
    private String version;

    @Option(names = "--extcap-interface", paramLabel = "NAME", description = "The interface that is meant.")
    private String name;

    @Option(names = "--extcap-dlts", description = "List the link types of an interface.")
    private boolean linkTypes;

    @Option(names = "--extcap-config", description = "List the options of an interface.")
    private boolean config;

    @Option(names = "--extcap-capture-filter", paramLabel = "TEXT", hidden = true)
    private String captureFilter = "";

    @Option(names = "--capture", description = "Record, until the end is asked for.")
    private boolean capture;

    @Option(names = "--fifo", paramLabel = "FILE", description = "The pipe to record to.")
    private Path fifo;

    @Option(names = "--monitor", paramLabel = "PATH", description = "The program's monitor.")
    private Path monitor;

    @Option(names = "--port", paramLabel = "N", description = "The port, counted from 0; 0 by default.")
    private int port;

    @Option(names = "--direction", paramLabel = "DIRECTION",
            description = "in: from the port; out: to it; both, the default.")
    private String direction = "both";

    @Option(names = "--snaplen", paramLabel = "BYTES", description = "Keep the first bytes of each packet.")
    private int snapLength = CaptureOptions.SNAP_LENGTH;

    @Option(names = "--filter", paramLabel = "OBJ",
            description = "Record what an XDP program of this object lets pass.")
    private String filter = "";

    @Option(names = "--passed", description = "Record what programs let pass, not what comes before them.")
    private boolean passed;

    @Spec
    private CommandSpec spec;

    private final CommandContext context;
    private final Interfaces known;

    /** The command, to be added to a command line; monitors are those that {@code VHOST_MONITOR} names. */
    public ExtcapCommand(CommandContext context) {
        this(context, Optional.ofNullable(System.getenv("VHOST_MONITOR")).orElse(""));
    }

    /** The same, of these monitors. */
    ExtcapCommand(CommandContext context, String monitors) {
        this.context = context;
        this.known = new Interfaces(monitors);
    }

    @Override
    public Integer call() throws IOException {
        PrintWriter out = context.out();
        if (interfaces) {
            out.println("extcap {version=1.0}");
            known.list(out);
        } else if (linkTypes) {
            out.println("dlt {number=1}{name=EN10MB}{display=Ethernet}");
        } else if (config) {
            known.options(require(name, "--extcap-interface"), out);
        } else if (capture) {
            record(known.find(require(name, "--extcap-interface")), require(fifo, "--fifo"));
        } else if (!captureFilter.isEmpty()) {
            // What is printed is what is wrong with it.
            out.println("capture filters are eBPF objects here: see the options of the interface");
        } else {
            throw new ParameterException(spec.commandLine(),
                    "Wireshark calls this: say --extcap-interfaces, --extcap-dlts, --extcap-config or"
                    + " --capture");
        }
        out.flush();
        return 0;
    }

    private <T> T require(T value, String option) {
        if (value == null) {
            throw new ParameterException(spec.commandLine(), option + " is missing");
        }
        return value;
    }

    private void record(Optional<Interfaces.Port> chosen, Path pipe) throws IOException {
        Path socket = chosen.map(Interfaces.Port::monitor).orElse(monitor);
        if (socket == null) {
            throw new IOException("name the monitor of the program in the options of the interface");
        }
        String file = pipe.toAbsolutePath().toString();
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("port", chosen.map(Interfaces.Port::number).orElse(port));
        arguments.put("file", file);
        arguments.put("direction", direction);
        arguments.put("snaplen", snapLength);
        arguments.put("passed", passed);
        if (!filter.isEmpty()) {
            arguments.put("filter", Path.of(filter).toAbsolutePath().toString());
        }
        try (MonitorClient client = MonitorClient.connect(socket)) {
            start(client, arguments);
            try {
                while (!context.end().await(LOOK) && isRunning(client, file)) {
                    // Until either is over.
                }
            } finally {
                stop(client, file);
            }
        }
    }

    private static void start(MonitorClient client, Map<String, Object> arguments) throws IOException {
        try {
            client.call("x-capture-start", arguments);
        } catch (CommandException e) {
            throw new IOException(e.errorClass() == ErrorClass.COMMAND_NOT_FOUND
                    ? "the program lets nobody start captures: start it with --monitor-mutating"
                    : e.getMessage(), e);
        }
    }

    /** Whether it still runs; an error says why not. */
    private static boolean isRunning(MonitorClient client, String file) throws IOException {
        try {
            Map<?, ?> answer = (Map<?, ?>) client.call("x-query-capture", Map.of());
            for (Object each : (List<?>) answer.get("captures")) {
                Map<?, ?> one = (Map<?, ?>) each;
                if (file.equals(one.get("file"))) {
                    if (one.get("failure") instanceof String failure) {
                        throw new IOException(failure);
                    }
                    return !"ended".equals(one.get("state"));
                }
            }
            return false;
        } catch (CommandException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static void stop(MonitorClient client, String file) {
        try {
            client.call("x-capture-stop", Map.of("file", file));
        } catch (CommandException | IOException _) {
            // Somebody else has stopped it, or the program has gone.
        }
    }
}
