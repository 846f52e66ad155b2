package io.vhost.monitor.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.monitor.Client;
import io.vhost.monitor.Monitor;
import io.vhost.monitor.json.Json;
import io.vhost.peer.Peers;
import io.vhost.peer.Program;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The same bytes to QEMU's monitor and to ours give answers of the same kinds, with the same ids. */
@Tag("peer")
@Timeout(120)
class QemuDifferenceTest {
    /** What both know, well-formed and not; each must be answered at least once by both. */
    private static final List<String> COMMANDS = List.of(
            "{'execute':'query-version','id':1}", "{'execute':'query-name','id':{'a':[null,true,1.5]}}",
            "{'execute':'query-commands','id':null}", "{'execute':'query-status','id':-1}",
            "{'execute':'query-chardev'}", "{'execute':'query-qmp-schema','id':18446744073709551615}",
            "{'execute':'no-such-cmd','id':'x'}", "{'execute':'qmp_capabilities'}",
            "{'execute':'query-name','arguments':{'x':1}}", "{'execute':'query-name','arguments':[]}",
            "{'execute':'query-name','arguments':null}", "{'execute':'query-name','extra':1}",
            "{'execute':1}",
            "{'execute':null}", "{'id':3}", "{}", "[]", "[{}]", "'text'\n", "42\n", "null\n", "true\n",
            "-0\n",
            "{'exec-oob':'query-version','id':4}", "{'execute':'x-query-virtio-status'}",
            "{'execute':'x-query-virtio-status','arguments':{'path':'nope'}}",
            "{'execute':'x-query-virtio-status','arguments':{'path':1}}",
            "{'execute':'x-query-virtio-queue-status','arguments':{'path':'nope','queue':0}}",
            "{'execute':'x-query-virtio-queue-status','arguments':{'path':'nope','queue':65536}}",
            "{'execute':'x-query-virtio-queue-status','arguments':{'path':'nope','queue':-1}}",
            "{'execute':'x-query-virtio-queue-status','arguments':{'path':'nope','queue':1.5}}",
            "{'execute':'x-query-virtio-queue-status','arguments':{'path':'nope','queue':'1'}}",
            "{'execute':'x-query-virtio-vhost-queue-status','arguments':{'path':'nope','queue':0}}",
            "{'execute':'human-monitor-command','arguments':{'command-line':''}}",
            "{'execute':'human-monitor-command','arguments':{'command-line':'nope'}}",
            "{'execute':'human-monitor-command','arguments':{'command-line':'info nope'}}",
            "{'execute':'human-monitor-command','arguments':{'command-line':'info version x'}}",
            "{'execute':'human-monitor-command','arguments':{'command-line':'info virtio'}}",
            "{'execute':'human-monitor-command','arguments':{'command-line':'info virtio-status'}}",
            "{'execute':'human-monitor-command','arguments':{}}",
            "{]", "}", "]", ",", ":", "[1,]", "{'a':1,}", "{'a' 1}", "{1:2}", "[1 2]", "{'a':1 'b':2}",
            "[nope]",
            "['\\q']", "['\\ud800']", "['\\ud83d\\ude00']", "{'a':1,'a':2}", "%p\n", "{'a':%p}", "\u0001",
            "{\u0001",
            "'abc\u0001", "[01]", "[1.]", "[1e]", "[-]", "[1e5]", "[+1]", "['\t']", "{'execute':'query-name'",
            "\u0001", "[[[[[", "\u001b", "{'execute': }", "[tru]", "[TRUE]", "{'execute':'query-name'}}",
            "['\u00e9']", "[\"\\u0000\"]", "[\"\\uZZZZ\"]", "[\"\\u12\"]", "[\ufeff]");

    @TempDir
    private Path directory;

    @Test
    void commandsInCommandMode() {
        compare(COMMANDS, true);
    }

    @Test
    void commandsBeforeNegotiation() {
        List<String> early = new ArrayList<>(COMMANDS);
        early.removeIf(text -> text.contains("qmp_capabilities"));
        early.addAll(List.of("{'execute':'qmp_capabilities','arguments':{'enable':'oob'}}",
                "{'execute':'qmp_capabilities','arguments':{'enable':['no']}}",
                "{'execute':'qmp_capabilities','arguments':{'x':1}}", "{'execute':'query-name'}",
                "{'execute':'qmp_capabilities','arguments':{'enable':[]},'id':9}",
                "{'execute':'query-name','id':10}"));
        compare(early, false);
    }

    @Test
    void outOfBand() {
        compare(List.of("{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}",
                "{'exec-oob':'query-version','id':1}", "{'exec-oob':'no-such'}", "{'exec-oob':1}",
                "{'exec-oob':'query-version','execute':'query-version'}",
                "{'exec-oob':'query-version','x':1}",
                "{'execute':'query-name','id':2}", "{'exec-oob':'query-version','arguments':1}"), false);
    }

