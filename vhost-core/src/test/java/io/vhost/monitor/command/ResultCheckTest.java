package io.vhost.monitor.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vhost.monitor.command.Type.Member;
import java.math.BigInteger;
import java.nio.CharBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Results against the types that were declared. */
class ResultCheckTest {
    private static final BigInteger MOST = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

    private static void assertFits(Type type, Object... values) {
        for (Object value : values) {
            assertNull(ResultCheck.fault(type, value), () -> type.name() + " " + value);
        }
    }

    private static void assertFault(Type type, Object... values) {
        for (Object value : values) {
            assertNotNull(ResultCheck.fault(type, value), () -> type.name() + " " + value);
        }
    }

    @Test
    void integersHaveTheirRange() {
        assertFits(Type.UINT16, 0, 65535, (short) 7, 65535L, new AtomicLong(5));
        assertFault(Type.UINT16, -1, 65536, 1L << 40, 1.0, "1", null);
        assertFits(Type.UINT32, 0xFFFF_FFFFL);
        assertFault(Type.UINT32, 0x1_0000_0000L);
        assertFits(Type.UINT64, 0, Long.MAX_VALUE, MOST);
        assertFault(Type.UINT64, -1L, MOST.add(BigInteger.ONE));
        assertFits(Type.INT, Long.MIN_VALUE, Long.MAX_VALUE, BigInteger.TEN);
        assertFault(Type.INT, MOST, 1.5f, true);
    }

    @Test
    void simpleTypesAreWhatTheySay() {
        assertFits(Type.STRING, "", CharBuffer.wrap("x"));
        assertFault(Type.STRING, 1, true, null, List.of(), Path.of("x"));
        assertFits(Type.BOOLEAN, true, false);
        assertFault(Type.BOOLEAN, "true", 1, null);
        assertFits(Type.enumeration("a", "b"), "a", "b");
        assertFault(Type.enumeration("a", "b"), "c", null, 1);
    }

    @Test
    void arraysAndObjectsAreCheckedInside() {
        Type array = Type.array(Type.STRING);
        assertFits(array, List.of(), List.of("a", "b"));
        assertFault(array, "a", Map.of(), null, List.of(1), Arrays.asList("a", null));
        Type object = Type.object(Member.of("a", Type.INT), Member.optional("b", array));
        assertFits(object, Map.of("a", 1), Map.of("a", 1, "b", List.of("x")));
        assertEquals("the result.a is missing", ResultCheck.fault(object, Map.of()));
        assertEquals("the result has a member that is not declared: c",
                ResultCheck.fault(object, Map.of("a", 1, "c", 2)));
        assertEquals("the result.b[1] is the number 2, a value of type string expected",
                ResultCheck.fault(object, Map.of("a", 1, "b", List.of("x", 2))));
        assertFault(object, List.of(), null, Map.of(1, 2));
    }

    @Test
    void nothingIsAnEmptyObject() {
        assertFits(Type.EMPTY, (Object) null, Map.of());
        assertFault(Type.EMPTY, "x", Map.of("a", 1));
    }

    @Test
    void anyValueIsOneThatJsonHas() {
        assertFits(Type.ANY, null, 1, 1.5, "x", true, List.of(Map.of("a", List.of())));
        assertFault(Type.ANY, Path.of("x"), List.of(new int[0]), Map.of(1, 2));
    }
}
