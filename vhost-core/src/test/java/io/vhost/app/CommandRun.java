package io.vhost.app;

import io.vhost.app.cli.CommandContext;
import io.vhost.app.cli.EndSignal;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;

/**
 * One run of the command line within this JVM.
 *
 * @param status the exit status
 * @param out standard output
 * @param err standard error
 */
public record CommandRun(int status, String out, String err) {
    /** Runs it as if these were the words after {@code vhost}. */
    public static CommandRun of(String... words) {
        return of(new EndSignal(), words);
    }

    public static CommandRun of(EndSignal end, String... words) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status =
                VhostCommand.run(
                        new CommandContext(new PrintWriter(out), false, end),
                        new PrintWriter(err, true),
                        words);
        return new CommandRun(status, out.toString(), err.toString());
    }

    /** Runs it with a standard output that cannot be written. */
    public static CommandRun withoutOutput(String... words) {
        StringWriter err = new StringWriter();
        Writer full = new Writer() {
            @Override
            public void write(char[] text, int offset, int count) throws IOException {
                throw new IOException("No space left on device");
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        int status = VhostCommand.run(
                new CommandContext(new PrintWriter(full), false, new EndSignal()),
                new PrintWriter(err, true), words);
        return new CommandRun(status, "", err.toString());
    }

    @Override
    public String toString() {
        return "status " + status + "\n" + out + err;
    }
}
