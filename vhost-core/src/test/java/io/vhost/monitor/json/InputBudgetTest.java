package io.vhost.monitor.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** What clients hold together is bounded, and each has something of its own. */
class InputBudgetTest {
    private final InputBudget budget = new InputBudget(1000);
    private final InputBudget.Share one = budget.share();
    private final InputBudget.Share other = budget.share();

    @Test
    void whatIsOwnCostsTheOthersNothing() {
        assertTrue(one.take(InputBudget.OWN));
        assertEquals(0, budget.used());
        assertTrue(one.take(1000));
        assertEquals(1000, budget.used());
        assertFalse(one.take(1));
        assertTrue(other.take(InputBudget.OWN));
        assertFalse(other.take(1));
        assertEquals(InputBudget.OWN + 1000, one.held());
    }

    @Test
    void whatIsGivenBackOthersCanTake() {
        assertTrue(one.take(InputBudget.OWN + 1000));
        assertFalse(other.take(InputBudget.OWN + 1));
        one.give(1);
        assertTrue(other.take(InputBudget.OWN + 1));
        assertFalse(other.take(1));
        one.give(InputBudget.OWN + 999);
        assertEquals(1, budget.used());
        other.give(InputBudget.OWN + 1);
        assertEquals(0, budget.used());
        assertEquals(0, one.held() + other.held());
    }

    @Test
    void whatIsRefusedIsNotTaken() {
        assertFalse(one.take(InputBudget.OWN + 1001));
        assertEquals(0, one.held());
        assertEquals(0, budget.used());
        assertTrue(one.take(InputBudget.OWN + 1000));
    }
}
