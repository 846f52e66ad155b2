package io.vhost.monitor.json;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Numbers, escapes and weights where their ranges end. */
class JsonEdgesTest {
    private final List<Object> read = new ArrayList<>();
    private final List<Long> weights = new ArrayList<>();
    private JsonReader reader;

    private Object read(String message) {
        read.clear();
        weights.clear();
        reader = new JsonReader(JsonReader.Limits.DEFAULT, (value, fault) -> {
            read.add(fault == null ? value : fault.getMessage());
            weights.add(reader.weight());
        });
        for (byte octet : message.getBytes(StandardCharsets.ISO_8859_1)) {
            reader.accept(octet);
        }
        return read.getFirst();
    }

    @Test
    void aLongWithoutItsSignIsANumber() {
        assertEquals(0L, Json.unsigned(0));
        assertEquals(Long.MAX_VALUE, Json.unsigned(Long.MAX_VALUE));
        assertEquals(new BigInteger("9223372036854775808"), Json.unsigned(Long.MIN_VALUE));
        assertEquals(new BigInteger("18446744073709551615"), Json.unsigned(-1));
    }

    @Test
    void surrogatesAreAPairAtBothEndsOfTheirRanges() {
        assertEquals(List.of(Character.toString(0x10000)), read("['\\ud800\\udc00']"));
        assertEquals(List.of(Character.toString(0x103FF - 2)), read("['\\ud800\\udffd']"));
        assertEquals(List.of(Character.toString(0x1F3FF)), read("['\\ud83c\\udfff']"));
        assertEquals(List.of(Character.toString(0x10FC00)), read("['\\udbff\\udc00']"));
        assertEquals(List.of(Character.toString(0x10FFFD)), read("['\\udbff\\udffd']"));
        assertEquals(List.of("\uD7FB\uE000"), read("['\\ud7fb\\ue000']"));
        for (String alone : List.of("\\ud800", "\\udbff", "\\udc00", "\\udfff")) {
            assertEquals("JSON parse error, " + alone + " is not a valid Unicode character",
                    read("['" + alone + "']"));
        }
        assertEquals("JSON parse error, \\ud800 is not a valid Unicode character",
                read("['\\ud800\\udbff']"));
        assertEquals("JSON parse error, \\ud800 is not a valid Unicode character",
                read("['\\ud800\\ue000']"));
    }

    /** Two bytes a byte, 48 a word: what whoever keeps a message is charged for it. */
    @Test
    void aMessageWeighsWhatItsBytesAndWordsDo() {
        read("['x']");
        long weight = weights.getFirst();
        assertEquals(2 * 5 + 48 * 3, weight);
        read("['xy']");
        assertEquals(weight + 2, weights.getFirst());
        read("['x',1]");
        assertEquals(weight + 2 * 2 + 48 * 2, weights.getFirst());
    }
}
