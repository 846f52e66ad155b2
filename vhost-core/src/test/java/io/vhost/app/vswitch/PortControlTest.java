package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.app.CommandRun;
import io.vhost.app.cli.EndSignal;
import io.vhost.app.demo.Exchange;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.command.CommandException;
import io.vhost.os.CpuAffinity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ports that come and go while the switch runs. */
@Timeout(120)
class PortControlTest {
    private static final int ROUNDS = 5;

    @TempDir
    private Path directory;

    private final EndSignal end = new EndSignal();

    private Path path(String name) {
        return directory.resolve(name);
    }

    private CompletableFuture<CommandRun> start(String... options) {
        List<String> words = new ArrayList<>(List.of("switch", "--socket-path", path("a") + "," + path("b"),
                "--monitor", path("m").toString()));
        words.addAll(List.of(options));
        var run = CompletableFuture.supplyAsync(() -> CommandRun.of(end, words.toArray(String[]::new)));
        Await.until("its ports can be asked for", this::isRunning);
        return run;
    }

    private boolean isRunning() {
        try (MonitorClient monitor = MonitorClient.connect(path("m"))) {
            return names(monitor).size() == 2;
        } catch (IOException | CommandException _) {
            return false;
        }
    }

    private static void add(MonitorClient monitor, Path path) throws CommandException, IOException {
        Object _ = monitor.call("x-vhost-port-add", Map.of("path", path.toString()));
    }

    private static void remove(MonitorClient monitor, Path path) throws CommandException, IOException {
        Object _ = monitor.call("x-vhost-port-remove", Map.of("path", path.toString()));
    }

    private static List<Object> names(MonitorClient monitor) throws CommandException, IOException {
        return ((List<?>) monitor.call("x-query-vhost-ports", Map.of())).stream()
                .<Object>map(port -> ((Map<?, ?>) port).get("name")).toList();
    }

    /** As many threads as ports, fewer and more; DMA channels copy, or the threads do. */
    @ParameterizedTest
    @CsvSource({"1, true", "2, true", "2, false", "3, true", "4, false"})
    void portsComeAndGoUnderTrafficThatLosesNothing(int threads, boolean dma) throws Exception {
        List<String> options = new ArrayList<>(List.of("--monitor-mutating", "--cpu", cpus(threads)));
        if (dma) {
            options.addAll(List.of("--async", "--dma", "inline"));
        }
        var run = start(options.toArray(String[]::new));
        DriverConfig driver = DriverConfig.defaults();
        try (MonitorClient monitor = MonitorClient.connect(path("m"));
                Exchange exchange =
                        Exchange.between(path("a"), path("b"), driver, 64, Long.MAX_VALUE).start()) {
            for (int i = 0; i < ROUNDS; i++) {
                add(monitor, path("c"));
                try (VirtioUser guest = VirtioUser.connect(path("c"), driver)) {
                    long goal = exchange.received() + 1000;
                    Await.until("packets pass", () -> exchange.received() >= goal);
                    remove(monitor, path("c"));
                    assertFalse(Files.exists(path("c")));
                    Await.until("the guest is sent away", () -> !guest.isConnected());
                }
                assertEquals(List.of(path("a").toString(), path("b").toString()), names(monitor));
            }
            exchange.stop();
            exchange.finish();
        } finally {
            end.raise();
        }
        CommandRun done = run.join();
        assertEquals(0, done.status(), done::toString);
        assertTrue(done.out().contains("port 2: " + path("c") + "\n"), done.out());
        assertTrue(done.out().contains("port 6: " + path("c") + "\n"), done.out());
        assertEquals(ROUNDS, done.out().lines().filter(("port removed: " + path("c"))::equals).count(),
                done.out());
    }

    /** Those that the test may use, in turn. */
    private static String cpus(int count) {
        int[] allowed = CpuAffinity.allowedCpus();
        return IntStream.range(0, count).mapToObj(i -> Integer.toString(allowed[i % allowed.length]))
                .collect(Collectors.joining(","));
    }

    @Test
    void eachCpuMustBeThere() {
        String one = cpus(1);
        for (String wrong : List.of(one + ",99999", "99999," + one, "-1")) {
            CommandRun run = CommandRun.of("switch", "--socket-path", path("a").toString(), "--cpu", wrong);
            assertEquals(2, run.status(), run::toString);
            assertTrue(run.err().contains("--cpu must be among "), run::toString);
        }
        for (String wrong : List.of("", one + ",x", "0x0")) {
            CommandRun run = CommandRun.of("switch", "--socket-path", path("a").toString(), "--cpu", wrong);
            assertEquals(2, run.status(), run::toString);
            assertTrue(run.err().contains("--cpu"), run::toString);
        }
    }

