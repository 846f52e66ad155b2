package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class WorkBudgetTest {
    private static final int PACKET = WorkBudget.PER_PACKET;
    private static final int WORTH = WorkBudget.BYTES_PER_DESCRIPTOR;

    private final WorkBudget budget = new WorkBudget();

    @Test
    void whatNobodyGrantedHasNoLimit() {
        budget.spend(Integer.MAX_VALUE, 0);
        assertFalse(budget.isSpent());
    }

    @Test
    void aBurstIsOverWithItsLastDescriptor() {
        assertTrue(budget.grant(2));
        budget.spend(2 * PACKET - 1, 0);
        assertFalse(budget.isSpent());
        budget.spend(1, 0);
        assertTrue(budget.isSpent());
    }

    @Test
    void aDebtIsPaidByBurstsAndWhatIsLeftOverIsForfeit() {
        assertTrue(budget.grant(1));
        budget.spend(4 * PACKET, 0);
        assertFalse(budget.grant(1));
        assertFalse(budget.grant(1));
        assertFalse(budget.grant(1), "paid to the last descriptor, and nothing left");
        assertTrue(budget.grant(1));
        assertTrue(budget.grant(1));
        budget.spend(PACKET, 0);
        assertTrue(budget.isSpent());
    }

    @Test
    void bytesAreWorthDescriptorsUpToALimit() {
        budget.grant(1);
        budget.spend(1 + 1, WORTH - 1);
        budget.spend(3, 3 * WORTH);
        budget.spend(1, 3 * WORTH);
        budget.spend(WorkBudget.MOST_CARRIED + 1, Long.MAX_VALUE);
        budget.spend(PACKET - 4, 0);
        assertFalse(budget.isSpent());
        budget.spend(1, 0);
        assertTrue(budget.isSpent());
    }

    @Test
    void copiesCountBeyondTheLongestPackets() {
        budget.grant(1);
        budget.spendCopies(2, 2L * WorkBudget.PACKET_BYTES + WORTH - 1);
        budget.spendCopies(1, 60);
        budget.spendCopies(1, WorkBudget.PACKET_BYTES + (PACKET - 1L) * WORTH);
        assertFalse(budget.isSpent());
        budget.spendCopies(0, WORTH);
        assertTrue(budget.isSpent());
    }

    @Test
    void noSpendingWrapsAround() {
        for (int i = 0; i < 100; i++) {
            budget.spend(Integer.MAX_VALUE, 0);
            budget.spendCopies(0, 1L << 40);
            budget.grant(Integer.MAX_VALUE);
        }
        assertFalse(budget.isSpent());
    }
}
