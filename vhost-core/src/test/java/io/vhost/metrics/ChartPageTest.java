package io.vhost.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.vhost.peer.Peers;
import io.vhost.peer.Program;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The page for people, without and with a browser. */
@Timeout(120)
class ChartPageTest {
    private static final InetSocketAddress ANY_PORT = InetSocketAddress.createUnresolved("127.0.0.1", 0);
    private static final int CHARTS = 8;

    @TempDir
    private Path directory;

    private static MetricsServer serve() throws IOException {
        return MetricsServer.start(ANY_PORT, List.of("127.0.0.1"), new PortAccounts(),
                () -> List.of(new PortTraffic("p", true, 1, 2, 3, 4, 5, 6)), List::of);
    }

    private static HttpResponse<String> ask(MetricsServer server, String method, String path)
            throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(URI.create(server.url()).resolve(path))
                    .method(method, BodyPublishers.noBody()).build(), BodyHandlers.ofString());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "/, text/html", "/page.css, text/css", "/page.js, text/javascript", "/figures.js, text/javascript",
        "/uPlot.css, text/css", "/uPlot.js, text/javascript"
    })
    void eachFileIsThereAndMayAskNobodyElse(String path, String type) throws Exception {
        try (MetricsServer server = serve()) {
            HttpResponse<String> answer = ask(server, "GET", path);
            assertEquals(200, answer.statusCode());
            assertEquals(type + "; charset=utf-8", answer.headers().firstValue("Content-Type").orElseThrow());
            String policy = answer.headers().firstValue("Content-Security-Policy").orElseThrow();
            assertTrue(policy.startsWith("default-src 'none'; script-src 'self'"), policy);
            assertFalse(policy.contains("unsafe") || policy.contains("http"), policy);
            assertTrue(answer.body().length() > 500, answer::body);
            if (!path.contains("uPlot")) {
                assertFalse(Pattern.compile("https?:|//[a-z]").matcher(answer.body()).find(), answer::body);
            }
            HttpResponse<String> head = ask(server, "HEAD", path);
            assertEquals(200, head.statusCode());
            assertEquals("", head.body());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /index.html, 404", "GET, /page.css/, 404", "GET, /../pom.xml, 404",
        "GET, /page/index.html, 404", "POST, /, 405", "DELETE, /page.js, 405", "PUT, /none, 405"
    })
    void nothingElseIsServed(String method, String path, int status) throws Exception {
        try (MetricsServer server = serve()) {
            assertEquals(status, ask(server, method, path).statusCode());
        }
    }

    @Test
    void aPageOfSomebodyElseCannotReadIt() throws Exception {
        try (MetricsServer server = serve()) {
            String answer = MetricsServerTest.ask(server, "/", "Host: evil.example");
            assertTrue(answer.startsWith("HTTP/1.1 403 "), answer);
            assertTrue(MetricsServerTest.ask(server, "/", "Host: localhost").startsWith("HTTP/1.1 200 "));
        }
    }

    /** Figures that grow by what they are called, of some ports with a queue pair each. */
    private static String figures(int ports, int scrape) {
        StringBuilder text = new StringBuilder();
        for (int port = 0; port < ports; port++) {
            for (String way : List.of("rx", "tx")) {
                String labels = "{direction=\"" + way + "\",port=\"port \\\"" + port + "\\\"\"";
                text.append("vhost_port_packets_total").append(labels).append("} ").append(1000.0 * scrape)
                        .append('\n');
                String queue = labels + ",queue=\"" + (way.equals("rx") ? 1 : 0) + "\"} ";
                text.append("vhost_queue_packets_total").append(queue).append(1000.0 * scrape).append('\n')
                        .append("vhost_queue_in_flight_packets").append(queue).append(7.0).append('\n');
            }
            text.append("vhost_port_connected{port=\"port \\\"").append(port).append("\\\"\"} 1\n");
        }
        return text.append("vhost_program_packets_total{direction=\"rx\",port=\"p\",program=\"wall\",")
                .append("verdict=\"drop\"} ").append(50.0 * scrape).append('\n').toString();
    }

    /** What Chromium makes of the page after some seconds. */
    private String look(String url) {
        try (Program browser = Program.start(List.of("chromium", "--headless", "--no-sandbox",
                "--disable-gpu", "--user-data-dir=" + directory.resolve("chromium"),
                "--virtual-time-budget=4000", "--dump-dom", url))) {
            assertTrue(browser.ended(Duration.ofSeconds(90)), () -> "Chromium: " + browser.output());
            return browser.output();
        }
    }

    private static long count(String what, String page) {
        return Pattern.compile(what).matcher(page).results().count();
    }

    @Tag("peer")
    @ParameterizedTest
    @ValueSource(ints = {2, 250})
    void aBrowserShowsPortsQueuesAndProgramsOfFewAndMany(int ports) throws Exception {
        Peers.require("chromium");
        AtomicInteger scrapes = new AtomicInteger();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/metrics", exchange -> {
            byte[] text = figures(ports, scrapes.incrementAndGet()).getBytes(StandardCharsets.UTF_8);
            try (exchange) {
                exchange.sendResponseHeaders(200, text.length);
                exchange.getResponseBody().write(text);
            }
        });
        server.createContext(ChartPage.PATH, new ChartPage());
        server.start();
        try {
            String page = look("http://127.0.0.1:" + server.getAddress().getPort() + "/");
            assertTrue(scrapes.get() >= 2, () -> scrapes + " scrapes\n" + page);
            assertTrue(page.contains(">running, "), page);
            assertEquals(CHARTS, count("<canvas", page), page);
            assertEquals(ports, count("<td>port \"\\d+\"</td><td>1</td>", page), page);
            assertEquals(Math.min(100, 2 * ports),
                    count("<td>port \"\\d+\"</td><td>[01] [rt]x</td>", page), page);
            assertTrue(page.contains(ports == 2 ? ">4 queues<" : ">the busiest 100 of 500<"), page);
            assertTrue(page.contains("<td>wall</td>"), page);
            assertTrue(page.contains("hidden=\"\""), "it says that uPlot is missing");
        } finally {
            server.stop(0);
        }
    }

    /** Its arithmetic, without a page. */
    @Tag("peer")
    @Test
    void countersBecomeRates() throws Exception {
        Peers.require("node");
        Path script = directory.resolve("figures.js");
        try (InputStream figures = ChartPage.class.getResourceAsStream("page/figures.js");
                InputStream check = ChartPageTest.class.getResourceAsStream("/metrics/figures-check.js")) {
            Files.write(script, figures.readAllBytes());
            Files.write(script, check.readAllBytes(), StandardOpenOption.APPEND);
        }
        try (Program node = Program.start(List.of("node", script.toString()))) {
            assertEquals(0, node.exitStatus(), node::output);
        }
    }

    @Tag("peer")
    @Test
    void aBrowserShowsWhatARunningServerSays() throws Exception {
        Peers.require("chromium");
        try (MetricsServer server = serve()) {
            String page = look(URI.create(server.url()).resolve("/").toString());
            assertTrue(page.contains(">running, "), page);
            assertTrue(page.contains("<tr class=\"down\"><td>p</td><td>0</td>"), page);
        }
    }
}
