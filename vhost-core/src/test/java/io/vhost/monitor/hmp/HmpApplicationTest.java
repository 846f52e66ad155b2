package io.vhost.monitor.hmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.monitor.Client;
import io.vhost.monitor.Monitor;
import io.vhost.monitor.MonitorConfig;
import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.json.Json;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An application's commands in the language for people. */
@Timeout(60)
class HmpApplicationTest {
    private static final String PROMPT = "(vhost) ";

    @TempDir
    private Path directory;

    private Monitor monitor;
    private Client client;

    @BeforeEach
    void connect() {
        monitor = new Monitor(directory.resolve("m"), config -> config.mode(MonitorConfig.Mode.HMP).echo()
                .command(Command.named("x-port-rate").help("limit a port")
                        .optional("note", Type.STRING)
                        .argument("port", Type.UINT16).argument("mode", Type.enumeration("bits", "bytes"))
                        .optional("burst", Type.BOOLEAN).optional("list", Type.array(Type.INT))
                        .returns(Type.ANY).runs(HmpApplicationTest::given))
                .command(Command.named("x-port-list").help("list the ports").returns(Type.array(Type.ANY))
                        .runs(_ -> List.of(Json.object("port", 0, "peers", List.of("a", "b")),
                                Json.object("port", 1, "peers", List.of()))))
                .command(Command.named("x-refuses").runs(_ -> {
                    throw new CommandException("not today");
                })));
        client = Client.connect(directory.resolve("m"));
        client.until(PROMPT);
    }

    @AfterEach
    void close() {
        client.close();
        monitor.close();
    }

    private static Object given(Arguments arguments) {
        Map<String, Object> given = new LinkedHashMap<>();
        for (String name : List.of("note", "port", "mode", "burst", "list")) {
            if (arguments.has(name)) {
                given.put(name, arguments.any(name));
            }
        }
        return given;
    }

    /** What a line prints, without its echo. */
    private String type(String line) {
        client.send(line + "\n");
        client.until("\r\n");
        return client.until(PROMPT);
    }

    @Test
    void helpNamesThemWithTheirArguments() {
        String all = type("help");
        String line = "x-port-rate port mode [note] [burst] [list] -- limit a port\r\n";
        assertTrue(all.contains(line), all);
        assertTrue(all.contains("x-port-list -- list the ports\r\n"), all);
        assertEquals(line, type("help x-port-rate"));
        assertTrue(type("help info").startsWith("info chardev"), "pages come first and alone");
        assertFalse(all.contains("x-change"), "what is switched off");
    }

    @Test
    void theyAreCalledWithWords() {
        assertEquals("port=7 mode=bits\r\n", type("x-port-rate 7 bits"));
        assertEquals("note=a b port=16 mode=bytes burst=true list=[1, 2]\r\n",
                type("x-port-rate 0x10 bytes \"a b\" on [1,2]"));
        assertEquals("port=0 peers=[\"a\", \"b\"]\r\nport=1 peers=[]\r\n", type("x-port-list"));
        assertEquals("Error: not today\r\n", type("x-refuses"));
        assertEquals("slow\r\n", slow());
        assertEquals("a text\r\n", type("x-echo \"'a text'\""));
        assertEquals("a={\"b\": 1}\r\n", type("x-echo {'a':{'b':1}}"));
    }

    private String slow() {
        monitor.release.release();
        return type("x-slow");
    }

    @Test
    void whatDoesNotFitIsSaid() {
        String more = "\r\nTry \"help x-port-rate\" for more information\r\n";
        assertEquals("x-port-rate: expression expected" + more, type("x-port-rate"));
        assertEquals("x-port-rate: string expected" + more, type("x-port-rate 1"));
        assertEquals("x-port-rate: 'one' is not a number" + more, type("x-port-rate one bits"));
        assertEquals("x-port-rate: extraneous characters at the end of line" + more,
                type("x-port-rate 1 bits a on [1] more"));
        assertEquals("x-port-rate: 'maybe' is neither on nor off" + more,
                type("x-port-rate 1 bits a maybe"));
        assertEquals("x-port-rate: '[1' is not JSON" + more, type("x-port-rate 1 bits a on [1"));
        assertEquals("x-port-rate: '[1,]' is not JSON: JSON parse error, expecting value" + more,
                type("x-port-rate 1 bits a on [1,]"));
        assertEquals("Error: Parameter 'port' expects uint16_t\r\n", type("x-port-rate 65536 bits"));
        assertEquals("Error: Parameter 'mode' does not accept value 'nibbles'\r\n",
                type("x-port-rate 1 nibbles"));
        assertEquals("Error: The command x-change has been disabled for this instance\r\n",
                type("x-change"));
        assertEquals("unknown command: 'query-version'\r\n", type("query-version"));
    }

    @Test
    void aTabCompletesCommandsPagesAndChoices() {
        assertCompletes("x-port-r", "x-port-rate ");
        assertCompletes("x-po", "x-port-");
        assertCompletes("inf", "info ");
        assertCompletes("info virtio-queue-s", "info virtio-queue-status ");
        assertCompletes("help x-port-l", "help x-port-list ");
        assertCompletes("help info vhost-r", "help info vhost-resources ");
        assertCompletes("x-port-rate 1 bi", "x-port-rate 1 bits ");
        assertCompletes("x-port-rate 1 bits n of", "x-port-rate 1 bits n off ");
        assertCompletes("x-chan", "x-chan");
        assertCompletes("nope", "nope");
        assertCompletes("\"x", "\"x");
        client.send("x-port-\t");
        assertEquals("x-port-", client.until("\r\n"));
        assertEquals("x-port-list  x-port-rate", client.until("\r\n"));
        assertEquals(PROMPT, client.until("x-port-"));
        client.send("l\t\n");
        assertEquals("list ", client.until("\r\n"));
        assertTrue(client.until(PROMPT).startsWith("port=0 "));
    }

    /** What stands on the line after a TAB; a list of choices is left aside. */
    private void assertCompletes(String typed, String line) {
        client.send(typed + "\t");
        client.send("\u007f".repeat(200) + "\n");
        String all = client.until("\r\n" + PROMPT);
        String echoed = all.substring(all.lastIndexOf(PROMPT) < 0 ? 0
                : all.lastIndexOf(PROMPT) + PROMPT.length());
        assertEquals(line, echoed.replaceAll("(\b \b)*$", ""), all);
    }

    @Test
    void withoutEchoATabIsASpace() {
        Path plain = directory.resolve("plain");
        try (Monitor _ = new Monitor(plain, config -> config.mode(MonitorConfig.Mode.HMP));
                Client other = Client.connect(plain)) {
            other.until(PROMPT);
            other.send("info\tstatus\n");
            assertEquals("VM status: running\r\n", other.until(PROMPT));
        }
    }
}
