package io.vhost.app.extcap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.app.CommandRun;
import io.vhost.app.cli.EndSignal;
import io.vhost.peer.MainProcess;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The words of Wireshark's interface, without Wireshark. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExtcapCommandTest {
    @TempDir
    private Path directory;

    @Test
    void interfacesLinkTypesAndOptionsAreListed() {
        CommandRun list = CommandRun.of("extcap", "--extcap-interfaces", "--extcap-version=4.0");
        assertEquals(List.of("extcap {version=1.0}", "interface {value=vhost}{display=vhost port}"),
                list.out().lines().toList());
        CommandRun types = CommandRun.of("extcap", "--extcap-interface", "vhost", "--extcap-dlts");
        assertEquals("dlt {number=1}{name=EN10MB}{display=Ethernet}", types.out().strip());
        CommandRun config = CommandRun.of("extcap", "--extcap-interface", "vhost", "--extcap-config");
        assertEquals(6, config.out().lines().filter(line -> line.startsWith("arg {")).count());
        assertEquals(3, config.out().lines().filter(line -> line.startsWith("value {arg=2}")).count());
        assertTrue(config.out().lines().allMatch(line -> line.matches("(arg|value) (\\{\\w+=[^{}]*})+")));
        CommandRun filter = CommandRun.of("extcap", "--extcap-interface", "vhost",
                "--extcap-capture-filter", "tcp");
        assertTrue(filter.out().contains("capture filters are eBPF objects"), filter::toString);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "|2|Wireshark calls this",
        "--extcap-config|2|--extcap-interface is missing",
        "--capture --extcap-interface vhost|2|--fifo is missing",
        "--capture --extcap-interface eth0 --fifo F|1|there is no interface eth0",
        "--capture --extcap-interface vhost-0-0 --fifo F|1|there is no interface vhost-0-0",
        "--capture --extcap-interface vhost --fifo F|1|name the monitor",
        "--capture --extcap-interface vhost --fifo F --monitor /absent|1|/absent"})
    void whatIsWrongIsNamed(String words, int status, String text) {
        String all = words == null ? "extcap" : "extcap " + words;
        CommandRun run = CommandRun.of(all.split(" "));
        assertEquals(status, run.status(), run::toString);
        assertTrue(run.err().contains(text), run::toString);
    }

    /** It ends when the pipe is removed, and when the program refuses. */
    @Test
    void aCaptureEndsWithItsPipe() throws Exception {
        Path socket = directory.resolve("a.sock");
        Path monitor = directory.resolve("monitor");
        Path pipe = directory.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        EndSignal end = new EndSignal();
        Thread forward = Thread.ofPlatform().start(() -> CommandRun.of(end, "forward", "--socket-path",
                socket.toString(), "--quiet", "--monitor", monitor.toString(), "--monitor-mutating"));
        try {
            MainProcess.awaitListening(socket);
            String[] words = {"extcap", "--capture", "--extcap-interface", "vhost", "--monitor",
                monitor.toString(), "--fifo", pipe.toString()};
            AtomicReference<CommandRun> run = new AtomicReference<>();
            Thread capture = Thread.ofPlatform().start(() -> run.set(CommandRun.of(words)));
            try (InputStream stream = Files.newInputStream(pipe)) {
                assertEquals(0x0A, stream.read());
                CommandRun second = CommandRun.of(words);
                assertEquals(1, second.status());
                assertTrue(second.err().contains("runs already"), second::toString);
            }
            Files.delete(pipe);
            Await.until("the end", () -> !capture.isAlive());
            assertEquals(0, run.get().status(), run::toString);
        } finally {
            end.raise();
            forward.join();
        }
    }

    @Test
    void theLauncherCallsTheProgramBesideIt() throws IOException, InterruptedException {
        Path script = directory.resolve("vhost-extcap");
        Files.copy(Path.of("src", "main", "dist", "vhost-extcap"), script);
        Path program = Files.writeString(directory.resolve("vhost"), "#!/bin/sh\necho \"$#\" \"$@\"\n");
        assertTrue(program.toFile().setExecutable(true) && script.toFile().setExecutable(true));
        Path link = Files.createSymbolicLink(
                Files.createDirectory(directory.resolve("extcap")).resolve("vhost-extcap"), script);
        Process process = new ProcessBuilder(link.toString(), "--extcap-interfaces", "a b").start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor());
        assertEquals("3 extcap --extcap-interfaces a b", text.strip());
    }
}
