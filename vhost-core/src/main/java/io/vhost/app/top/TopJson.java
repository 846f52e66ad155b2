package io.vhost.app.top;

import io.vhost.app.cli.CommandContext;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;

/** Tables for programs, a line each on standard output, and nothing else there. Thread: one. */
final class TopJson implements TopView {
    private final CommandContext context;
    private final PrintWriter err;
    private final TopLines end;

    TopJson(CommandContext context, PrintWriter err) {
        this.context = context;
        this.err = err;
        this.end = new TopLines(context);
    }

    @Override
    public void show(String title, List<String> lines) throws IOException {
        lines.forEach(context.out()::println);
        if (context.out().checkError()) {
            throw new IOException(CommandContext.OUTPUT_LOST);
        }
    }

    @Override
    public void note(String text) {
        err.println("vhost: " + text);
    }

    @Override
    public boolean isEndWanted() {
        return end.isEndWanted();
    }

    @Override
    public void close() {
        // Standard output is everybody's.
    }
}
