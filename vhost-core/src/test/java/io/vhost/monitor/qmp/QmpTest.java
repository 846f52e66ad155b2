package io.vhost.monitor.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.monitor.Client;
import io.vhost.monitor.Monitor;
import io.vhost.monitor.command.ErrorClass;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The requirements of the machine's language, by their numbers. */
@Timeout(60)
class QmpTest {
    private static final String VERSION = "{\"execute\":\"query-version\"}";
    private static final List<String> OUT_OF_BAND =
            List.of("x-query-vhost-inflight", "x-query-vhost-locks", "x-query-monitor");

    @TempDir
    private Path directory;

    private Monitor monitor;
    private Client client;

    @BeforeEach
    void connect() {
        monitor = new Monitor(directory.resolve("m"), config -> config);
        client = Client.negotiated(directory.resolve("m"));
    }

    @AfterEach
    void close() {
        client.close();
        monitor.close();
    }

    @Test
    void q1q4EachMessageIsOneLineThatEndsWithCrlf() {
        client.send("{\"id\":1,\"execute\":\"query-version\"}" + VERSION);
        assertTrue(client.line().endsWith("}"));
        assertTrue(client.line().endsWith("}"));
    }

    @Test
    void q2q3OutputIsAsciiInDoubleQuotesAndInputMayUseSingleOnes() {
        assertEquals("{\"return\": \"\\u00E9\\uD83D\\uDE00 '\"}",
                client.call("{'execute':'x-echo','arguments':{'value':'é😀 \\''}}"));
        assertEquals("{\"return\": \"\\u007F\\u0080<>&/\\\"\\u0001\"}",
                client.call("{'execute':'x-echo','arguments':{'value':'\u007F\u0080<>&/\\\"\\u0001'}}"));
    }

    @Test
    void q5ADuplicateKeyIsAnError() {
        assertEquals("JSON parse error, duplicate key", client.errorText("{'execute':'a','execute':'b'}"));
    }

    @Test
    void q6BracketsAndNotLinesEndAMessage() {
        client.send("{\"execute\":\n\n\"query-name\"}{\"execute\":\"query-name\"}");
        assertEquals("{\"return\": {}}", client.line());
        assertEquals("{\"return\": {}}", client.line());
        client.send("42");
        client.send(VERSION);   // only now is the number complete
        assertTrue(client.line().contains("must be a JSON object"));
        assertTrue(client.line().contains("package"));
    }

    @Test
    void q7NumbersComeBackExactly() {
        for (String number
                : List.of("-9223372036854775808", "18446744073709551615", "9223372036854775808", "0", "1.5",
                "-7")) {
            assertEquals("{\"return\": " + number + "}", echo(number));
        }
        assertEquals("{\"return\": 1.5}", echo("1.50"));
        assertEquals("{\"return\": 0}", echo("-0"));
        assertEquals("JSON parse error, number out of range",
                client.errorText("{'execute':'x-echo','arguments':{'value':1e400}}"));
        assertTrue(echo("1" + "0".repeat(300)).contains("1.0000000000000001e+300"));
    }

    @Test
    void q8q9q10TheGreetingHasTheVersionOfQueryVersionAndTheCapabilities() {
        try (Client other = Client.connect(directory.resolve("m"))) {
            Map<?, ?> greeting = (Map<?, ?>) Client.parse(other.line()).get("QMP");
            client.send(VERSION);
            assertEquals(client.answer().get("return"), greeting.get("version"));
            assertEquals(List.of("oob"), greeting.get("capabilities"));
            Map<?, ?> version = (Map<?, ?>) greeting.get("version");
            assertEquals(3, ((Map<?, ?>) version.get("qemu")).size());
            assertTrue(version.get("package") instanceof String);
        }
    }

    @Test
    void q11q12q13q14NegotiationTakesOneCommandAndMalformedOnesAreTheSameErrors() {
        try (Client other = Client.connect(directory.resolve("m"))) {
            other.line();
            assertEquals("Expecting capabilities negotiation with 'qmp_capabilities'",
                    other.errorText(VERSION));
            assertEquals("CommandNotFound", other.errorClass(VERSION));
            assertEquals("CommandNotFound", other.errorClass("{'execute':'no-such'}"));
            assertEquals("QMP input lacks member 'execute'", other.errorText("{}"));
            assertEquals("JSON parse error, expecting value", other.errorText("{]"));
            assertEquals("Invalid parameter type for 'enable', expected: array",
                    other.errorText("{'execute':'qmp_capabilities','arguments':{'enable':'oob'}}"));
            assertEquals("Parameter 'enable[0]' does not accept value 'cap-does-not-exist'",
                    other.errorText(
                            "{'execute':'qmp_capabilities','arguments':{'enable':['cap-does-not-exist']}}"));
            assertEquals("CommandNotFound", other.errorClass(VERSION));
            assertEquals("{\"return\": {}}", other.call("{'execute':'qmp_capabilities'}"));
            assertTrue(other.call(VERSION).contains("package"));
        }
    }

