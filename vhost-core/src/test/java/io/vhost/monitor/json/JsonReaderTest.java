package io.vhost.monitor.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Whatever comes, every wrong message is one error and the next right one is understood.
 * {@code -Djson.inputs=1000000} has more of what comes by chance.
 */
class JsonReaderTest {
    private static final String GOOD = "{\"execute\":\"ok\"}";
    private static final int INPUTS = Integer.getInteger("json.inputs", 100_000);
    private static final String[] PIECES = {
        "{", "}", "[", "]", ":", ",", "\"", "'", "\\", "\\u", "d800", "true", "null", "nope", "1", "-", "1e",
        "1.5",
        "\n", "\t", "\u0001", "%p", "\"a\"", "'b'", "{\"execute\":", "é", "\u00ff", "\u00fe", " ", "0", "01",
        "E+", "{}",
        "\u0000", "\u00c3", "[[[[", "]]]]"
    };

    private final List<Object> messages = new ArrayList<>();
    private JsonReader reader = reader(JsonReader.Limits.DEFAULT);

    private JsonReader reader(JsonReader.Limits limits) {
        return new JsonReader(limits,
                (value, fault) -> messages.add(fault == null ? value : fault.getMessage()));
    }

    private List<Object> read(String bytes) {
        messages.clear();
        for (byte octet : bytes.getBytes(StandardCharsets.ISO_8859_1)) {
            reader.accept(octet);
        }
        return new ArrayList<>(messages);
    }

    @Test
    void q40AfterAStrayByteReadingGoesOnAtTheNextBracketOrLine() {
        assertEquals(List.of("JSON parse error, stray '%'", Map.of()), read("%p{}"));
        assertEquals(List.of("JSON parse error, stray '%'", Map.of()), read("%p\n{}"));
        assertEquals(List.of("JSON parse error, stray '%'", "JSON parse error, expecting value"),
                read("{'a': %p}"));
    }

    @Test
    void q41AControlCharacterForcesAKnownState() {
        assertEquals(List.of("JSON parse error, stray '\u0001'", Map.of("execute", "ok")),
                read("{\"execute\":\u0001" + GOOD));
        assertEquals(List.of("JSON parse error, stray '\uFFFD'", Map.of("execute", "ok")),
                read("[[\u00ff" + GOOD));
        assertEquals("JSON parse error, stray ''\uFFFD\u0002'", read("'\u00ef\u00bf\u00bf\u0002").getFirst());
        assertEquals("JSON parse error, stray '\"abc\u001b'", read("{\"abc\u001b").getFirst());
    }

    @Test
    void q42EveryErrorHasItsText() {
        for (String text : List.of("{]", "}", "]", ",", "{\"execute\": }", "[1,]", "{'a':1,}")) {
            assertEquals("JSON parse error, expecting value", read(text + "\n").getFirst(), text);
            read("\u0001");
        }
        assertEquals("JSON parse error, missing : in object pair", read("{'a' 1}").getFirst());
        assertEquals("JSON parse error, key is not a string in object", read("{1:2}").getFirst());
        assertEquals("JSON parse error, expected separator in list", read("[1 2]").getFirst());
        assertEquals("JSON parse error, expected separator in dict", read("{'a':1 'b':2}").getFirst());
        assertEquals("JSON parse error, invalid keyword 'nope'", read("[nope]").getFirst());
        assertEquals("JSON parse error, invalid escape sequence in string", read("['\\q']").getFirst());
        assertEquals("JSON parse error, \\ud800 is not a valid Unicode character",
                read("['\\ud800']").getFirst());
        assertEquals("JSON parse error, invalid UTF-8 sequence in string", read("['\u00c3']").getFirst());
        assertEquals(List.of(List.of("\uD83D\uDE00")), read("['\\ud83d\\ude00']"));
    }

    @Test
    void q43LimitsHoldAndTheReaderGoesOn() {
        assertEquals(1, read("[".repeat(1024) + "]".repeat(1024)).size());
        List<Object> tooDeep = read("[".repeat(1025));
        assertEquals(List.of("JSON nesting depth limit exceeded"), tooDeep);
        reader = reader(new JsonReader.Limits(100, 10, 8));
        assertEquals("JSON token size limit exceeded", read("'" + "x".repeat(200)).getFirst());
        read("\n");
        assertEquals("JSON token count limit exceeded", read("[1,1,1,1,1,1,1").getFirst());
        read("\u0001");
        assertEquals("JSON token size limit exceeded",
                read("['" + "x".repeat(60) + "','" + "x".repeat(60)).getFirst());
        assertEquals(Map.of("execute", "ok"), read("\n\u0001" + GOOD).getLast());
    }

