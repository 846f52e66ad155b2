package io.vhost.app.top;

import io.vhost.app.cli.CommandContext;
import java.io.IOException;
import java.util.List;

/** Tables that follow each other on standard output, whatever that is. Thread: one. */
final class TopLines implements TopView {
    private static final long TICK = 100_000_000;

    private final CommandContext context;

    TopLines(CommandContext context) {
        this.context = context;
    }

    @Override
    public void show(String title, List<String> lines) throws IOException {
        context.out().println(title);
        lines.forEach(context.out()::println);
        flush();
    }

    @Override
    public void note(String text) throws IOException {
        context.out().println(text);
        flush();
    }

    private void flush() throws IOException {
        if (context.out().checkError()) {
            throw new IOException(CommandContext.OUTPUT_LOST);
        }
    }

    @Override
    public boolean isEndWanted() {
        return context.end().await(TICK);
    }

    @Override
    public void close() {
        // Standard output is everybody's.
    }
}