    @Test
    void q15NegotiatingTwiceIsAnError() {
        assertEquals("Capabilities negotiation is already complete, command ignored",
                client.errorText("{'execute':'qmp_capabilities'}"));
        assertEquals("CommandNotFound", client.errorClass("{'execute':'qmp_capabilities'}"));
    }

    @Test
    void q16ToQ21AMessageOfTheWrongFormIsNamed() {
        assertEquals("QMP input must be a JSON object", client.errorText("[]"));
        assertEquals("{\"id\": 7, \"error\": {\"class\": \"GenericError\", "
                + "\"desc\": \"QMP input lacks member 'execute'\"}}",
                client.call("{\"id\":7}"));
        assertEquals("QMP input member 'execute' must be a string", client.errorText("{'execute':1}"));
        assertEquals("QMP input member 'arguments' must be an object",
                client.errorText("{'execute':'query-name','arguments':[]}"));
        assertEquals("QMP input member 'extra' is unexpected",
                client.errorText("{'execute':'query-name','extra':1}"));
        assertEquals("The command no-such-cmd has not been found",
                client.errorText("{'execute':'no-such-cmd'}"));
        assertEquals("CommandNotFound", client.errorClass("{'execute':'no-such-cmd'}"));
    }

    @Test
    void q22ArgumentsAreCheckedStrictly() {
        String queue = "{'execute':'x-query-virtio-queue-status','arguments':{%s}}";
        assertEquals("Parameter 'path' is missing", client.errorText(queue.formatted("'queue':1")));
        assertEquals("Parameter 'x' is unexpected",
                client.errorText(queue.formatted("'path':'','queue':1,'x':1")));
        assertEquals("Invalid parameter type for 'path', expected: string",
                client.errorText(queue.formatted("'path':1,'queue':1")));
        assertEquals("Parameter 'queue' expects uint16_t",
                client.errorText(queue.formatted("'path':'','queue':65536")));
        assertEquals("Parameter 'queue' expects uint16_t",
                client.errorText(queue.formatted("'path':'','queue':-1")));
        assertEquals("Parameter 'queue' expects uint64",
                client.errorText(queue.formatted("'path':'','queue':1.5")));
        assertEquals("Parameter 'x' is unexpected",
                client.errorText("{'execute':'x-slow','arguments':{'x':1}}"));
        assertEquals(0, monitor.slowRuns.get());
    }

    @Test
    void q23WhatIsSwitchedOffIsSaidToBe() {
        assertEquals("The command quit has been disabled for this instance",
                client.errorText("{'execute':'quit'}"));
        assertEquals("CommandNotFound", client.errorClass("{'execute':'x-change'}"));
        client.send("{'execute':'query-commands'}");
        List<?> names = (List<?>) client.answer().get("return");
        assertFalse(names.contains(Map.of("name", "quit")));
        assertTrue(names.contains(Map.of("name", "query-name")));
    }

    @Test
    void q24q25AnIdOfAnyKindComesBackAndNoneWhereNoneWasRead() {
        for (String id : List.of("null", "{\"a\": [1, {}]}", "[]", "\"x\"", "18446744073709551615", "true")) {
            assertEquals("{\"return\": {}, \"id\": " + id + "}",
                    client.call("{'execute':'query-name','id':" + id + "}"));
        }
        assertEquals(List.of("error"), List.copyOf(Client.parse(client.call("{'id':1,,}")).keySet()));
        String deep = "[".repeat(1000) + "]".repeat(1000);
        assertEquals("{\"return\": {}, \"id\": " + deep + "}",
                client.call("{'execute':'query-name','id':" + deep + "}"));
    }

