package io.vhost.app.cli;

import io.vhost.app.polling.PortCounters;
import io.vhost.device.DeviceListener;
import io.vhost.device.ProgramLink;
import io.vhost.metrics.JmxBeans;
import io.vhost.metrics.MetricsServer;
import io.vhost.metrics.PortAccounts;
import io.vhost.metrics.PortTraffic;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Figures for those who collect them: options of several commands. Thread: the command's. */
public final class MetricsOptions {
    private static final String LOOPBACK = "127.0.0.1";
    private static final int MOST_PORT = 65535;

    @Option(
            names = "--metrics",
            paramLabel = "[ADDRESS:]PORT",
            hideParamSyntax = true,
            converter = Address.class,
            description = "Serve counters to Prometheus over HTTP, at /metrics, and a page with charts, at /;"
                    + " on this machine's own address (127.0.0.1) unless another is given. Port 0 is any that"
                    + " is free.")
    private InetSocketAddress address;

    @Option(
            names = "--metrics-host",
            paramLabel = "NAME[,NAME...]",
            hideParamSyntax = true,
            split = ",",
            description = "Answer requests to these names of this machine, too; others than addresses,"
                    + " localhost and the name in --metrics are refused.")
    private List<String> names = List.of();

    @Option(names = "--jmx", description = "Show the same counters to JMX, below io.vhost.")
    private boolean jmx;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    private final PortAccounts accounts = new PortAccounts();

    /** Where figures can be had; closing ends that. */
    public static final class Open implements AutoCloseable {
        private final List<Runnable> ends = new ArrayList<>();

        private Open() {}

        @Override
        public void close() {
            ends.forEach(Runnable::run);
        }
    }

    /**
     * Puts accounts between a port's server and its listener, if figures are asked for.
     *
     * @param port name of the port
     * @param listener its listener
     * @return the listener to give to the server
     */
    public DeviceListener watch(String port, DeviceListener listener) {
        return address != null || jmx ? accounts.watch(port, listener) : listener;
    }

    /** A port is no more. */
    public void forget(String port) {
        accounts.remove(port);
    }

    /** What a command's counters of a port are to a collector. */
    public static PortTraffic traffic(String port, boolean connected, PortCounters counters) {
        return new PortTraffic(port, connected, counters.rxPackets(), counters.rxBytes(),
                counters.txPackets(), counters.txBytes(), counters.dropPackets(), counters.dropBytes());
    }

    /**
     * Begins to serve what the user asked for.
     *
     * @param traffic of all ports; called by threads of HTTP and JMX
     * @param programs at work; called by threads of HTTP
     * @param out is told where; null: nobody is
     * @throws IOException if the address cannot be used, or a library is missing
     */
    public Open open(Supplier<List<PortTraffic>> traffic, Supplier<List<ProgramLink>> programs,
            PrintWriter out) throws IOException {
        if (address == null && !names.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--metrics-host is for --metrics");
        }
        Open open = new Open();
        try {
            if (jmx) {
                requireJmx();
                open.ends.add(JmxBeans.register(accounts, traffic)::close);
            }
            if (address != null) {
                MetricsServer server = serve(traffic, programs);
                open.ends.add(server::close);
                if (out != null) {
                    out.println("metrics: " + server.url());
                }
            }
            return open;
        } catch (IOException | RuntimeException | Error e) {
            open.close();
            throw e;
        }
    }

    private MetricsServer serve(Supplier<List<PortTraffic>> traffic, Supplier<List<ProgramLink>> programs)
            throws IOException {
        List<String> ours = new ArrayList<>(names);
        ours.add(address.getHostString());
        try {
            return MetricsServer.start(address, ours, accounts, traffic, programs);
        } catch (IllegalStateException missing) {
            throw new IOException(missing.getMessage(), missing);
        }
    }

    private static void requireJmx() throws IOException {
        if (ModuleLayer.boot().findModule("java.management").isEmpty()) {
            throw new IOException("--jmx needs the module java.management: --add-modules java.management");
        }
    }

    /** An address and a port, or a port. */
    static final class Address implements ITypeConverter<InetSocketAddress> {
        Address() {}

        @Override
        public InetSocketAddress convert(String text) {
            try {
                URI uri = new URI("http://" + (text.contains(":") ? text : LOOPBACK + ":" + text));
                String host = uri.getHost();
                boolean alone = uri.getUserInfo() == null && uri.getPath().isEmpty()
                        && uri.getQuery() == null && uri.getFragment() == null;
                if (host != null && alone && uri.getPort() >= 0 && uri.getPort() <= MOST_PORT) {
                    return InetSocketAddress.createUnresolved(
                            host.startsWith("[") ? host.substring(1, host.length() - 1) : host,
                            uri.getPort());
                }
            } catch (URISyntaxException _) {
                // As below.
            }
            throw new TypeConversionException("\"" + text + "\" is not a port, such as 9400, or an address"
                    + " and a port, such as 127.0.0.1:9400 or [::1]:9400");
        }
    }
}
