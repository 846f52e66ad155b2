package io.vhost.app.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.CommandRun;
import io.vhost.app.demo.Exchange;
import io.vhost.driver.DriverConfig;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Peers;
import io.vhost.peer.Program;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Figures of {@code forward} and {@code switch} for those who collect them. */
@Timeout(120)
class MetricsOptionsTest {
    private static final int PACKETS = 1000;

    @TempDir
    private Path directory;

    private static String scrape(String url) throws IOException {
        try (var in = URI.create(url).toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private Program start(String command, Path socket) {
        return MainProcess.start(command, "--socket-path", socket.toString(), "--metrics", "0", "--async",
                "--dma", "inline");
    }

    @Test
    void aProgramServesWhatItsPortsHaveCounted() throws IOException {
        Path socket = directory.resolve("vhost");
        try (Program program = start("forward", socket)) {
            program.await("metrics: ");
            String url = program.await("\n");
            assertTrue(url.startsWith("http://127.0.0.1:"), url);
            MainProcess.awaitListening(socket);
            DriverConfig driver = DriverConfig.defaults();
            try (Exchange exchange = Exchange.loop(socket, driver, 64, PACKETS, false).start()) {
                exchange.finish();
            }
            String scraped = scrape(url);
            for (String line : List.of(
                    "vhost_port_packets_total{direction=\"rx\",port=\"" + socket + "\"} 1000.0\n",
                    "vhost_queue_bytes_total{direction=\"tx\",port=\"" + socket + "\",queue=\"0\"} 64000.0\n",
                    "vhost_queue_async_completed_packets_total{direction=\"tx\",port=\"" + socket
                            + "\",queue=\"0\"} 1000.0\n",
                    "vhost_queue_in_flight_packets{direction=\"tx\",port=\"" + socket
                            + "\",queue=\"0\"} 0.0\n",
                    "vhost_port_dropped_packets_total{port=\"" + socket + "\"} 0.0\n")) {
                assertTrue(scraped.contains(line), () -> line + " is not in\n" + scraped);
            }
            program.terminate();
            assertEquals(0, program.exitStatus());
        }
    }

    /** Prometheus's own tool looks at all that a program serves, before and after there is a front-end. */
    @Tag("peer")
    @ParameterizedTest
    @ValueSource(strings = {"forward", "switch"})
    void promtoolAcceptsIt(String command) throws IOException {
        Peers.require("promtool", "sh");
        Path socket = directory.resolve("vhost");
        try (Program program = start(command, socket)) {
            program.await("metrics: ");
            String url = program.await("\n");
            check(scrape(url));
            MainProcess.awaitListening(socket);
            try (Exchange exchange = Exchange.loop(socket, DriverConfig.defaults(), 64, 10, false).start()) {
                if (command.equals("forward")) {
                    exchange.finish();
                }
                check(scrape(url));
            }
        }
    }

    private void check(String scraped) throws IOException {
        Path file = Files.writeString(directory.resolve("metrics"), scraped);
        try (Program tool = Program.start(List.of("sh", "-c", "promtool check metrics < " + file))) {
            assertEquals(0, tool.exitStatus(), tool::output);
            assertEquals("", tool.output());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "", ":", "1:2:3", "65536", "-1", "127.0.0.1", "127.0.0.1:",
            "127.0.0.1:65536", "a@b:1", "127.0.0.1:1/x", "a b:1"})
    void whatIsNoAddressIsRefused(String address) {
        CommandRun run = CommandRun.of("switch", "--socket-path", directory.resolve("s").toString(),
                "--metrics", address);
        assertEquals(2, run.status(), run::toString);
        assertTrue(run.err().contains("such as 127.0.0.1:9400 or [::1]:9400"), run.err());
        assertFalse(Files.exists(directory.resolve("s")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"forward", "switch"})
    void aPortThatIsTakenEndsTheProgramAndLeavesNothing(String command) throws IOException {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String address = "127.0.0.1:" + other.getLocalPort();
            CommandRun run = CommandRun.of(command, "--quiet", "--socket-path",
                    directory.resolve("s").toString(), "--metrics", address);
            assertEquals(new CommandRun(1, "", "vhost: metrics at " + address
                    + ": Address already in use; choose another address or port\n"), run);
            assertFalse(Files.exists(directory.resolve("s")));
        }
    }

    @Test
    void namesWithoutAServerAreRefused() {
        CommandRun run = CommandRun.of("forward", "--socket-path", directory.resolve("s").toString(),
                "--metrics-host", "a");
        assertEquals(2, run.status(), run::toString);
        assertTrue(run.err().contains("--metrics-host is for --metrics"), run.err());
    }
}
