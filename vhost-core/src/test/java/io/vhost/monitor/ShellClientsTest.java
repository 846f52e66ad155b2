package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.peer.Peers;
import io.vhost.peer.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What people write in a shell against QEMU's monitor works against ours as it is. */
@Tag("peer")
@Timeout(120)
class ShellClientsTest {
    /** Written as such scripts are: each command waits for the prompt, and its output for the next. */
    private static final String SCRIPT = """
            set timeout 30
            spawn -noecho socat - UNIX-CONNECT:[lindex $argv 0]
            proc await {text} {
              expect {
                -exact $text { return }
                timeout { puts "FAILED: no $text"; exit 1 }
                eof { puts "FAILED: the end before $text"; exit 1 }
              }
            }
            await "(qemu) "
            send "info status\\r"
            await "VM status: running\\r"
            await "(qemu) "
            send "info virtio\\r"
            await "No VirtIO devices\\r"
            await "(qemu) "
            send "nope\\r"
            await "unknown command: 'nope'\\r"
            await "(qemu) "
            puts "DONE"
            """;

    /** On a terminal that sends each key and shows what comes back: a TAB puts the rest of a name in. */
    private static final String KEYS = """
            set timeout 30
            spawn -noecho socat -,raw,echo=0 UNIX-CONNECT:[lindex $argv 0]
            proc await {text} {
              expect {
                -exact $text { return }
                timeout { puts "FAILED: no $text"; exit 1 }
                eof { puts "FAILED: the end before $text"; exit 1 }
              }
            }
            await "(qemu) "
            send "x-ec"
            await "x-ec"
            send "\\t"
            await "ho "
            send "5\\r"
            await "5\\r"
            await "5\\r"
            await "(qemu) "
            send "info stat\\t"
            await "info stat"
            send "us\\r"
            await "VM status: running\\r"
            await "(qemu) "
            puts "DONE"
            """;

    @TempDir
    private Path directory;

    @Test
    void socatAndJq() {
        Peers.require("bash", "socat", "jq");
        Path socket = directory.resolve("m");
        try (Monitor _ = new Monitor(socket, config -> config);
                Program shell = Program.start(List.of("bash", "-o", "pipefail", "-c", """
                        (echo '{"execute":"qmp_capabilities"}'; echo '{"execute":"query-commands","id":1}') \\
                          | socat -t 10 - "UNIX-CONNECT:$1" \\
                          | jq -r 'select(.id == 1).return[].name | select(startswith("query-v"))'
                        """, "bash", socket.toString()))) {
            assertEquals(0, shell.exitStatus(), shell::output);
            shell.await("query-version\n");
            assertEquals("query-version\n", shell.output());
        }
    }

    @Test
    void anExpectScript() throws IOException {
        Path socket = directory.resolve("m");
        try (Monitor _ = new Monitor(socket,
                config -> config.mode(MonitorConfig.Mode.HMP).prompt("(qemu) "))) {
            runScript(socket, SCRIPT);
        }
    }

    /** The script is one that QEMU understands. */
    @Test
    void theSameScriptWithQemu() throws IOException {
        Peers.require("qemu-system-x86_64");
        Path socket = directory.resolve("q");
        try (Program qemu = Program.start(List.of("qemu-system-x86_64", "-machine", "none", "-nodefaults",
                "-display", "none", "-monitor", "unix:" + socket + ",server=on,wait=off"))) {
            while (!Files.exists(socket)) {
                if (qemu.ended(Duration.ofMillis(1))) {
                    throw new AssertionError(qemu.output());
                }
            }
            Client.connectSoon(socket).close();
            runScript(socket, SCRIPT);
        }
    }

    @Test
    void keysOnATerminal() throws IOException {
        Path socket = directory.resolve("m");
        try (Monitor _ = new Monitor(socket,
                config -> config.mode(MonitorConfig.Mode.HMP).prompt("(qemu) ").echo())) {
            runScript(socket, KEYS);
        }
    }

    private void runScript(Path socket, String text) throws IOException {
        Peers.require("expect", "socat");
        Path script = Files.writeString(directory.resolve("script"), text);
        try (Program expect = Program.start(List.of("expect", "-f", script.toString(), socket.toString()))) {
            expect.await("DONE");
            assertEquals(0, expect.exitStatus(), expect::output);
        }
    }
}
