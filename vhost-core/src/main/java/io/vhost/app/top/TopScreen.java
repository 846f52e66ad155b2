package io.vhost.app.top;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jline.terminal.Attributes;
import org.jline.terminal.Size;
import org.jline.terminal.Sized;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.AttributedString;
import org.jline.utils.AttributedStyle;
import org.jline.utils.Display;
import org.jline.utils.InfoCmp.Capability;

/**
 * The whole terminal, for a table that is shown again and again; what stood there before is back after
 * {@link #close}. Thread: one.
 */
final class TopScreen implements AutoCloseable {
    private final Terminal terminal;
    private final Display display;
    private final Attributes before;
    private Size size = Size.of(0, 0);

    /**
     * Takes over a terminal.
     *
     * @param terminal closed with this screen
     */
    TopScreen(Terminal terminal) {
        this.terminal = terminal;
        before = terminal.enterRawMode();
        terminal.puts(Capability.enter_ca_mode);
        terminal.puts(Capability.cursor_invisible);
        display = new Display(terminal, true);
    }

    /**
     * Takes over the terminal that this process has. It is set up by programs of the system and not by native
     * code, for which users would have to give the JVM one more permission.
     *
     * @throws IOException if there is none that can be written all over
     */
    static TopScreen open() throws IOException {
        try {
            return new TopScreen(TerminalBuilder.builder().name("vhost top").system(true).dumb(false)
                    .provider("exec")
                    .build());
        } catch (IllegalStateException e) {
            throw new IOException("the terminal cannot be used: " + e.getMessage(), e);
        }
    }

    /** Shows a title and lines in place of those before, as far as they fit. */
    void show(String title, List<String> lines) {
        Sized now = terminal.getSize();
        if (!now.equals(size)) {
            size = Size.of(now);
            display.clear();
            display.resize(now);
        }
        List<AttributedString> shown = new ArrayList<>();
        shown.add(new AttributedString(title, AttributedStyle.BOLD));
        lines.forEach(line -> shown.add(new AttributedString(line)));
        display.update(
                shown.stream().limit(size.getRows())
                        .map(line -> line.columnSubSequence(0, size.getColumns())).toList(),
                0);
    }

    /**
     * Waits for a key.
     *
     * @param millis longest wait
     * @return whether it was the one that ends
     * @throws IOException if the terminal has gone
     */
    boolean isQuitPressed(long millis) throws IOException {
        int key = terminal.reader().read(millis);
        return key == 'q' || key == 'Q' || key == -1;
    }

    @Override
    public void close() {
        terminal.puts(Capability.cursor_visible);
        terminal.puts(Capability.exit_ca_mode);
        terminal.setAttributes(before);
        try {
            terminal.close();
        } catch (IOException e) {
            throw new IllegalStateException(e);   // closing a terminal writes nothing more
        }
    }
}
