package io.vhost.app.cli;

import java.io.PrintWriter;

/**
 * A line that tells how things are: on a terminal written over itself, elsewhere a new line each
 * time. One thread.
 */
public final class ProgressLine {
    // No wrap: what is too long is cut, not continued on the next line.
    private static final String START = "\r\u001b[?7l";
    private static final String END = "\u001b[K\u001b[?7h";

    private final PrintWriter out;
    private final boolean terminal;
    private boolean open;

    /** A line on {@code out}, which may be a terminal. */
    public ProgressLine(PrintWriter out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    /** Shows {@code text} in place of the last one, or below it. */
    public void show(String text) {
        if (terminal) {
            out.print(START + text + END);
            open = true;
        } else {
            out.println(text);
        }
        out.flush();
    }

    /** Leaves the last text where it is; other output may follow. */
    public void end() {
        if (open) {
            out.println();
            open = false;
        }
    }
}
