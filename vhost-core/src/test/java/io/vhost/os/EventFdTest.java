package io.vhost.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EventFdTest {
    /** Only a call that waits for a signal takes this long. */
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final int openBefore = Descriptor.openDescriptors();

    @AfterEach
    void nothingLeaks() {
        assertEquals(openBefore, Descriptor.openDescriptors());
    }

    @Test
    void drainTakesAllSignalsAtOnce() {
        try (EventFd event = EventFd.create()) {
            assertEquals(0, event.drain());
            assertTrue(event.signal());
            assertTrue(event.signal());
            assertTrue(event.signal());
            assertEquals(3, event.drain());
            assertEquals(0, event.drain());
        }
    }

    @Test
    void aSaturatedCounterCountsAsSignalled() {
        try (EventFd event = EventFd.create()) {
            HostilePeer.fill(event);
            assertTrue(event.signal());
            assertEquals(Long.MAX_VALUE, event.drain(), "2^64 - 1 signals, given as the largest long");
            assertEquals(0, event.drain());
        }
    }

    /** A hostile process at the other end can do both, again and again. */
    @Test
    void aCounterAtItsLimitMakesNobodyWaitEvenWhereWritesDo() {
        try (EventFd event = EventFd.create()) {
            HostilePeer.makeWritersWait(event);
            assertTrue(assertTimeoutPreemptively(LIMIT, event::signal), "to 2^64 - 1");
            assertTrue(assertTimeoutPreemptively(LIMIT, event::signal), "and not beyond");
            assertEquals(Long.MAX_VALUE, event.drain());
        }
    }

    @Test
    void anEmptyCounterMakesNobodyWaitEvenWhereReadsDo() {
        try (EventFd event = EventFd.create()) {
            event.descriptor().blocking();
            assertEquals(0, assertTimeoutPreemptively(LIMIT, event::drain));
            assertTrue(event.signal());
            assertEquals(1, event.drain());
        }
    }

    /** The kernel keeps a limited number of completions that nobody has taken. */
    @Test
    void signalsByManyThreadsAllArrive() throws InterruptedException {
        try (EventFd event = EventFd.create()) {
            List<Thread> threads = IntStream.range(0, 4).mapToObj(_ -> Thread.ofPlatform().start(() -> {
                for (int i = 0; i < 5_000; i++) {
                    event.signal();
                }
            })).toList();
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(20_000, event.drain());
        }
    }

    /** What stands in where the kernel refuses its help. */
    @Test
    void withoutTheKernelsHelpSignalsAreWritten() {
        try (EventFd other = EventFd.create();
                EventFd event = new EventFd(other.descriptor().duplicate(), null)) {
            assertTrue(event.signal());
            assertEquals(1, event.drain());
            HostilePeer.fill(event);
            assertTrue(event.signal());
            assertEquals(Long.MAX_VALUE, event.drain());
        }
        try (Pipe pipe = Pipe.open();
                EventFd event = new EventFd(pipe.writeEnd().duplicate(), null)) {
            pipe.readEnd().close();
            assertFalse(event.signal());
        }
    }

    @Test
    void anotherKindOfDescriptorIsRefusedAndClosed() {
        try (Pipe pipe = Pipe.open()) {
            Descriptor end = pipe.writeEnd().duplicate();
            OsException e = assertThrows(OsException.class, () -> EventFd.adopt(end));
            assertTrue(e.getMessage().matches(
                    "adopt\\(fd=\\d+\\): EINVAL.*: it is pipe:\\[\\d+]; send an eventfd"), e.getMessage());
            assertFalse(end.isOpen());
        }
        Descriptor file = Opened.pathOnly(Path.of("/"));
        assertThrows(OsException.class, () -> EventFd.adopt(file));
        assertFalse(file.isOpen());
    }

    /** What adopt cannot see where /proc is missing, the kernel sees. */
    @Test
    void theKernelSignalsNothingButEventFds() {
        try (Pipe pipe = Pipe.open();
                EventFd event = new EventFd(pipe.writeEnd().duplicate(), KernelSignal.ofProcess())) {
            assertFalse(event.signal());
        }
    }

    @Test
    void aClosedEventFdRefusesUse() {
        EventFd event = EventFd.create();
        event.close();
        event.close();
        assertThrows(IllegalStateException.class, event::signal);
        assertThrows(IllegalStateException.class, event::drain);
    }

    @Test
    void signalAndDrainDoNotAllocate() {
        try (EventFd event = EventFd.create()) {
            long signals = signalAndDrain(event, 100_000); // compiled, and this thread has its scratch
            long before = Proc.allocatedBytes();
            signals += signalAndDrain(event, 20_000);
            long allocated = Proc.allocatedBytes() - before;
            assertEquals(120_000, signals);
            assertTrue(allocated < 20_000, "allocated=" + allocated + " bytes in 20000 rounds");
        }
    }

    private static long signalAndDrain(EventFd event, int rounds) {
        long signals = 0;
        for (int i = 0; i < rounds; i++) {
            event.signal();
            signals += event.drain();
        }
        return signals;
    }
}
