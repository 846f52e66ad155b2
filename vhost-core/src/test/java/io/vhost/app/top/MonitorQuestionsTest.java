package io.vhost.app.top;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vhost.app.cli.EndSignal;
import io.vhost.os.UnixListener;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Questions to who listens at a path and is no monitor. */
class MonitorQuestionsTest {
    @TempDir
    private Path directory;

    @Test
    void whoHasNotGreetedInTimeIsNamedWithTheTimeThatWasGiven() {
        Path silent = directory.resolve("silent");
        try (UnixListener _ = UnixListener.bind(silent)) {
            MonitorQuestions questions = new MonitorQuestions(silent);
            IOException refusal =
                    assertThrows(IOException.class, () -> questions.connect(new EndSignal(), 0));
            assertEquals("who listens at " + silent + " has not greeted within 0 s as a monitor does: PATH"
                    + " must be what a running program has after --monitor, not after --socket-path; a"
                    + " monitor whose program is stopped does not greet either", refusal.getMessage());
        }
    }

    @Test
    void anEndIsNotTakenForSilence() throws Exception {
        Path silent = directory.resolve("silent");
        EndSignal end = new EndSignal();
        end.raise();
        try (UnixListener _ = UnixListener.bind(silent)) {
            assertFalse(new MonitorQuestions(silent).connect(end, 0));
        }
    }
}