    @Test
    void q26q27q28AnswersHaveTheirMembersAndNoOthers() {
        assertEquals("{\"return\": {}}", client.call("{'execute':'query-name'}"));
        Map<?, ?> error = (Map<?, ?>) Client.parse(client.call("{'execute':'x-fails'}")).get("error");
        assertEquals(Map.of("class", "GenericError", "desc",
                "The command x-fails failed: IllegalStateException"),
                error);
        assertEquals(List.of("GenericError", "CommandNotFound", "DeviceNotActive", "DeviceNotFound",
                "KVMMissingCap"),
                List.of(ErrorClass.values()).stream().map(ErrorClass::wireName).toList());
    }

    @Test
    void q29OutOfBandHasToBeEnabled() {
        assertEquals("QMP input member 'exec-oob' is unexpected",
                client.errorText("{'exec-oob':'query-version'}"));
    }

    @Test
    void q30q31OutOfBandCommandsAreChecked() {
        try (Client other = Client.outOfBand(directory.resolve("m"))) {
            assertEquals("QMP input member 'exec-oob' clashes with 'execute'",
                    other.errorText("{'execute':'query-version','exec-oob':'query-version'}"));
            assertEquals("The command query-version does not support OOB",
                    other.errorText("{'exec-oob':'query-version'}"));
            assertEquals("CommandNotFound", other.errorClass("{'exec-oob':'no-such'}"));
            assertEquals("QMP input member 'exec-oob' must be a string", other.errorText("{'exec-oob':1}"));
        }
    }

