package io.vhost.monitor;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.device.DeviceCommands;
import io.vhost.monitor.device.DeviceRegistry;
import io.vhost.monitor.dialogue.CommandTable;
import io.vhost.monitor.dialogue.Dialogue;
import io.vhost.monitor.dialogue.DialogueHost;
import io.vhost.monitor.hmp.HmpDialogue;
import io.vhost.monitor.hmp.HmpShell;
import io.vhost.monitor.json.InputBudget;
import io.vhost.monitor.json.JsonReader;
import io.vhost.monitor.qmp.QmpDialogue;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * What must hold for any bytes that a client sends: nothing is thrown, every line that comes back is one
 * whole message of ASCII, and after a reset the next command is answered with its id.
 *
 * <p>Commands that a client may run are there, but without devices; their answers come late, as from another
 * thread. The first byte chooses between the machine's language and the people's.
 */
public final class FuzzTarget {
    private static final JsonReader.Limits LIMITS = new JsonReader.Limits(4096, 512, 64);
    /** So little that some messages are refused for it. */
    private static final int COMMON = 16 * 1024;
    private static final String RESET = "\u0001";
    private static final int ROOM = 64 * 1024;
    private static final Object VERSION = Version.describe();
    private static final CommandTable COMMANDS = commands();

    private FuzzTarget() {}

    private static CommandTable commands() {
        List<Command> all = new ArrayList<>(DeviceCommands.of(new DeviceRegistry()));
        all.add(Command.named("qmp_capabilities").optional("enable", Type.array(Type.enumeration("oob")))
                .runs(_ -> null));
        return MonitorConfig.builder().mutating()
                .command(Command.named("x-echo").optional("value", Type.ANY).returns(Type.ANY).outOfBand()
                        .runs(arguments -> arguments.any("value")))
                .command(Command.named("x-types").argument("count", Type.UINT64)
                        .argument("sort", Type.enumeration("one", "other")).optional("flag", Type.BOOLEAN)
                        .optional("list", Type.array(Type.INT)).runs(_ -> null))
                .build().table(all);
    }

    /** The entry point of coverage-guided fuzzers. */
    public static void fuzzerTestOneInput(byte[] data) {
        if (data.length == 0) {
            return;
        }
        if ((data[0] & 1) == 0) {
            machine(data);
        } else {
            people(data);
        }
    }

    /** A session without a socket: what it sends is kept, what it runs waits to be run. */
    private static final class Host implements DialogueHost {
        private final StringBuilder sent = new StringBuilder();
        private final Queue<Runnable> running = new ArrayDeque<>();

        @Override
        public boolean hasRoom() {
            return sent.length() < ROOM;
        }

        @Override
        public void send(String text) {
            sent.append(text);
        }

        @Override
        public boolean execute(Supplier<String> command, Consumer<String> then) {
            running.add(() -> then.accept(command.get()));
            return true;
        }

        /** Lets commands end and others begin until the dialogue takes input again. */
        void settle(Dialogue dialogue, boolean idle) {
            while (idle ? !dialogue.isIdle() : !dialogue.takesInput()) {
                if (running.isEmpty()) {
                    require(!hasRoom(), "the dialogue waits, and nothing runs: " + sent);
                    sent.setLength(0);
                    dialogue.proceed();
                } else {
                    running.remove().run();
                    dialogue.proceed();
                }
            }
        }
    }

    private static void feed(Host host, Dialogue dialogue, byte[] bytes, int from) {
        for (int i = from; i < bytes.length; i++) {
            host.settle(dialogue, false);
            dialogue.accept(bytes[i]);
        }
        host.settle(dialogue, true);
    }

    private static void machine(byte[] data) {
        Host host = new Host();
        InputBudget budget = new InputBudget(COMMON);
        InputBudget.Share share = budget.share();
        Dialogue dialogue = new QmpDialogue(host, COMMANDS, VERSION, LIMITS, share);
        feed(host, dialogue, data, 1);
        check(host.sent.toString());
        host.sent.setLength(0);
        String next = RESET + "{'execute':'x-echo','arguments':{'value':[1]},'id':'next'}";
        feed(host, dialogue, next.getBytes(StandardCharsets.US_ASCII), 0);
        Map<?, ?> last = check(host.sent.toString());
        require("next".equals(last.get("id")), "the next command was not answered, but " + host.sent);
        require(last.containsKey("return") == dialogue.takesEvents(),
                "not in the state it says: " + host.sent);
        dialogue.close();
        require(share.held() == 0 && budget.used() == 0, "something is still held: " + share.held());
    }

    /** Every line must be a message; the last one. */
    private static Map<?, ?> check(String output) {
        Map<?, ?> last = Map.of();
        require(output.isEmpty() || output.endsWith("\r\n"), "an unfinished line: " + output);
        for (String line : output.lines().toList()) {
            if (!line.isEmpty()) {
                require(line.chars().allMatch(c -> c >= ' ' && c <= '~'), "not plain ASCII: " + line);
                last = Client.parse(line);
                boolean failed = last.get("error") instanceof Map<?, ?> error
                        && error.get("class") instanceof String
                        && error.get("desc") instanceof String text && !isFault(text) && error.size() == 2;
                require(failed != last.containsKey("return"), "neither result nor error: " + line);
            }
        }
        return last;
    }

    /** Whether this is how a command is reported that threw something unexpected. */
    private static boolean isFault(String text) {
        return text.startsWith("The command ") && text.contains(" failed: ")
                && !text.endsWith(" has not been found");
    }

    private static void people(byte[] data) {
        Host host = new Host();
        Dialogue dialogue = new HmpDialogue(host, new HmpShell(COMMANDS), "0", "> ", (data[0] & 2) != 0);
        feed(host, dialogue, data, 1);
        feed(host, dialogue, "\n".getBytes(StandardCharsets.US_ASCII), 0);
        host.sent.setLength(0);
        feed(host, dialogue, "info virtio\n".getBytes(StandardCharsets.US_ASCII), 0);
        require(host.sent.toString().endsWith("No VirtIO devices\r\n> "),
                "the next line was not answered: " + host.sent);
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
