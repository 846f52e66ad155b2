package io.vhost.app.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class ProgressLineTest {
    private final StringWriter text = new StringWriter();

    @Test
    void onATerminalALineIsWrittenOverItself() {
        ProgressLine line = new ProgressLine(new PrintWriter(text), true);
        line.show("one");
        line.show("two");
        line.end();
        line.end();
        assertEquals("\r\u001b[?7lone\u001b[K\u001b[?7h\r\u001b[?7ltwo\u001b[K\u001b[?7h\n", text.toString());
    }

    @Test
    void elsewhereEachIsALineOfItsOwn() {
        ProgressLine line = new ProgressLine(new PrintWriter(text), false);
        line.show("one");
        line.show("two");
        line.end();
        assertEquals("one\ntwo\n", text.toString());
    }
}
