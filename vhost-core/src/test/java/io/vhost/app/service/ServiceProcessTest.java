package io.vhost.app.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.demo.Exchange;
import io.vhost.driver.DriverConfig;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Peers;
import io.vhost.peer.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The program in the hands of somebody who plays the service manager. */
@Tag("peer")
@Timeout(120)
class ServiceProcessTest {
    @TempDir
    private Path directory;

    /** What a service manager hears on its socket, a message after the other. */
    private Program manager(String address) {
        Peers.require("socat");
        Program manager = Program.start(List.of("socat", "-d", "-d", "-u", address, "-"));
        manager.await("starting data transfer loop");
        return manager;
    }

    private Program start(String notifySocket, String watchdog, String... words) {
        return MainProcess.start(List.of("env", "--default-signal=HUP", "NOTIFY_SOCKET=" + notifySocket,
                "WATCHDOG_USEC=" + watchdog), words);
    }

    @ParameterizedTest
    @CsvSource({"forward,false", "switch,false", "switch,true"})
    void aServiceManagerIsToldOfReadinessLifeAndEnd(String command, boolean isAbstract) {
        String name = directory.resolve("n").toString();
        Path socket = directory.resolve("s");
        try (Program manager = manager((isAbstract ? "ABSTRACT-RECV:" : "UNIX-RECV:") + name);
                Program program = start((isAbstract ? "@" : "") + name, "200000",
                        command, "--socket-path", socket.toString())) {
            manager.await("READY=1");
            assertTrue(Files.exists(socket), "ready is who listens");
            manager.await("WATCHDOG=1");
            manager.await("WATCHDOG=1");
            program.terminate();
            manager.await("STOPPING=1");
            assertEquals(0, program.exitStatus());
            assertFalse(program.output().contains("WARNING"), program.output());
        }
    }

    @Test
    void aServiceManagerThatIsNotThereIsNamedAndNothingLeft() {
        Path missing = directory.resolve("n");
        try (Program program = start(missing.toString(), "0",
                "switch", "--quiet", "--socket-path", directory.resolve("s").toString())) {
            assertEquals(1, program.exitStatus());
            assertTrue(program.output().startsWith("vhost: NOTIFY_SOCKET: connect(" + missing + "): ENOENT"),
                    program.output());
            assertFalse(Files.exists(directory.resolve("s")));
        }
    }

    /** systemd's own tool listens, and starts the program when somebody comes. */
    private Program activated(String[] listen, String... words) {
        Peers.require("systemd-socket-activate");
        List<String> launcher = new ArrayList<>(List.of("systemd-socket-activate"));
        launcher.addAll(List.of(listen));
        return MainProcess.start(launcher, words);
    }

    @ParameterizedTest
    @ValueSource(strings = {"forward", "switch"})
    void socketsOfAServiceManagerArePorts(String command) throws IOException {
        Path socket = directory.resolve("s");
        try (Program program = activated(
                new String[] {"--listen=" + socket, "--fdname=guests"}, command, "--seconds", "60")) {
            program.await("Listening on");
            try (Exchange exchange = Exchange.loop(socket, DriverConfig.defaults(), 64, 100, false).start()) {
                program.await("port 0: guests:3\n");
                if (command.equals("forward")) {
                    assertEquals(100, exchange.finish());
                }
            }
            program.terminate();
            assertEquals(0, program.exitStatus());
            assertTrue(Files.exists(socket), "the socket is the manager's");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"forward", "switch"})
    void socketsOfWrongKindsAreRefused(String command) throws IOException {
        Path socket = directory.resolve("s");
        try (Program program = activated(new String[] {"--datagram", "--listen=" + socket}, command)) {
            program.await("Listening on");
            try (Program client = Program.start(
                    List.of("sh", "-c", "echo x | socat - UNIX-SENDTO:" + socket))) {
                assertEquals(0, client.exitStatus());
            }
            assertEquals(1, program.exitStatus());
            program.await("vhost: getsockopt(fd=3): ");
            program.await("this is no Unix stream socket (domain 1, type 2); pass one that listens or is"
                    + " connected\n");
        }
    }