    @Test
    void q43EachLimitHoldsToTheByteTheWordAndTheBracket() {
        reader = reader(new JsonReader.Limits(100, 11, 8));
        for (int bytes : new int[] {99, 100, 101}) {
            String text = "x".repeat(bytes - "['']".length());
            assertEquals(bytes <= 100 ? List.of(text) : "JSON token size limit exceeded",
                    read("['" + text + "']\u0001").getFirst(), bytes + " bytes");
        }
        for (int words : new int[] {10, 11, 12}) {
            Object first = read(ofWords(words) + "\u0001").getFirst();
            assertEquals(words <= 11, first instanceof List, words + " words");
            assertEquals(words > 11, "JSON token count limit exceeded".equals(first), words + " words");
        }
        for (int depth : new int[] {7, 8, 9}) {
            reader = reader(new JsonReader.Limits(100, 20, 8));
            String message = "[".repeat(depth) + "]".repeat(depth);
            assertEquals(depth <= 8, read(message + "\u0001").getFirst() instanceof List, message);
        }
    }

    @Test
    void q43WithTheDefaultsTheLimitsAreThoseThatAreDocumented() {
        assertEquals(new JsonReader.Limits(1 << 20, 65_536, 1024), JsonReader.Limits.DEFAULT);
        for (int words : new int[] {65_535, 65_536, 65_537}) {
            Object first = read(ofWords(words)).getFirst();
            assertEquals(words <= 65_536, first instanceof List, words + " words");
        }
        read("\u0001");
        for (int bytes : new int[] {(1 << 20) - 1, 1 << 20, (1 << 20) + 1}) {
            String text = "x".repeat(bytes - 2);
            assertEquals(bytes <= 1 << 20 ? text : "JSON token size limit exceeded",
                    read("\n'" + text + "'\u0001").getFirst());
        }
    }

    /** An array of so many words. */
    private static String ofWords(int words) {
        return (words % 2 == 0 ? "[[]" : "[1") + ",1".repeat((words - 3) / 2) + "]";
    }

    @Test
    void aMessageThatIsNotCompleteHoldsLittleMoreThanItsBytes() {
        InputBudget budget = new InputBudget(1 << 30);
        InputBudget.Share share = budget.share();
        reader = new JsonReader(JsonReader.Limits.DEFAULT, share, (value, fault) -> messages.add(fault));
        read("[" + "1,".repeat(32_767));
        assertEquals(List.of(), messages);
        assertTrue(share.held() <= 9 * 65_536, share.held() + " bytes");
        reader.release();
        assertEquals(0, share.held());
    }

    @Test
    void whatOthersHoldIsMissingAndWhatIsSmallAlwaysFits() {
        InputBudget budget = new InputBudget(300_000);
        InputBudget.Share other = budget.share();
        assertTrue(other.take(InputBudget.OWN + 250_000));
        InputBudget.Share own = budget.share();
        reader = new JsonReader(JsonReader.Limits.DEFAULT, own,
                (value, fault) -> messages.add(fault == null ? value : fault.getMessage()));
        String large = "['" + "x".repeat(500_000) + "']";
        assertEquals(List.of(JsonReader.CROWDED, Map.of("execute", "ok")), read(large + "\u0001" + GOOD)
                .stream().filter(found -> !String.valueOf(found).contains("stray")
                        && !String.valueOf(found).contains("expecting")).toList());
        assertTrue(own.held() <= InputBudget.OWN, own.held() + " bytes");
        other.give(InputBudget.OWN + 250_000);
        assertEquals(List.of(JsonReader.CROWDED), read(large).stream().limit(1).toList(),
                "a message costs up to twice its bytes while it grows");
        assertEquals(Map.of("execute", "ok"), read("\u0001" + GOOD).getLast());
        reader.release();
        assertEquals(0, budget.used());
        assertEquals(0, own.held());
    }

    @Test
    void aLongWordAtFaultIsNotSentBackWhole() {
        String text = (String) read("[" + "x".repeat(100_000) + "]").getFirst();
        assertTrue(text.startsWith("JSON parse error, invalid keyword 'xxx") && text.length() < 600, text);
        text = (String) read("'" + "\u007f".repeat(100_000) + "\u0001").getFirst();
        assertTrue(text.startsWith("JSON parse error, stray '") && text.length() < 600, text);
    }

    @Test
    void q44ACloserWithoutItsOpenerIsOneErrorAndLeavesNothing() {
        assertEquals(List.of("JSON parse error, expecting value", "JSON parse error, expecting value",
                Map.of()),
                read("]}{}"));
    }

    @Test
    void inputsByChanceNeverEscapeAndAlwaysEndInAKnownState() {
        reader = reader(new JsonReader.Limits(4096, 512, 64));
        Random random = new Random(20261121);
        for (int i = 0; i < INPUTS; i++) {
            StringBuilder input = new StringBuilder();
            int pieces = 1 + random.nextInt(8);
            for (int j = 0; j < pieces; j++) {
                input.append(random.nextInt(4) == 0
                        ? String.valueOf((char) random.nextInt(256)) : PIECES[random.nextInt(PIECES.length)]);
            }
            List<Object> found = read(input + "\u0001" + GOOD);
            if (!Map.of("execute", "ok").equals(found.getLast())) {
                throw new AssertionError("input " + i + " \"" + input + "\" left the reader so: " + found);
            }
        }
        assertTrue(messages.size() > 0);
    }
}
