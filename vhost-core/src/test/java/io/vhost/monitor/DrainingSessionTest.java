package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.monitor.dialogue.Dialogue;
import io.vhost.os.UnixSocket;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A client that has ended its input and leaves output unread, while there is more and more to tell it. */
class DrainingSessionTest {
    private static final String EVENT = "e".repeat(10_000);
    private static final long HIGH_WATER = 1 << 20;

    private final UnixSocket[] pair = UnixSocket.pair();
    private final List<Integer> closed = new ArrayList<>();
    private final Session session = new Session(
            7, pair[1], pair[1].peer(), new Owner(), HIGH_WATER, _ -> new Silent());

    @AfterEach
    void close() {
        pair[0].close();
        pair[1].close();
    }

    private final class Owner implements SessionOwner {
        @Override
        public void post(Runnable action) {
            throw new AssertionError("nothing is to be run");
        }

        @Override
        public boolean execute(Runnable action) {
            throw new AssertionError("nothing is to be run");
        }

        @Override
        public void closed(int number) {
            closed.add(number);
        }
    }

    /** Takes events and does nothing else. */
    private static final class Silent implements Dialogue {
        @Override
        public String greeting() {
            return "";
        }

        @Override
        public void accept(int octet) {
            throw new AssertionError("nothing was sent");
        }

        @Override
        public boolean takesInput() {
            return true;
        }

        @Override
        public void proceed() {
            // No command waits.
        }

        @Override
        public boolean isIdle() {
            return true;
        }

        @Override
        public boolean takesEvents() {
            return true;
        }

        @Override
        public long held() {
            return 0;
        }

        @Override
        public void close() {
            // It has nothing.
        }

        @Override
        public String mode() {
            return "control";
        }

        @Override
        public String state() {
            return "open";
        }
    }

    /** Ends the input of a client whose socket is full, and tells how late it is then. */
    private long endInput() {
        session.greet();
        while (!session.wantsWrite()) {
            session.event(EVENT);
        }
        session.drain(Session.DRAIN_TIME);
        return System.nanoTime();
    }

    @Test
    void whatComesMeanwhileGivesItNoMoreTime() {
        long end = endInput() + Session.DRAIN_TIME;
        session.checkDeadline(end - 2 * Session.DRAIN_TIME);
        session.event(EVENT);
        session.event(EVENT);
        assertFalse(session.isClosed());
        session.checkDeadline(end);
        assertTrue(session.isClosed());
        assertEquals(List.of(7), closed);
    }

    @Test
    void whatItReadsDoes() {
        long end = endInput() + Session.DRAIN_TIME;
        byte[] read = new byte[1 << 16];
        while (session.wantsWrite()) {
            assertTrue(pair[0].tryReceive(read) > 0);
            long before = System.nanoTime();
            session.ready();
            session.checkDeadline(before + Session.DRAIN_TIME);
            assertFalse(session.isClosed() && session.wantsWrite(), "it has read something");
        }
        session.checkDeadline(end + 1);
        assertEquals(List.of(7), closed, "all is read");
    }
}
