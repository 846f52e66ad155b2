package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class MacTableTest {
    private final MacTable<String> table = new MacTable<>(64, 100);

    @Test
    void anAddressIsFoundWhereItWasSeenLast() {
        assertNull(table.port(1, 0));
        table.learn(1, "a", 0);
        table.learn(2, "b", 0);
        assertEquals("a", table.port(1, 50));
        table.learn(1, "c", 60);
        assertEquals("c", table.port(1, 60));
        assertEquals("b", table.port(2, 60));
    }

    @Test
    void anAddressThatIsNotSeenAgainIsForgotten() {
        table.learn(1, "a", 0);
        assertEquals("a", table.port(1, 100));
        assertNull(table.port(1, 101));
        table.learn(1, "a", 101);
        table.learn(1, "a", 150);
        assertEquals("a", table.port(1, 250));
    }

    @Test
    void theClockMayWrap() {
        table.learn(1, "a", Long.MAX_VALUE - 10);
        assertEquals("a", table.port(1, Long.MIN_VALUE + 80));
        assertNull(table.port(1, Long.MIN_VALUE + 100));
    }

    @Test
    void addressZeroIsAnAddress() {
        assertNull(table.port(0, 0));
        table.learn(0, "a", 0);
        assertEquals("a", table.port(0, 0));
    }

    @Test
    void aFullTableForgetsWhatWasSeenLongestAgo() {
        table.learn(-1, "old", 0);
        for (int i = 0; i < 10_000; i++) {
            table.learn(i, "new", 1);
            assertEquals("new", table.port(i, 1));
        }
        assertNull(table.port(-1, 1));
        long known = 0;
        for (int i = 0; i < 10_000; i++) {
            known += table.port(i, 1) == null ? 0 : 1;
        }
        assertEquals(64, known);
    }

    @Test
    void theAddressesOfAPortThatHasGoneAreForgotten() {
        table.learn(1, "a", 0);
        table.learn(2, "b", 0);
        table.keepOnly(new String[] {"b"});
        assertNull(table.port(1, 0));
        assertEquals("b", table.port(2, 0));
    }

    @Test
    void theCapacityIsAPowerOfTwo() {
        assertTrue(
                assertThrows(IllegalArgumentException.class, () -> new MacTable<>(24, 1))
                        .getMessage()
                        .contains("24"));
        assertThrows(IllegalArgumentException.class, () -> new MacTable<>(8, 1));
    }
}