    /** Each is answered by the same bytes, but for what the two programs are and when. */
    @Test
    void answersAreTheSameBytes() {
        withBoth((our, their) -> {
            assertEquals(withoutVersion(their.line()), withoutVersion(our.line()));
            for (String input : List.of("{'execute':'query-name'}", "{'execute':'qmp_capabilities'}",
                    "{'execute':'query-name'}", "{'execute':'query-name','id':1}", "{'id':2}", "{}", "[]",
                    "{'execute':'query-status','id':{'a':[1,2,{}],'b':null}}", "{]",
                    "{'execute':'no-such','id':[]}", "{'execute':'query-name','arguments':{'x':1}}",
                    "{'execute':'query-name','id':[0.1,1.5,-2.50,1e5,1e16,1e17,1e-4,1e-5,123456789.125]}",
                    "{'execute':'query-name','id':[1e300,0.3333333333333333333,5e-324,-0.0]}",
                    "{'execute':'query-name','id':[12345678901234567890,-1]}",
                    "{'execute':'query-name','id':'\u00e9\ud83d\ude00 \\u007f/\\\"\\b\\f\\n\\r\\t\\\\'}",
                    "{'execute':'query-name','id':-0}", "{'execute':'query-name','id':100000000000000000000}",
                    "{'execute':'human-monitor-command','arguments':{'command-line':'nope'},'id':3}",
                    "{'execute':'human-monitor-command','arguments':{'command-line':'info virtio'}}",
                    "{'execute':'x-query-virtio','id':4}",
                    "{'execute':'x-query-virtio-status','arguments':{'path':'nope'},'id':5}")) {
                assertEquals(their.call(input), our.call(input), input);
            }
            assertEquals(withoutVersion(their.call("{'execute':'query-version','id':6}")),
                    withoutVersion(our.call("{'execute':'query-version','id':6}")));
            for (Client client : List.of(their, our)) {
                client.send("{'execute':'quit','id':7}");
            }
            assertEquals(withoutTime(their.line()), withoutTime(our.line()));
            assertEquals(their.line(), our.line());
        });
    }

    private static String withoutVersion(String line) {
        return line.replaceAll("\"(micro|minor|major)\": \\d+", "\"$1\": N")
                .replaceAll("\"package\": \"[^\"]*\"", "\"package\": P");
    }

    private static String withoutTime(String line) {
        return line.replaceAll("\"(seconds|microseconds)\": \\d+", "\"$1\": N");
    }

    private void compare(List<String> inputs, boolean negotiate) {
        withBoth((our, their) -> {
            our.line();
            their.line();
            if (negotiate) {
                our.call("{'execute':'qmp_capabilities'}");
                their.call("{'execute':'qmp_capabilities'}");
            }
            for (int i = 0; i < inputs.size(); i++) {
                String mark = "mark " + i;
                assertEquals(kinds(their, inputs.get(i), mark), kinds(our, inputs.get(i), mark),
                        "after " + inputs.get(i));
            }
        });
    }

    /** Clients of our monitor and of QEMU's, before their greetings. */
    private void withBoth(BiConsumer<Client, Client> test) {
        Peers.require("qemu-system-x86_64");
        Path ours = directory.resolve("ours");
        Path theirs = directory.resolve("theirs");
        try (Monitor _ = new Monitor(ours, config -> config.mutating().onQuit(() -> { }));
                Program qemu = Program.start(List.of("qemu-system-x86_64", "-machine", "none", "-nodefaults",
                        "-display", "none", "-qmp", "unix:" + theirs + ",server=on,wait=off"))) {
            while (!Files.exists(theirs)) {
                if (qemu.ended(Duration.ofMillis(1))) {
                    throw new AssertionError(qemu.output());
                }
            }
            try (Client our = Client.connect(ours); Client their = Client.connectSoon(theirs)) {
                test.accept(our, their);
            }
        }
    }

    /** The kinds of the answers to an input, up to that of a command which is known to be answered. */
    private static List<String> kinds(Client client, String input, String mark) {
        // A control character, so that the command stands for itself whatever the input has left open.
        client.send(input).send("\u0001{'execute':'no-such','id':'" + mark + "'}");
        List<String> kinds = new ArrayList<>();
        while (true) {
            Map<?, ?> answer = client.answer();
            if (mark.equals(answer.get("id"))) {
                return kinds;
            }
            String kind = answer.get("error") instanceof Map<?, ?> error ? (String) error.get("class")
                    : "return";
            kinds.add(kind + (answer.containsKey("id") ? " " + Json.write(answer.get("id")) : ""));
        }
    }
}
