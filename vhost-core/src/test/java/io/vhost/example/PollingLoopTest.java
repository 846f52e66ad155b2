package io.vhost.example;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class PollingLoopTest {
    private static void round(InternalError error) {
        new PollingLoop(() -> {
            throw error;
        }, List.of()).runOnce();
    }

    @Test
    void lostMemoryIsSurvivedAndAnotherFaultIsNot() {
        InternalError lost = new InternalError("a fault occurred in an unsafe memory access operation");
        assertDoesNotThrow(() -> round(lost));
        InternalError other = new InternalError("another");
        assertSame(other, assertThrows(InternalError.class, () -> round(other)));
    }
}