    @Test
    void variablesThatAreNoNumbersAreNamed() {
        try (Program program = MainProcess.start(List.of("env", "LISTEN_FDS=many", "LISTEN_PID=1"),
                "switch", "--socket-path", directory.resolve("s").toString())) {
            assertEquals(2, program.exitStatus());
            program.await("vhost: LISTEN_FDS=many LISTEN_PID=1: a service manager sets both to numbers");
        }
    }

    @Test
    void aHangUpHasTheFileReadAgain() throws IOException {
        Path config = directory.resolve("c.json");
        String[] sockets = {"a", "b", "c"};
        for (int i = 0; i < sockets.length; i++) {
            sockets[i] = directory.resolve(sockets[i]).toString();
        }
        Files.writeString(config, "{\"socket-path\": [\"" + sockets[0] + "\", \"" + sockets[1] + "\"]}");
        String name = directory.resolve("n").toString();
        try (Program manager = manager("UNIX-RECV:" + name);
                Program program = start(name, "0", "switch", "--config", config.toString())) {
            program.await("listening\n");
            manager.await("READY=1");
            Files.writeString(config, "{\"connect\": \"" + sockets[2] + "\",\n\"age\": 5,\"socket-path\": \""
                    + sockets[1] + "\"}");
            Program.signal("HUP", program.pid());
            program.await("port removed: " + sockets[0] + "\n");
            program.await("port 2: " + sockets[2] + "\n");
            program.await("what has changed beside ports is for the next start");
            manager.await("RELOADING=1");
            manager.await("READY=1");
            assertFalse(Files.exists(Path.of(sockets[0])));
            Files.writeString(config, "{\"socket-path\": \"" + sockets[1] + "\",\n \"age\"}");
            Program.signal("HUP", program.pid());
            program.await("nothing has changed: " + config + ":2:");
            manager.await("RELOADING=1");
            manager.await("READY=1");
            MainProcess.awaitListening(Path.of(sockets[1]));
            program.terminate();
            manager.await("STOPPING=1");
            assertEquals(0, program.exitStatus());
        }
    }

    @Test
    void aHangUpChangesThePortsOfForward() throws IOException {
        Path config = directory.resolve("c.json");
        Path a = directory.resolve("a");
        Path b = directory.resolve("b");
        Path c = directory.resolve("c");
        Files.writeString(config, "{\"socket-path\": [\"" + a + "\", \"" + b + "\"]}");
        String name = directory.resolve("n").toString();
        try (Program manager = manager("UNIX-RECV:" + name);
                Program program = start(name, "0", "forward", "--config", config.toString())) {
            manager.await("READY=1");
            Files.writeString(config, "{\"socket-path\": [\"" + b + "\", \"" + c + "\"]}");
            Program.signal("HUP", program.pid());
            program.await("port removed: " + a + "\n");
            program.await("port 0: " + c + "\n");
            manager.await("RELOADING=1");
            manager.await("READY=1");
            assertFalse(Files.exists(a));
            MainProcess.awaitListening(b);
            MainProcess.awaitListening(c);
            program.terminate();
            assertEquals(0, program.exitStatus());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "time|(?s)20..-..-..T\\S+Z WARNING: .*connections.*",
        "json|(?s)\\{\"time\": \"20..-\\S+Z\", \"level\": \"WARNING\", \"logger\": \"io.vhost.*\\}\\n.*"})
    void logsHaveTheTimeOrAreObjects(String format, String expected) {
        Path socket = directory.resolve("s");
        try (Program program = MainProcess.start("switch", "--quiet", "--log", format,
                "--max-connections", "1", "--socket-path", socket.toString())) {
            MainProcess.awaitListening(socket);
            while (!program.output().contains("\n")) {
                MainProcess.awaitListening(socket);
                MainProcess.awaitListening(socket);
            }
            assertTrue(program.output().matches(expected), program.output());
        }
    }
}
