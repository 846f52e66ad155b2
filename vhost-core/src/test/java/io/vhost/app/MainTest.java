package io.vhost.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.cli.CommandContext;
import io.vhost.app.cli.EndSignal;
import io.vhost.os.UnixListener;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {
        "--bogus",
        "demo --bogus",
        "demo surplus",
        "demo --seconds",
        "demo --seconds x",
        "demo --seconds 0",
        "demo --packets 0",
        "demo --size 59",
        "demo --size 9015",
        "demo --ring-size 3",
        "demo --ring-size 1",
        "demo --ring-size 65536",
        "demo --without bogus",
        "demo --transmit-mode bogus",
        "demo --transmit-mode indirect --without indirect_desc",
        "demo --receive-buffer 63",
        "demo --dma worker",
        "demo --async --dma bogus",
        "forward --socket-path a --dma inline",
        "demo --receive-buffer 64 --ring-size 2",
        "demo --receive-buffer 512 --without mrg_rxbuf",
        "forward",
        "forward --socket-path",
        "forward --fd x",
        "forward --fd 3 --socket-path a",
        "forward --socket-path a --mode bogus",
        "forward --socket-path a --queues 0",
        "forward --socket-path a --queues 129",
        "forward --socket-path a --cpu 8191",
        "forward --socket-path a --mask xyz",
        "forward --socket-path a --without bogus",
        "forward --socket-path a --seconds -1",
        "forward --socket-path a --socket-mode 8",
        "switch --socket-path a --socket-mode 1777",
        "forward --socket-path a --max-connections 0",
        "switch --socket-path a --max-connections x",
        "switch",
        "switch --socket-path a --queues 129",
        "switch --socket-path a --age 0",
        "switch --socket-path a --seconds -1",
        "switch --socket-path a --mtu 1400",
        "switch --socket-path a --tap t --mtu 67",
        "switch --socket-path a --tap t --mtu 65536",
        "top",
        "top a b",
        "top a --count -1",
        "bpf",
        "bpf bogus",
        "bogus"
    })
    void aBadCommandLineIsAnsweredWithWhatIsWrongAndWhereToLook(String words) {
        CommandRun run = CommandRun.of(words.split(" "));
        assertEquals(2, run.status(), run::toString);
        assertEquals("", run.out());
        assertTrue(run.err().startsWith("vhost: "), run.err());
        assertTrue(run.err().matches("(?s).*\nTry 'vhost( [a-z]+)* --help'\\.\n"), run.err());
        assertTrue(run.err().lines().count() <= 3, run.err());
        assertFalse(run.err().contains("Exception"), run.err());
    }

    @Test
    void theHelpThatIsNamedIsThatOfTheCommand() {
        assertEquals("""
                vhost: Missing required parameter: 'PATH'
                Try 'vhost top --help'.
                """, CommandRun.of("top").err());
        assertTrue(CommandRun.of("bpf", "inspect", "--mode=x", "a").err().endsWith(
                "Try 'vhost bpf inspect --help'.\n"));
        assertTrue(CommandRun.of("--bogus").err().endsWith("Try 'vhost demo --help'.\n"));
    }

    @Test
    void theMessageNamesTheValueAndTheRange() {
        assertTrue(
                CommandRun.of("demo", "--size", "59")
                        .err()
                        .startsWith("vhost: --size must be 60 to 9014"));
        CommandRun cpu = CommandRun.of("forward", "--socket-path", "a", "--cpu", "8191");
        assertTrue(cpu.err().startsWith("vhost: --cpu must be among ["), cpu.err());
    }

    @Test
    void helpTellsOfEveryCommandInOneLine() {
        CommandRun help = CommandRun.of("--help");
        assertEquals(0, help.status());
        List<String> commands = help.out().lines()
                .filter(line -> line.startsWith("  ") && !line.startsWith("  -"))
                .map(line -> line.strip().split(" ")[0]).toList();
        assertEquals(List.of("demo", "forward", "switch", "top", "bpf", "extcap"), commands);
    }

    /** The others would be a part of the start. */
    @ParameterizedTest
    @ValueSource(strings = {"demo", "forward", "switch", "top", "bpf", "extcap", "train"})
    void aCommandThatIsAskedForIsBuiltAlone(String name) {
        CommandContext context =
                new CommandContext(new PrintWriter(Writer.nullWriter()), false, new EndSignal());
        assertEquals(Set.of(name), VhostCommand.commandLine(context, name).getSubcommands().keySet());
        assertTrue(VhostCommand.commandLine(context).getSubcommands().containsKey(name));
        assertEquals(VhostCommand.commandLine(context).getSubcommands().keySet(),
                VhostCommand.commandLine(context, "unknown").getSubcommands().keySet());
    }

    @ParameterizedTest
    @ValueSource(strings = {"--help", "--version", "demo --packets 10", "forward --print-capabilities"})
    void outputThatIsLostIsAFailure(String words) {
        assertEquals(new CommandRun(1, "", "vhost: standard output cannot be written any more\n"),
                CommandRun.withoutOutput(words.split(" ")));
    }

    @Test
    void helpTellsOfOptions() {
        assertTrue(CommandRun.of("demo", "--help").out().contains("--receive-buffer"));
        assertTrue(CommandRun.of("forward", "--help").out().contains("--print-capabilities"));
    }

    @Test
    void theVersionIsThatOfTheBuild() {
        CommandRun version = CommandRun.of("--version");
        assertEquals(0, version.status());
        assertTrue(version.out().matches("(?s)vhost \\d+\\.\\d+\\.\\d+.*"), version.out());
        assertEquals(version.out(), CommandRun.of("forward", "--version").out());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "forward --print-capabilities",
        "forward --print-capabilities --socket-path /missing/a",
        "forward --fd 3 --print-capabilities"
    })
    void capabilitiesAreOneJsonObject(String words) {
        assertEquals(
                new CommandRun(0, "{\"type\":\"net\"}\n", ""), CommandRun.of(words.split(" ")));
    }

    @Test
    void aMissingDirectoryIsAClearFailure() {
        Path socket = directory.resolve("missing").resolve("socket");
        failsClearly(socket, "directory " + directory.resolve("missing") + " does not exist");
    }

    @Test
    void aPathThatIsTooLongIsAClearFailure() {
        failsClearly(directory.resolve("x".repeat(108)), "a Unix socket's may have 107");
    }

    @Test
    void aSocketInUseIsAClearFailure() {
        Path socket = directory.resolve("socket");
        try (UnixListener listener = UnixListener.bind(socket)) {
            failsClearly(socket, "a live process listens there");
            assertTrue(Files.exists(listener.path()));
        }
    }

    @Test
    void whatIsNoSocketStaysAndIsAClearFailure() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "precious");
        failsClearly(file, "not a socket");
        assertEquals("precious", Files.readString(file));
    }

    @Test
    void aDescriptorThatIsNoSocketIsAClearFailure() {
        CommandRun run = CommandRun.of("forward", "--fd", "987");
        assertEquals(1, run.status());
        assertTrue(run.err().matches("vhost: getsockopt\\(fd=987\\): EBADF.*\n"), run.err());
    }

    @Test
    void aSocketThatCannotBeHadLeavesNoOtherBehind() {
        Path good = directory.resolve("good");
        failsClearly(Path.of(good + "," + directory.resolve("missing/bad")), "does not exist");
        assertFalse(Files.exists(good));
    }

    /** One line, and no stack trace. */
    private static void failsClearly(Path socket, String reason) {
        CommandRun run = CommandRun.of("forward", "--socket-path", socket.toString());
        assertEquals(1, run.status(), run::toString);
        assertEquals(1, run.err().lines().count(), run.err());
        assertTrue(run.err().startsWith("vhost: "), run.err());
        assertTrue(run.err().contains(reason), run.err());
    }
}
