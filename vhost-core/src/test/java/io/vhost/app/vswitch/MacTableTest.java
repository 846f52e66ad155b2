package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class MacTableTest {
    private final MacTable<String> table = new MacTable<>(64, 100);
    private final Map<String, Integer> numbers = new HashMap<>();

    private void learn(long address, String port, long now) {
        table.learn(address, port, numbers.computeIfAbsent(port, table::add), now);
    }

    @Test
    void anAddressIsFoundWhereItWasSeenLast() {
        assertNull(table.port(1, 0));
        learn(1, "a", 0);
        learn(2, "b", 0);
        assertEquals("a", table.port(1, 50));
        learn(1, "c", 60);
        assertEquals("c", table.port(1, 60));
        assertEquals("b", table.port(2, 60));
    }

    @Test
    void anAddressThatIsNotSeenAgainIsForgotten() {
        learn(1, "a", 0);
        assertEquals("a", table.port(1, 100));
        assertNull(table.port(1, 101));
        learn(1, "a", 101);
        learn(1, "a", 150);
        assertEquals("a", table.port(1, 250));
    }

    @Test
    void theClockMayWrap() {
        learn(1, "a", Long.MAX_VALUE - 10);
        assertEquals("a", table.port(1, Long.MIN_VALUE + 80));
        assertNull(table.port(1, Long.MIN_VALUE + 100));
    }

    @Test
    void addressZeroIsAnAddress() {
        assertNull(table.port(0, 0));
        learn(0, "a", 0);
        assertEquals("a", table.port(0, 0));
    }

    @Test
    void aFullTableForgetsWhatWasSeenLongestAgo() {
        learn(-1, "old", 0);
        for (int i = 0; i < 10_000; i++) {
            learn(i, "new", 1);
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
        learn(1, "a", 0);
        learn(2, "b", 0);
        table.remove(numbers.get("a"));
        assertNull(table.port(1, 0));
        assertEquals("b", table.port(2, 0));
    }

    @Test
    void nothingIsLearnedOfAPortThatHasGone() {
        learn(1, "a", 0);
        int number = numbers.get("a");
        table.remove(number);
        table.learn(1, "a", number, 1);
        assertNull(table.port(1, 1));
        int next = table.add("b");
        assertNotEquals(number, next);
        table.learn(1, "b", next, 2);
        table.learn(1, "a", next, 3);
        assertEquals("b", table.port(1, 3));
    }

    @Test
    void aNumberIsGivenAgainWhenAllOthersHaveBeen() {
        for (int i = 1; i <= MacTable.MOST_PORTS; i++) {
            assertEquals(i, table.add("port"));
        }
        assertThrows(IllegalStateException.class, () -> table.add("one more"));
        table.remove(7);
        assertEquals(7, table.add("another"));
    }

    @Test
    void theWidestAddressAndTheHighestNumberAreKeptApart() {
        for (int i = 1; i < MacTable.MOST_PORTS; i++) {
            table.remove(table.add("gone"));
        }
        long widest = 0xFFFF_FFFF_FFFFL;
        int highest = table.add("highest");
        assertEquals(MacTable.MOST_PORTS, highest);
        table.learn(widest, "highest", highest, 0);
        assertEquals("highest", table.port(widest, 0));
        assertNull(table.port(widest - 1, 0));
    }

    @Test
    void theTimeOfAnAddressThatIsSeenAllTheTimeIsStoredNowAndThen() {
        MacTable<String> slow = new MacTable<>(64, 6_400);
        int number = slow.add("a");
        slow.learn(1, "a", number, 0);
        slow.learn(1, "a", number, 100);
        assertNull(slow.port(1, 6_401));
        slow.learn(1, "a", number, 101);
        assertEquals("a", slow.port(1, 6_501));
        assertNull(slow.port(1, 6_502));
    }

    /** Two threads, one of whose ports each address is at, in one set more than it has room for. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void noThreadIsToldThePortOfAnotherAddress() throws Exception {
        MacTable<String> crowded = new MacTable<>(16, Long.MAX_VALUE);
        int even = crowded.add("even");
        int odd = crowded.add("odd");
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            List<Future<Integer>> wrong = new ArrayList<>();
            for (int t = 0; t < 2; t++) {
                int own = t;
                wrong.add(threads.submit(() -> {
                    int faults = 0;
                    for (int i = 0; i < 500_000; i++) {
                        long mine = 2L * (i % 40) + own;
                        crowded.learn(mine, own == 0 ? "even" : "odd", own == 0 ? even : odd, i);
                        long other = i * 7L % 80;
                        String port = crowded.port(other, i);
                        faults += port == null || port.equals(other % 2 == 0 ? "even" : "odd") ? 0 : 1;
                    }
                    return faults;
                }));
            }
            for (Future<Integer> each : wrong) {
                assertEquals(0, each.get(50, TimeUnit.SECONDS));
            }
        }
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