    @Test
    void q32q33q34OutOfBandOvertakesEightThatWaitAndErrorsKeepTheirPlace() throws InterruptedException {
        try (Client other = Client.outOfBand(directory.resolve("m"))) {
            other.send("{'execute':'x-slow','id':0}");
            monitor.began.await();
            other.send("{]");
            IntStream.rangeClosed(1, 6).forEach(i -> other.send("{'execute':'query-name','id':" + i + "}"));
            // Eight are under way.
            other.send("{'exec-oob':'x-query-vhost-locks','id':'oob'}");
            assertEquals("oob", other.answer().get("id"));
            assertEquals(2L, executed(1));
            // One more makes eight that wait: what follows is not read, out of band or not.
            other.send("{'execute':'query-name','id':7}");
            other.send("{'exec-oob':'x-query-vhost-locks','id':'late'}");
            assertEquals(2L, executed(1));
            monitor.release.release();
            assertEquals(0L, other.answer().get("id"));
            assertTrue(other.answer().containsKey("error"));
            List<Object> ids = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                ids.add(other.answer().get("id"));
            }
            assertTrue(ids.remove("late"), ids::toString);
            assertEquals(List.of(1L, 2L, 3L, 4L, 5L, 6L, 7L), ids);
        }
    }

    /** How many commands a session has begun; what clients sent before is taken note of first. */
    private Object executed(int session) {
        client.send("{'execute':'x-query-monitor'}");
        return ((Map<?, ?>) ((List<?>) client.answer().get("return")).get(session)).get("commands");
    }

    @Test
    void q35TheSchemaSaysWhatMayOvertakeAndDescribesEveryTypeItNames() {
        client.send("{'execute':'query-qmp-schema'}");
        List<?> schema = (List<?>) client.answer().get("return");
        List<?> names = schema.stream().map(entry -> ((Map<?, ?>) entry).get("name")).toList();
        assertEquals(names.size(), names.stream().distinct().count());
        for (Object entry : schema) {
            Map<?, ?> described = (Map<?, ?>) entry;
            for (String reference : List.of("arg-type", "ret-type", "element-type")) {
                assertTrue(!described.containsKey(reference) || names.contains(described.get(reference)),
                        described::toString);
            }
            Object expected = OUT_OF_BAND.contains(described.get("name")) ? true : null;
            assertEquals(expected, described.get("allow-oob"), described::toString);
            boolean command = "command".equals(described.get("meta-type"));
            assertEquals(command && described.get("name").toString().startsWith("x-") ? List.of("unstable")
                    : null,
                    described.get("features"), described::toString);
        }
        assertTrue(names.containsAll(OUT_OF_BAND));
        client.send("{'execute':'query-commands'}");
        for (Object command : (List<?>) client.answer().get("return")) {
            assertTrue(names.contains(((Map<?, ?>) command).get("name")), command::toString);
        }
        assertTrue(names.contains("VHOST_QUEUE_STATE"));
    }

    @Test
    void theSchemaDescribesItselfAndWhatCommandsReturn() {
        client.send("{'execute':'query-qmp-schema'}");
        List<?> schema = (List<?>) client.answer().get("return");
        WireSchema types = new WireSchema(schema);
        assertEquals("0", types.command("query-qmp-schema").get("arg-type"));
        types.check((String) types.command("query-qmp-schema").get("ret-type"), schema);
        for (Object entry : schema) {
            String text = entry.toString();
            assertTrue(((Map<?, ?>) entry).size() >= 2, text);
        }
        // A schema that says less would be found out.
        List<Object> broken = new ArrayList<>(schema);
        broken.add(Map.of("name", "x", "meta-type", "nonsense"));
        assertThrows(AssertionError.class, () ->
                types.check((String) types.command("query-qmp-schema").get("ret-type"), broken));
        broken.set(broken.size() - 1, Map.of("name", "x", "meta-type", "enum", "more", 1L));
        assertThrows(AssertionError.class, () ->
                types.check((String) types.command("query-qmp-schema").get("ret-type"), broken));
        for (String name : List.of("query-version", "query-commands", "query-name", "query-status",
                "query-chardev", "x-query-monitor", "x-query-virtio", "query-stats-schemas",
                "x-query-vhost-resources", "x-query-vhost-locks", "x-query-vhost-inflight")) {
            client.send("{'execute':'" + name + "'}");
            types.check((String) types.command(name).get("ret-type"), client.answer().get("return"));
        }
    }

    @Test
    void q43AMonitorTakesSoManyWordsAndNoMore() {
        for (int words : new int[] {65_535, 65_536, 65_537}) {
            try (Client other = Client.negotiated(directory.resolve("m"))) {
                // Fifteen words around the elements behind the first, or sixteen if that is an array.
                String elements = (words % 2 == 0 ? "[]" : "1") + ",1".repeat((words - 15) / 2);
                Map<?, ?> answer = Client.parse(other.call(
                        "{'execute':'x-echo','arguments':{'value':[" + elements + "]}}"));
                if (words <= 65_536) {
                    assertEquals(1 + (words - 15) / 2, ((List<?>) answer.get("return")).size());
                } else {
                    assertEquals(Map.of("class", "GenericError", "desc", "JSON token count limit exceeded"),
                            answer.get("error"));
                }
            }
        }
    }

    @Test
    void anIdThatIsTooLongIsRefused() {
        assertEquals("{\"return\": {}, \"id\": \"" + "x".repeat(65_534) + "\"}",
                client.call("{'execute':'query-name','id':'" + "x".repeat(65_534) + "'}"));
        assertEquals("QMP input member 'id' is longer than 65536 characters",
                client.errorText("{'execute':'query-name','id':'" + "x".repeat(65_535) + "'}"));
        assertEquals("QMP input member 'id' is longer than 65536 characters",
                client.errorText("{'execute':'query-name','id':'" + "\u007f".repeat(11_000) + "'}"));
        assertNull(client.errorText("{'execute':'query-name','id':'" + "\u007f".repeat(10_000) + "'}"));
    }

    @Test
    void aLongNameIsNotSentBackWhole() {
        String text = client.errorText("{'execute':'" + "x".repeat(100_000) + "'}");
        assertTrue(text.startsWith("The command xxx") && text.length() < 5000, text);
    }

    @Test
    void q36q37q39EventsHaveATimeAndReachEveryClientThatHasNegotiated() {
        try (Client other = Client.negotiated(directory.resolve("m"))) {
            monitor.server.publish("X_EVENT", Map.of("a", 1));
            for (Client each : List.of(client, other)) {
                Map<?, ?> event = Client.parse(each.line());
                assertEquals("X_EVENT", event.get("event"));
                assertEquals(Map.of("a", 1L), event.get("data"));
                Map<?, ?> time = (Map<?, ?>) event.get("timestamp");
                assertTrue((Long) time.get("seconds") > 1_700_000_000
                        && (Long) time.get("microseconds") < 1_000_000);
            }
        }
    }

    @Test
    void q45TheFirstUnknownMemberIsNamedWhateverItsPrefix() {
        assertEquals("QMP input member '__com.example_x' is unexpected",
                client.errorText("{'execute':'query-name','__com.example_x':1}"));
        assertNull(client.errorText("{'execute':'query-name'}"));
    }

    private String echo(String value) {
        return client.call("{'execute':'x-echo','arguments':{'value':" + value + "}}");
    }
}
