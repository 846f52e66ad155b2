package io.vhost.monitor.json;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Values as text: what a C program with {@code %.17g}, and a space behind commas and colons, writes. */
class JsonTest {
    @Test
    void aSpaceStandsBehindCommasAndColonsAndNowhereElse() {
        assertEquals("{\"a\": [1, {}, []], \"b\": {\"c\": null, \"d\": true}}", Json.write(Json.object(
                "a", List.of(1, Map.of(), List.of()), "b", Json.object("c", null, "d", true))));
        assertEquals("[\"a,b:c\"]", Json.write(List.of("a,b:c")));
    }

    @Test
    void whatIsTextAlreadyStandsAsItIs() {
        List<Object> values = new ArrayList<>(List.of(new Json.Raw("{\"x\": 1}"), new Json.Raw("2")));
        values.add(null);
        assertEquals("{\"a\": [{\"x\": 1}, 2, null], \"b\": \"c\"}",
                Json.write(Json.object("a", values, "b", new Json.Raw("\"c\""))));
    }

    @Test
    void numbersHaveSeventeenDigitsAtMost() {
        assertEquals("1.5", JsonReal.text(1.5));
        assertEquals("0.10000000000000001", JsonReal.text(0.1));
        assertEquals("-0.33333333333333331", JsonReal.text(-1.0 / 3));
        assertEquals("100000", JsonReal.text(1e5));
        assertEquals("9007199254740992", JsonReal.text(9007199254740992.0));
        assertEquals("10000000000000000", JsonReal.text(1e16));
        assertEquals("1e+17", JsonReal.text(1e17));
        assertEquals("1.0000000000000001e+300", JsonReal.text(1e300));
        assertEquals("0.0001", JsonReal.text(1e-4).substring(0, 6));
        assertEquals("1.0000000000000001e-05", JsonReal.text(1e-5));
        assertEquals("4.9406564584124654e-324", JsonReal.text(Double.MIN_VALUE));
        assertEquals("0", JsonReal.text(0.0));
        assertEquals("-0", JsonReal.text(-0.0));
        assertEquals("[null, null]", Json.write(List.of(Double.NaN, Double.POSITIVE_INFINITY)));
    }

    @Test
    void aTextIsCutBetweenCharacters() {
        assertEquals("abc", Json.cut("abc", 3));
        assertEquals("ab...", Json.cut("abc", 2));
        assertEquals("a...", Json.cut("a\uD83D\uDE00b", 2));
        assertEquals("a\uD83D\uDE00...", Json.cut("a\uD83D\uDE00b", 3));
    }
}
