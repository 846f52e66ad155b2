package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ProgramTest {
    @Test
    void linesGoInAndAwaitedTextComesOut() {
        try (Program cat = Program.start(List.of("cat"))) {
            cat.send("one two three");
            assertEquals("one ", cat.await("two"));
            cat.send("two");
            assertEquals(" three\n", cat.await("two"));
        }
    }

    @Test
    void anEndWithoutTheAwaitedTextTellsTheOutput() {
        try (Program shell = Program.start(List.of("sh", "-c", "echo out of cheese >&2; exit 3"))) {
            var failure = assertThrows(IllegalStateException.class, () -> shell.await("ready"));
            assertTrue(failure.getMessage().contains("out of cheese"), failure.getMessage());
            assertEquals(3, shell.exitStatus());
        }
    }

    @Test
    void closeEndsAProgramThatIsStopped() {
        Program cat = Program.start(List.of("cat"));
        Program.signal("STOP", cat.pid());
        cat.close();
        assertTrue(cat.ended(Duration.ZERO));
        assertFalse(ProcessHandle.of(cat.pid()).isPresent());
    }

    @Test
    void aMissingPeerIsAFailureWherePeersAreRequired() {
        String before = System.getProperty("peers", "");
        System.setProperty("peers", "required");
        try {
            assertThrows(AssertionError.class, () -> Peers.require("no-such-program"));
            Peers.require("sh");
        } finally {
            System.setProperty("peers", before);
        }
    }

    @Test
    void wordsWithNoiseInTheirMiddleAreHeard() {
        String script = "printf 'pro'; sleep 0.1; printf 'a bell\\n'; sleep 0.1; printf 'mpt>'; cat";
        try (Program program = Program.start(List.of("sh", "-c", script), Pattern.compile("a bell\n"))) {
            assertEquals("", program.await("prompt>"));
            program.send("a bell");
            program.send("end");
            assertEquals("", program.await("end"));
        }
    }
}
