package io.vhost.monitor.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.monitor.Client;
import io.vhost.monitor.Monitor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Input of every wrong kind is the specified error, and the same session answers the next command. */
@Timeout(60)
class BadInputTest {
    private static final String STATUS = "{'execute':'x-query-virtio-queue-status','arguments':{%s}}";
    private static final String RESET = "\u0001";

    @TempDir
    private Path directory;

    private Monitor monitor;
    private Client client;

    @BeforeEach
    void connect() {
        monitor = new Monitor(directory.resolve("m"), config -> config.messageLimit(64 * 1024, 128));
        client = Client.negotiated(directory.resolve("m"));
    }

    @AfterEach
    void close() {
        client.close();
        monitor.close();
    }

    private void assertError(String errorClass, String text, byte... input) {
        client.send(input);
        Map<?, ?> error = (Map<?, ?>) client.answer().get("error");
        assertEquals(Map.of("class", errorClass, "desc", text), error);
        assertAlive();
    }

    private void assertError(String errorClass, String text, String input) {
        assertError(errorClass, text, input.getBytes(StandardCharsets.UTF_8));
    }

    /** Whatever was left open is given up, perhaps with more errors. */
    private void assertAlive() {
        client.send(RESET + "{'execute':'query-name','id':'alive'}");
        Map<?, ?> answer;
        do {
            answer = client.answer();
            assertTrue(answer.containsKey("error") || "alive".equals(answer.get("id")), answer::toString);
        } while (!"alive".equals(answer.get("id")));
        assertEquals(Map.of(), answer.get("return"));
    }

    @Test
    void aMessageThatIsTooLarge() {
        assertError("GenericError", "JSON token size limit exceeded", "'" + "x".repeat(70_000) + "'");
        assertError("GenericError", "JSON token size limit exceeded",
                "{" + "'x':'yyyyyyyyyyyyyyyy',".repeat(4000));
        assertError("GenericError", "JSON token size limit exceeded", "[" + "1,".repeat(40_000));
    }

    @Test
    void aDepthBomb() {
        assertError("GenericError", "JSON nesting depth limit exceeded", "[".repeat(129));
        assertError("GenericError", "JSON nesting depth limit exceeded", "{'a':".repeat(129));
        assertError("GenericError", "JSON nesting depth limit exceeded", "[".repeat(100_000));
    }

    @Test
    void bytesThatAreNoUtf8() {
        assertError("GenericError", "JSON parse error, invalid UTF-8 sequence in string",
                (byte) '[', (byte) '"', (byte) 0xC3, (byte) '"', (byte) ']');
        assertError("GenericError", "JSON parse error, stray '\uFFFD'", (byte) 0xFF);
        assertError("GenericError", "JSON parse error, stray '\uFFFD'", (byte) '{', (byte) 0xFE);
    }

    @Test
    void binaryGarbage() {
        Random random = new Random(20261121);
        byte[] garbage = new byte[20_000];
        for (int i = 0; i < 20; i++) {
            random.nextBytes(garbage);
            client.send(garbage);
            assertAlive();
        }
    }

    @Test
    void commandsThatDoNotExistOrHaveTheWrongArguments() {
        assertError("CommandNotFound", "The command nope has not been found", "{'execute':'nope'}");
        assertError("CommandNotFound", "The command  has not been found", "{'execute':''}");
        assertError("GenericError", "QMP input member 'execute' must be a string", "{'execute':null}");
        assertError("GenericError", "QMP input member 'arguments' must be an object",
                "{'execute':'query-name','arguments':null}");
        assertError("GenericError", "Parameter 'path' is missing", STATUS.formatted(""));
        assertError("GenericError", "Parameter 'queue' is missing", STATUS.formatted("'path':'a'"));
        assertError("GenericError", "Invalid parameter type for 'path', expected: string",
                STATUS.formatted("'path':null,'queue':0"));
        assertError("GenericError", "Parameter 'queue' expects uint64",
                STATUS.formatted("'path':'a','queue':'0'"));
        assertError("GenericError", "Parameter 'queue' expects uint16_t",
                STATUS.formatted("'path':'a','queue':65536"));
        assertError("GenericError", "Path a is not a VirtIODevice", STATUS.formatted("'path':'a','queue':0"));
        assertError("GenericError", "The command x-fails failed: IllegalStateException",
                "{'execute':'x-fails'}");
    }
}
