package io.vhost.metrics;

import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.Request;
import io.prometheus.metrics.config.PrometheusProperties;
import io.prometheus.metrics.exporter.httpserver.HttpErrorHandlingPolicy;
import io.prometheus.metrics.exporter.httpserver.MetricsHandler;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.vhost.device.ProgramLink;
import io.vhost.protocol.WarningLimiter;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Answers scrapes over HTTP, at {@code /metrics}, in the text formats of Prometheus and OpenMetrics, and
 * people at {@code /}, with a page that draws the same figures.
 *
 * <p>Threads: any; requests are answered by threads of its own.
 */
public final class MetricsServer implements AutoCloseable {
    /**
     * How the JDK's server behaves unless the user says otherwise: connections take descriptors, which
     * front-ends need as well, and who does not go on with a request or an answer leaves after a minute.
     */
    private static final Map<String, String> DEFAULTS = Map.of(
            "jdk.httpserver.maxConnections", "64",
            "sun.net.httpserver.maxReqTime", "60",
            "sun.net.httpserver.maxRspTime", "60");

    private static final int THREADS = 4;
    private static final String PATH = "/metrics";
    private static final String ACCEPT = "Accept";

    private final HttpServer server;
    private final ExecutorService threads;

    private MetricsServer(HttpServer server, ExecutorService threads) {
        this.server = server;
        this.threads = threads;
    }

    /**
     * Begins to answer.
     *
     * @param where to listen; port 0: any that is free
     * @param names that requests may call this machine by, besides addresses and {@code localhost}
     * @param accounts of the ports
     * @param traffic what the application counts at ports; asked on the server's threads
     * @param programs at work on queues; asked on the server's threads
     * @throws IOException if the address cannot be used; the text names it, the reason and the remedy
     * @throws IllegalStateException if the program lacks the library that serves; the text names it
     */
    public static MetricsServer start(InetSocketAddress where, List<String> names, PortAccounts accounts,
            Supplier<List<PortTraffic>> traffic, Supplier<List<ProgramLink>> programs) throws IOException {
        MetricsLibrary.require();
        DEFAULTS.forEach((name, value) -> {
            if (System.getProperty(name) == null) {
                System.setProperty(name, value);
            }
        });
        return Opening.open(where, names, new PrometheusMetrics(accounts, traffic, programs,
                VhostServer::resourceUsage));
    }

    /** A class of its own: the JVM looks for absent libraries when it checks who uses them. */
    private static final class Opening {
        private static final WarningLimiter FAULTS =
                new WarningLimiter(System.getLogger(MetricsServer.class.getPackageName()));

        private record TextRequest(URI getRequestURI, String getRequestMethod, Headers getRequestHeaders)
                implements Request {}

        private Opening() {}

        static MetricsServer open(InetSocketAddress where, List<String> names, PrometheusMetrics metrics)
                throws IOException {
            HttpServer server = bind(where);
            ExecutorService threads = Executors.newFixedThreadPool(
                    THREADS, Thread.ofPlatform().daemon().name("vhost-metrics-", 0).factory());
            PrometheusRegistry registry = new PrometheusRegistry();
            registry.register(metrics);
            HttpContext context = server.createContext(PATH, new MetricsHandler(
                    PrometheusProperties.get(), registry,
                    HttpErrorHandlingPolicy.builder().errorReporter(Opening::failed).build()));
            HostCheck hosts = new HostCheck(names);
            context.getFilters().addAll(List.of(
                    hosts, Filter.adaptRequest("text formats", Opening::asText)));
            server.createContext(ChartPage.PATH, new ChartPage()).getFilters().add(hosts);
            server.setExecutor(threads);
            server.start();
            return new MetricsServer(server, threads);
        }

        private static void failed(Throwable scrape) {
            FAULTS.log(Level.WARNING, "metrics: a scrape has failed", scrape);
        }

        private static HttpServer bind(InetSocketAddress where) throws IOException {
            String text = "metrics at " + where.getHostString() + ":" + where.getPort();
            InetSocketAddress resolved = new InetSocketAddress(where.getHostString(), where.getPort());
            if (resolved.isUnresolved()) {
                throw new IOException(text + ": this name has no address");
            }
            try {
                return HttpServer.create(resolved, 0);
            } catch (IOException e) {
                throw new IOException(text + ": " + e.getMessage() + "; choose another address or port", e);
            }
        }

        /** Protocol buffers, for which the library wants 2 MB more, are never the only format asked for. */
        private static Request asText(Request request) {
            String texts = request.getRequestHeaders().getOrDefault(ACCEPT, List.of()).stream()
                    .flatMap(accepted -> Stream.of(accepted.split(",", -1)))
                    .filter(format -> !format.contains("protobuf")).collect(Collectors.joining(","));
            Headers headers = new Headers(request.getRequestHeaders());
            headers.set(ACCEPT, texts);
            return new TextRequest(request.getRequestURI(), request.getRequestMethod(), headers);
        }
    }

    /** Where to scrape. */
    public String url() {
        InetSocketAddress bound = server.getAddress();
        String host = bound.getAddress().getHostAddress();
        return "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + bound.getPort() + PATH;
    }

    /** Ends all connections and the threads. */
    @Override
    public void close() {
        server.stop(0);
        threads.shutdown();
    }
}
