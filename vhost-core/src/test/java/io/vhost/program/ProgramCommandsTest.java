package io.vhost.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.Clang;
import io.vhost.device.PacketPorts;
import io.vhost.device.ProgramChain;
import io.vhost.device.ProgramLink;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.program.command.ProgramCommands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients of a monitor may ask for, however odd: it is done, or refused with a reason. */
@Tag("peer") // clang
class ProgramCommandsTest {
    @TempDir
    private Path folder;

    private final ProgramRegistry registry = new ProgramRegistry();
    private final ProgramChain in = ProgramChain.fromGuest("vm0", 1, PacketPorts.NONE);
    private final ProgramChain out = ProgramChain.toGuest("vm0", 1);
    private Map<String, Object> arguments;
    private Path file;

    @BeforeEach
    void compile() throws Exception {
        file = Clang.compile(folder, "program",
                "SEC(\"xdp\") int program(struct xdp_md *ctx) { return 2; }");
        registry.add(in);
        registry.add(out);
        arguments = new HashMap<>(Map.of("port", 1L, "file", file.toString()));
    }

    private Object run(String name, Map<String, Object> given) throws CommandException {
        Command command = ProgramCommands.of(registry, ProgramOptions.defaults()).stream()
                .filter(other -> other.name().equals(name)).findFirst().orElseThrow();
        Object result = command.run(command.check(given));
        assertEquals(null, command.resultFault(result));
        return result;
    }

    private void refused(String name, Map<String, Object> given) {
        CommandException e = assertThrows(CommandException.class, () -> run(name, given));
        assertTrue(e.getMessage() != null && !e.getMessage().isBlank() && !e.getMessage().contains("null"),
                e.getMessage());
    }

    @Test
    void portsThatThereAreNotAreRefused() {
        for (long port : new long[] {0, 2, 0x7FFF_FFFFL, 0x8000_0000L, 0xFFFF_FFFFL}) {
            arguments.put("port", port);
            refused("x-bpf-attach", arguments);
        }
    }

    @Test
    void prioritiesAreNumbersOf32Bits() throws CommandException {
        arguments.put("name", "first");
        arguments.put("priority", (long) Integer.MIN_VALUE);
        run("x-bpf-attach", arguments);
        arguments.put("name", "last");
        arguments.put("priority", (long) Integer.MAX_VALUE);
        run("x-bpf-attach", arguments);
        arguments.put("name", "one more");
        arguments.put("priority", Integer.MAX_VALUE + 1L);
        refused("x-bpf-attach", arguments);
        assertEquals(List.of("first", "last"), in.links().stream().map(ProgramLink::name).toList());
        assertEquals(2, ((List<?>) run("query-bpf", Map.of())).size());
    }

    /** A name is shown, logged, and names a program: it is one line that is there. */
    @ParameterizedTest
    @ValueSource(strings = {"", " ", "two\nlines", "\u001b[2J", "a\u0000b", "a\u2028b"})
    void namesThatCannotBeShownAreRefused(String name) {
        arguments.put("name", name);
        refused("x-bpf-attach", arguments);
        assertEquals(List.of(), in.links());
    }

    @Test
    void aNameThatIsTooLongIsRefused() throws CommandException {
        arguments.put("name", "n".repeat(129));
        refused("x-bpf-attach", arguments);
        arguments.put("name", "n".repeat(128));
        run("x-bpf-attach", arguments);
    }

    /** A program named as another's long name hides it from nobody. */
    @Test
    void everyProgramHasANameThatFindsIt() throws CommandException {
        arguments.put("name", "filter");
        run("x-bpf-attach", arguments);
        arguments.put("direction", "out");
        run("x-bpf-attach", arguments);
        arguments.put("name", "1:filter");
        run("x-bpf-attach", arguments);
        assertEquals(3, registry.links().size());
        run("x-bpf-detach", Map.of("program", "1:filter"));
        assertEquals(List.of(), in.links());
        run("x-bpf-detach", Map.of("program", "1/out:1:filter"));
        run("x-bpf-detach", Map.of("program", "1/out:filter"));
        assertEquals(List.of(), registry.links());
        assertTrue(registry.objects().isEmpty());
    }

    @Test
    void filesThatAreNoneAreRefusedInTime() throws IOException, InterruptedException {
        Path pipe = folder.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        Path empty = Files.createFile(folder.resolve("empty"));
        Path text = Files.writeString(folder.resolve("text"), "no object");
        for (String wrong : new String[] {pipe.toString(), "/dev/zero", folder.toString(), empty.toString(),
            text.toString(), "", "/", "a\0b", "/nowhere/at/all", "/proc/self/mem", "x".repeat(5000)}) {
            arguments.put("file", wrong);
            assertTimeoutPreemptively(Duration.ofSeconds(20), () -> refused("x-bpf-attach", arguments),
                    wrong);
        }
        assertTrue(registry.objects().isEmpty());
    }

    @Test
    void whatIsRefusedChangesNothing() throws CommandException {
        run("x-bpf-attach", arguments);
        refused("x-bpf-attach", arguments);
        arguments.put("name", "other");
        arguments.put("section", "nothing");
        refused("x-bpf-attach", arguments);
        refused("x-bpf-detach", Map.of("program", "other"));
        refused("x-bpf-replace", Map.of("program", "other", "file", file.toString()));
        refused("x-bpf-replace", Map.of("program", "program", "file", "nothing"));
        refused("x-bpf-map-dump", Map.of("map", "nothing"));
        refused("x-bpf-map-update", Map.of("map", "", "key", 1L, "value", 1L));
        assertEquals(1, registry.links().size());
        assertEquals(1, registry.objects().size());
        run("x-bpf-replace", Map.of("program", "program", "file", file.toString()));
        assertEquals(1, registry.objects().size());
        assertEquals("program.o", registry.objects().keySet().iterator().next());
    }

    /** Whether what it calls redirects nobody knows: that is aborted, packet by packet. */
    @Test
    void aProgramThatCallsOthersMayWorkOnTheWayToTheGuest() throws Exception {
        Path calls = Clang.compile(folder, "calls", """
                struct { __uint(type, 3); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); }
                    next SEC(".maps");
                static long (*tail_call)(void *, void *, __u32) = (void *) 12;
                SEC("xdp") int program(struct xdp_md *ctx) {
                    tail_call(ctx, &next, 0);
                    return 2;
                }
                """);
        arguments.put("file", calls.toString());
        arguments.put("direction", "out");
        run("x-bpf-attach", arguments);
        assertEquals(1, out.links().size());
    }
}
