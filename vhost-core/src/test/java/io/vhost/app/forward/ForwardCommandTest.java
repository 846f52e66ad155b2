package io.vhost.app.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.app.CommandRun;
import io.vhost.app.cli.EndSignal;
import io.vhost.app.demo.Exchange;
import io.vhost.driver.DriverConfig;
import io.vhost.os.Descriptor;
import io.vhost.os.UnixListener;
import io.vhost.os.UnixSocket;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ForwardCommandTest {
    private static final DriverConfig DRIVER = DriverConfig.defaults();
    private static final int PACKETS = 2_000;

    @TempDir
    private Path directory;

    private final EndSignal end = new EndSignal();

    @Test
    void theTotalsOfEachPortAreShownAtTheEnd() throws IOException {
        Path one = directory.resolve("one");
        Path other = directory.resolve("other");
        var run = start("--socket-path", one + "," + other, "--quiet", "--mode", "io");
        Await.until("it listens", () -> Files.exists(other));
        try (Exchange exchange = Exchange.between(one, other, DRIVER, 100, PACKETS).start()) {
            exchange.finish();
        }
        CommandRun done = end(run);
        assertEquals(0, done.status(), done::toString);
        String row = " +2000 +200000 +2000 +200000 +0 +0 +0  ";
        assertTrue(
                done.out().matches("(?s)\nport .*\n0" + row + one + "\n1" + row + other + "\n"),
                done.out());
        assertFalse(Files.exists(one) || Files.exists(other));
    }

    @Test
    void theOptionForSocketsCanBeRepeated() throws IOException {
        Path one = directory.resolve("one");
        Path other = directory.resolve("other");
        var run = start("--socket-path", one.toString(), "--socket-path", other.toString());
        Await.until("it listens", () -> Files.exists(one) && Files.exists(other));
        CommandRun done = end(run);
        assertTrue(
                done.out().startsWith("port 0: " + one + "\nport 1: " + other + "\n"), done.out());
    }

    @Test
    void socketsCanBeOpenedToAGroup() throws IOException {
        Path one = directory.resolve("one");
        var run = start("--socket-path", one.toString(), "--socket-mode", "660");
        Await.until("it listens", () -> Files.exists(one) && hasPermissions("rw-rw----", one));
        assertEquals(0, end(run).status());
    }

    private static boolean hasPermissions(String expected, Path file) {
        try {
            return expected.equals(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void ratesAreShownEverySecond() {
        CommandRun run =
                CommandRun.of(
                        "forward",
                        "--seconds",
                        "2",
                        "--socket-path",
                        directory.resolve("socket").toString());
        assertEquals(0, run.status(), run::toString);
        assertTrue(
                run.out()
                        .matches(
                                "(?s).*\n"
                                    + " +1 s  port 0 rx 0.000 tx 0.000 dropped 0.000 Mpps \\(nobody"
                                    + " connected\\)\n"
                                    + ".*"),
                run.out());
    }

    @Test
    void aListeningDescriptorIsServedUntilTheEnd() throws IOException {
        Path path = directory.resolve("socket");
        try (UnixListener parent = UnixListener.bind(path)) {
            var run =
                    start(
                            "--fd",
                            Integer.toString(handedOver(parent.descriptor())),
                            "--mode",
                            "macswap");
            for (int round = 0; round < 2; round++) {
                try (Exchange exchange = Exchange.loop(path, DRIVER, 0, PACKETS, true).start()) {
                    assertEquals(PACKETS, exchange.finish());
                }
            }
            CommandRun done = end(run);
            assertEquals(0, done.status(), done::toString);
            assertTrue(Files.exists(path), "the socket's file is its creator's");
        }
    }

    @Test
    void aConnectedDescriptorIsServedUntilTheFrontEndGoes() throws IOException {
        Path path = directory.resolve("socket");
        try (UnixListener parent = UnixListener.bind(path)) {
            CompletableFuture<CommandRun> run =
                    CompletableFuture.supplyAsync(
                            () -> {
                                try (UnixSocket accepted = parent.accept()) {
                                    return CommandRun.of(
                                            end,
                                            "forward",
                                            "--fd",
                                            Integer.toString(handedOver(accepted.descriptor())));
                                }
                            });
            try (Exchange exchange = Exchange.loop(path, DRIVER, 0, PACKETS, false).start()) {
                assertEquals(PACKETS, exchange.finish());
                assertFalse(run.isDone());
            }
            CommandRun done = run.join();
            assertEquals(0, done.status(), done::toString);
            assertTrue(done.out().contains(" fd="), done.out());
        }
    }

    /** A descriptor number as a parent process leaves it to its child: with no owner here. */
    private static int handedOver(Descriptor socket) {
        return socket.duplicate().fd();
    }

    private CompletableFuture<CommandRun> start(String... options) {
        String[] words = new String[options.length + 1];
        words[0] = "forward";
        System.arraycopy(options, 0, words, 1, options.length);
        return CompletableFuture.supplyAsync(() -> CommandRun.of(end, words));
    }

    private CommandRun end(CompletableFuture<CommandRun> run) {
        end.raise();
        return run.join();
    }
}