    /** The port that both ends of the traffic are not at any more may come again. */
    @Test
    void aPortIsRemovedUnderItsOwnTraffic() throws Exception {
        var run = start("--monitor-mutating");
        DriverConfig driver = DriverConfig.defaults();
        try (MonitorClient monitor = MonitorClient.connect(path("m"))) {
            try (Exchange exchange =
                    Exchange.between(path("a"), path("b"), driver, 64, Long.MAX_VALUE).start()) {
                Await.until("packets pass", () -> exchange.received() >= 1000);
                remove(monitor, path("b"));
            }
            add(monitor, path("b"));
            try (Exchange exchange = Exchange.between(path("a"), path("b"), driver, 64, 1000).start()) {
                assertEquals(2000, exchange.finish());
            }
            assertEquals(List.of(path("a").toString(), path("b").toString()), names(monitor));
        } finally {
            end.raise();
        }
        assertEquals(0, run.join().status());
    }

    @Test
    void whatCannotBeDoneIsNamedAndChangesNothing() throws Exception {
        var run = start("--monitor-mutating");
        try (MonitorClient monitor = MonitorClient.connect(path("m"))) {
            assertRefused("there is a port " + path("a") + " already", () -> add(monitor, path("a")));
            assertRefused("there is no port " + path("c") + " with a socket",
                    () -> remove(monitor, path("c")));
            Path missing = path("missing").resolve("c");
            assertRefused("bind(" + missing + "): ENOENT", () -> add(monitor, missing));
            assertRefused("bind(" + path("m") + "): EADDRINUSE", () -> add(monitor, path("m")));
            assertRefused("Nul character not allowed", () -> add(monitor, Map.of("path", "a\0b")));
            assertEquals(List.of(path("a").toString(), path("b").toString()), names(monitor));
        } finally {
            end.raise();
        }
        assertEquals(0, run.join().status());
    }

    private static void add(MonitorClient monitor, Map<String, ?> arguments)
            throws CommandException, IOException {
        Object _ = monitor.call("x-vhost-port-add", arguments);
    }

    /** A call of a monitor. */
    private interface Call {
        void run() throws CommandException, IOException;
    }

    private static void assertRefused(String expected, Call call) {
        String text = assertThrows(CommandException.class, call::run).getMessage();
        assertTrue(text.startsWith(expected), text);
    }

    @Test
    void whoMayOnlyLookChangesNothing() throws Exception {
        var run = start();
        try (MonitorClient monitor = MonitorClient.connect(path("m"))) {
            assertTrue(assertThrows(CommandException.class, () -> add(monitor, path("c"))).getMessage()
                    .contains("disabled"));
            assertEquals(2, names(monitor).size());
        } finally {
            end.raise();
        }
        assertEquals(0, run.join().status());
    }

    /** A collector refuses answers that have a name twice. */
    @Test
    void aPortThatComesAgainIsOneMetric() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        var run = start("--monitor-mutating", "--jmx", "--metrics", Integer.toString(port));
        try (MonitorClient monitor = MonitorClient.connect(path("m"))) {
            for (int i = 0; i < 2; i++) {
                add(monitor, path("c"));
                try (VirtioUser _ = VirtioUser.connect(path("c"), DriverConfig.defaults())) {
                    assertEquals(1, count(port, "vhost_port_connections_total{port=\"" + path("c")
                            + "\"} 1.0"));
                    assertEquals(1, count(port, "vhost_queue_packets_total{direction=\"tx\",port=\""
                            + path("c") + "\",queue=\"0\"} "));
                }
                remove(monitor, path("c"));
                assertEquals(0, count(port, path("c").toString()));
            }
            Path missing = path("missing").resolve("c");
            assertRefused("bind(" + missing + "): ENOENT", () -> add(monitor, missing));
            assertEquals(0, count(port, missing.toString()));
        } finally {
            end.raise();
        }
        assertEquals(0, run.join().status());
    }

    private static long count(int port, String text) throws IOException {
        try (var in = URI.create("http://127.0.0.1:" + port + "/metrics").toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines()
                    .filter(line -> line.contains(text)).count();
        }
    }

    @Test
    void theThreadRunsOnTheCpuThatWasChosen() {
        int cpu = CpuAffinity.allowedCpus()[0];
        var run = start("--cpu", Integer.toString(cpu));
        try {
            // It has its name before it has its CPU.
            Await.until("the thread is on its CPU", () ->
                    allowedOfThread("switch").equals(List.of("Cpus_allowed_list:\t" + cpu)));
        } finally {
            end.raise();
        }
        assertEquals(0, run.join().status());
        CommandRun refused = CommandRun.of("switch", "--socket-path", path("x").toString(), "--cpu", "99999");
        assertEquals(2, refused.status());
        assertTrue(refused.err().startsWith("vhost: --cpu must be among ["), refused.err());
    }

    private static List<String> allowedOfThread(String name) {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            for (Path task : tasks.toList()) {
                List<String> status = status(task);
                if (status.contains("Name:\t" + name)) {
                    return status.stream().filter(line -> line.startsWith("Cpus_allowed_list")).toList();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return List.of();
    }

    private static List<String> status(Path task) {
        try {
            return Files.readAllLines(task.resolve("status"));
        } catch (IOException _) {
            // Threads end while they are looked at.
            return List.of();
        }
    }
}
