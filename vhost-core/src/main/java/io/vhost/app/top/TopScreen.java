package io.vhost.app.top;

import java.io.IOError;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jline.terminal.Attributes;
import org.jline.terminal.Attributes.ControlChar;
import org.jline.terminal.Size;
import org.jline.terminal.Sized;
import org.jline.terminal.Terminal;
import org.jline.utils.AttributedString;
import org.jline.utils.AttributedStyle;
import org.jline.utils.Display;
import org.jline.utils.InfoCmp.Capability;

/**
 * The whole terminal, for a table that is shown again and again; what stood there before is back after
 * {@link #close}. Thread: one.
 */
final class TopScreen implements TopView {
    private static final int KEY_MILLIS = 100;

    private final Terminal terminal;
    private final Display display;
    private final Attributes before;
    private List<AttributedString> table = List.of();
    private Size size = Size.of(0, 0);

    /**
     * Takes over a terminal.
     *
     * @param terminal closed with this screen
     */
    TopScreen(Terminal terminal) {
        this.terminal = terminal;
        display = new Display(terminal, true);
        before = terminal.enterRawMode();
        terminal.puts(Capability.enter_ca_mode);
        terminal.puts(Capability.cursor_invisible);
    }

    /** Shows a title and lines in place of those before, as far as they fit. */
    @Override
    public void show(String title, List<String> lines) {
        table = new ArrayList<>();
        table.add(new AttributedString(title, AttributedStyle.BOLD));
        lines.forEach(line -> table.add(new AttributedString(line)));
        update(table);
    }

    /** Shows a text below the title, where it is seen however many lines there are. */
    @Override
    public void note(String text) {
        List<AttributedString> noted = new ArrayList<>(table);
        noted.add(Math.min(1, noted.size()), new AttributedString(text, AttributedStyle.INVERSE));
        update(noted);
    }

    private void update(List<AttributedString> lines) {
        Sized now = terminal.getSize();
        if (!now.equals(size)) {
            size = Size.of(now);
            display.clear();
            display.resize(now);
        }
        display.update(
                lines.stream().limit(size.getRows())
                        .map(line -> line.columnSubSequence(0, size.getColumns())).toList(),
                0);
    }

    /**
     * Waits for a key; whether it was one that ends: q, or those that would send a signal if they were not
     * read here.
     */
    @Override
    public boolean isEndWanted() throws IOException {
        int key = terminal.reader().read(KEY_MILLIS);
        return key == 'q' || key == 'Q' || key == -1
                || key == before.getControlChar(ControlChar.VINTR)
                || key == before.getControlChar(ControlChar.VQUIT);
    }

    /** A terminal that has gone meanwhile needs nothing back. */
    @Override
    public void close() {
        try {
            terminal.puts(Capability.cursor_visible);
            terminal.puts(Capability.exit_ca_mode);
            terminal.setAttributes(before);
        } catch (IOError _) {
            // Closing tries once more.
        }
        closeQuietly(terminal);
    }

    private static void closeQuietly(Terminal terminal) {
        try {
            terminal.close();
        } catch (IOException | IOError _) {
            // There is nobody left to see it.
        }
    }
}
