package io.vhost.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PollTest {
    private final int openBefore = Descriptor.openDescriptors();

    @AfterEach
    void nothingLeaks() {
        assertEquals(openBefore, Descriptor.openDescriptors());
    }

    @Test
    void onlyTheSignalledDescriptorIsReady() {
        try (EventFd one = EventFd.create();
                EventFd other = EventFd.create()) {
            Poll poll = new Poll(one.descriptor(), other.descriptor());
            assertEquals(0, poll.await(0));
            assertEquals(0, poll.await(1));
            other.signal();
            assertEquals(1, poll.await(Poll.FOREVER));
            assertFalse(poll.isReady(0));
            assertTrue(poll.isReady(1));
            one.signal();
            assertEquals(2, poll.await(60_000));
            one.drain();
            other.drain();
            assertEquals(0, poll.await(0));
            assertFalse(poll.isReady(1));
        }
    }

    @Test
    void aThreadThatWaitsIsWokenByItsEventFd() throws Exception {
        UnixSocket[] pair = UnixSocket.pair();
        try (UnixSocket socket = pair[0];
                UnixSocket _ = pair[1];
                EventFd stop = EventFd.create()) {
            var waiter = CompletableFuture.supplyAsync(() -> {
                Poll poll = new Poll(socket.descriptor(), stop.descriptor());
                poll.await(Poll.FOREVER);
                return poll.isReady(1) && !poll.isReady(0);
            });
            stop.signal(); // before or while it waits
            assertTrue(waiter.get());
        }
    }

    @Test
    void theEndOfAStreamIsReady() {
        UnixSocket[] pair = UnixSocket.pair();
        try (UnixSocket socket = pair[0]) {
            Poll poll = new Poll(socket.descriptor());
            assertEquals(0, poll.await(0));
            pair[1].close();
            assertEquals(1, poll.await(Poll.FOREVER));
            assertTrue(poll.isReady(0));
        }
    }

    @Test
    void aClosedDescriptorIsNotWatched() {
        EventFd event = EventFd.create();
        Poll poll = new Poll(event.descriptor());
        event.close();
        assertThrows(IllegalStateException.class, () -> poll.await(0));
    }

    @Test
    void aDescriptorClosedBehindItsOwnersBackIsReported() {
        EventFd event = EventFd.create();
        Poll poll = new Poll(event.descriptor());
        try (Descriptor thief = Descriptor.adopt(event.descriptor().fd())) {
            assertTrue(thief.isOpen());
        }
        poll.await(0);
        assertThrows(IllegalStateException.class, () -> poll.isReady(0));
        assertThrows(OsException.class, event::close);
    }
}
