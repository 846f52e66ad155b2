package io.vhost.app.cli;

import java.io.PrintWriter;

/**
 * What a command has around it.
 *
 * @param out standard output
 * @param terminal whether that is a terminal, where a line can be written over
 * @param end tells when the user has seen enough
 */
public record CommandContext(PrintWriter out, boolean terminal, EndSignal end) {
    /** What a user is told whose disk is full, or whose pager has gone. */
    public static final String OUTPUT_LOST = "standard output cannot be written any more";
}
