package io.vhost.app.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Waiting for work or for the end, whichever comes first. */
@Timeout(60)
class EndSignalTest {
    private final EndSignal end = new EndSignal();

    @Test
    void workThatIsDoneEndsTheWait() throws Exception {
        CompletableFuture<String> work = Background.start("work", () -> "done");
        assertTrue(end.await(work, Long.MAX_VALUE));
        assertEquals("done", Background.result(work));
        assertFalse(end.isRaised());
    }

    @Test
    void workThatFailsIsDoneAndItsFailureIsWhatItThrew() {
        CompletableFuture<String> work = Background.start("work", () -> {
            throw new IOException("broken");
        });
        assertTrue(end.await(work, Long.MAX_VALUE));
        assertEquals("broken", assertThrows(IOException.class, () -> Background.result(work)).getMessage());
        CompletableFuture<String> error = Background.start("work", () -> {
            throw new StackOverflowError();
        });
        assertTrue(end.await(error, Long.MAX_VALUE));
        assertThrows(StackOverflowError.class, () -> Background.result(error));
    }

    @Test
    void theEndIsNotHeldUpByWork() {
        CompletableFuture<String> never = new CompletableFuture<>();
        assertFalse(end.await(never, 1));
        assertFalse(end.await(1));
        CompletableFuture<Void> _ = Background.start("end", () -> {
            end.raise();
            return null;
        });
        assertFalse(end.await(never, Long.MAX_VALUE));
        assertTrue(end.isRaised() && end.await(Long.MAX_VALUE));
    }

    @Test
    void whoIsInterruptedIsAskedToEnd() {
        Thread.currentThread().interrupt();
        assertFalse(end.await(new CompletableFuture<>(), Long.MAX_VALUE));
        assertTrue(Thread.interrupted());
        assertTrue(end.isRaised());
    }
}
