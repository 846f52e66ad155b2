package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Member;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands that an application adds. */
@Timeout(60)
class ApplicationCommandTest {
    @TempDir
    private Path directory;

    private static Command command(String name) {
        return Command.named(name).runs(_ -> null);
    }

    private static String refusal(MonitorConfig.Builder builder, String name) {
        return assertThrows(IllegalArgumentException.class, () -> builder.command(command(name)))
                .getMessage();
    }

    @Test
    void aNameIsGivenOnce() {
        MonitorConfig.Builder builder = MonitorConfig.builder().command(command("x-one"));
        assertEquals("there is a command x-one already, which was added before; add each once, or choose"
                + " another name", refusal(builder, "x-one"));
        for (String name : List.of("query-version", "quit", "qmp_capabilities", "query-stats",
                "x-query-virtio", "x-vhost-stats-reset", "x-query-monitor", "human-monitor-command")) {
            assertEquals("there is a command " + name + " already, the monitor's own; choose another name,"
                    + " such as x-app-" + name, refusal(builder, name));
        }
        for (String name : List.of("help", "info", "q")) {
            assertTrue(refusal(builder, name).contains("the monitor's own"));
        }
        builder.command(command("x-two")).build();
    }

    @Test
    void aNameCanBeTypedAndAnArgumentsNameIsGivenOnce() {
        for (String name : List.of("", "x y", "x\n", "\"x\"", "é")) {
            String text = assertThrows(IllegalArgumentException.class, () -> Command.named(name))
                    .getMessage();
            assertTrue(text.contains("make it of letters"), text);
        }
        Command.Builder builder = Command.named("x-a").argument("b", Type.INT);
        assertEquals("command x-a has two arguments b; give one another name",
                assertThrows(IllegalArgumentException.class, () -> builder.optional("b", Type.STRING))
                        .getMessage());
    }

    @Test
    void aResultOfAnotherTypeIsAnErrorAndOneLineOfTheLog() {
        Path socket = directory.resolve("m");
        List<Object> itself = new ArrayList<>();
        itself.add(itself);
        try (Monitor _ = new Monitor(socket, config -> config
                .command(Command.named("x-wrong").returns(Type.object(
                        Member.of("list", Type.array(Type.UINT16)))).runs(_ ->
                        Map.of("list", List.of(1, 2, "three"))))
                .command(Command.named("x-itself").returns(Type.ANY).runs(_ -> itself))
                .command(Command.named("x-nothing").returns(Type.STRING).runs(_ -> null))
                .command(Command.named("x-undeclared").runs(_ -> Map.of("a", 1))));
                Client client = Client.negotiated(socket); LogLines log = new LogLines()) {
            String wrong = "The command x-wrong returned what it does not declare: the result.list[2] is"
                    + " a text, uint16_t expected";
            assertEquals(wrong, client.errorText("{'execute':'x-wrong'}"));
            assertEquals(List.of(wrong), log.with("x-wrong"));
            assertTrue(client.errorText("{'execute':'x-itself'}").contains("brackets within brackets"));
            assertEquals("The command x-nothing returned what it does not declare: the result is null,"
                    + " a value of type string expected", client.errorText("{'execute':'x-nothing'}"));
            assertTrue(client.errorText("{'execute':'x-undeclared'}")
                    .contains("the result has a member that is not declared: a"));
            String people = "{'execute':'human-monitor-command','arguments':{'command-line':'x-wrong'}}";
            assertEquals("Error: " + wrong + "\r\n", Client.parse(client.call(people)).get("return"));
            assertEquals(2, log.with("x-wrong").size());
            assertTrue(client.call("{'execute':'query-name'}").startsWith("{\"return\""));
        }
    }

    @Test
    void aResultThatChangesWhileItIsReadOrCannotBeWrittenIsAnError() {
        Path socket = directory.resolve("m");
        AtomicInteger readings = new AtomicInteger();
        Iterable<Object> spoilt = () -> {
            if (readings.incrementAndGet() > 1) {
                throw new IllegalStateException("changed since it was checked");
            }
            return List.<Object>of(1).iterator();
        };
        try (Monitor _ = new Monitor(socket, config -> config
                .command(Command.named("x-spoilt").returns(Type.array(Type.INT)).runs(_ -> spoilt)));
                Client client = Client.negotiated(socket)) {
            assertEquals("The command x-spoilt failed: IllegalStateException",
                    client.errorText("{'execute':'x-spoilt','id':1}"));
            assertEquals(2, readings.get());
            assertTrue(client.call("{'execute':'query-name'}").startsWith("{\"return\""));
        }
    }
}
