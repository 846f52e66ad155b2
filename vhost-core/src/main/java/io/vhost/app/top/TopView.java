package io.vhost.app.top;

import java.io.IOException;
import java.util.List;

/** Where tables are shown. Thread: one. */
interface TopView extends AutoCloseable {
    /**
     * Shows a table.
     *
     * @throws IOException if nobody can see it any more
     */
    void show(String title, List<String> lines) throws IOException;

    /**
     * Says something about the table shown last, until the next one.
     *
     * @throws IOException if nobody can see it any more
     */
    void note(String text) throws IOException;

    /**
     * Waits for a moment; whether the user has seen enough.
     *
     * @throws IOException if the terminal has gone
     */
    boolean isEndWanted() throws IOException;

    /** Gives back what was taken over. */
    @Override
    void close();
}
