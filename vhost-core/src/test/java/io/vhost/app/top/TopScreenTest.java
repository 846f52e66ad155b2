package io.vhost.app.top;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.ExternalTerminal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The table on a terminal. */
@Timeout(120)
class TopScreenTest {
    private static final int COLUMNS = 20;
    private static final int ROWS = 4;
    private static final String BEGIN = "\u001b[?1049h";
    private static final String END = "\u001b[?1049l";

    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private Terminal terminal;

    private TopScreen screen(String keys) throws IOException {
        InputStream typed = new ByteArrayInputStream(keys.getBytes(StandardCharsets.US_ASCII));
        terminal = new ExternalTerminal("test", "xterm", typed, written, StandardCharsets.UTF_8);
        terminal.setSize(Size.of(COLUMNS, ROWS));
        return new TopScreen(terminal);
    }

    private String shown() {
        return written.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aTableIsCutToTheTerminalAndWhatStoodThereComesBack() throws IOException {
        try (TopScreen screen = screen("")) {
            screen.show("title", Collections.nCopies(2 * ROWS, "0123456789".repeat(3)));
        }
        assertTrue(shown().startsWith(BEGIN), shown());
        assertEquals(ROWS, shown().split("title|(0123456789){2}", -1).length - 1, shown());
        assertFalse(shown().contains("0123456789".repeat(3)), shown());
        assertTrue(shown().indexOf("title") < shown().indexOf("0123"), shown());
        assertTrue(shown().contains(END), shown());
    }

    @Test
    void aTerminalThatGrowsShowsMore() throws IOException {
        try (TopScreen screen = screen("")) {
            screen.show("title", List.of("0123456789".repeat(3)));
            terminal.setSize(Size.of(100, ROWS));
            int before = written.size();
            screen.show("title", List.of("0123456789".repeat(9)));
            String again = shown().substring(before);
            assertTrue(again.contains("0123456789".repeat(9)), again);
        }
    }

    @Test
    void whatHasNotChangedIsNotWrittenAgain() throws IOException {
        try (TopScreen screen = screen("")) {
            screen.show("title", List.of("same", "one"));
            int before = written.size();
            screen.show("title", List.of("same", "two"));
            String again = shown().substring(before);
            assertTrue(again.contains("two"), again);
            assertFalse(again.contains("same"), again);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {'q', 'Q', 3, 28})
    void someKeysEndAndOthersDoNot(int key) throws IOException {
        try (TopScreen screen = screen("x" + Character.toString(key))) {
            assertFalse(screen.isEndWanted());
            assertTrue(screen.isEndWanted());
        }
    }

    @Test
    void aNoteIsSeenHoweverManyLinesThereAre() throws IOException {
        try (TopScreen screen = screen("")) {
            screen.show("title", Collections.nCopies(2 * ROWS, "line"));
            int before = written.size();
            screen.note("note");
            assertTrue(shown().substring(before).contains("note"), shown());
            before = written.size();
            screen.show("title", Collections.nCopies(2 * ROWS, "line"));
            assertTrue(shown().substring(before).contains("line"), shown());
        }
    }
}
