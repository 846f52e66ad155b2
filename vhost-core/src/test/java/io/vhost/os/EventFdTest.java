package io.vhost.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EventFdTest {
    private static final long LARGEST_COUNT = -2; // 2^64 - 2, beyond which an eventfd's writer would wait

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
        try (EventFd event = EventFd.create();
                Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocateFrom(ValueLayout.JAVA_LONG, LARGEST_COUNT);
            assertEquals(Long.BYTES, Libc.write(event.descriptor().fd(), count, Long.BYTES));
            assertEquals(-Errno.EAGAIN, Libc.write(event.descriptor().fd(), count, Long.BYTES));
            assertTrue(event.signal());
            assertEquals(Long.MAX_VALUE, event.drain(), "2^64 - 2 signals, given as the largest long");
            assertEquals(0, event.drain());
        }
    }

    @Test
    void aFullBufferOfAnotherKindOfDescriptorCountsAsSignalled() throws LostDescriptorsException {
        UnixSocket[] pair = UnixSocket.pair();
        try (UnixSocket reader = pair[1];
                EventFd event = EventFd.adopt(pair[0].descriptor());
                Arena arena = Arena.ofConfined()) {
            MemorySegment filler = arena.allocate(4096);
            long written;
            do {
                written = Libc.write(event.descriptor().fd(), filler, filler.byteSize());
            } while (written > 0);
            assertEquals(-Errno.EAGAIN, written);
            assertTrue(event.signal());
            assertEquals(4096, reader.receive(filler, 0, 4096, new ArrayList<>()));
        }
    }

    @Test
    void anotherKindOfDescriptorDrainsToo() {
        UnixSocket[] pair = UnixSocket.pair();
        try (EventFd one = EventFd.adopt(pair[0].descriptor());
                EventFd other = EventFd.adopt(pair[1].descriptor())) {
            assertEquals(0, other.drain());
            assertTrue(one.signal());
            assertTrue(other.drain() > 0);
            assertEquals(0, other.drain());
        }
    }

    @Test
    void anEndThatNobodyReadsIsAnAnswerNotAnException() {
        try (Pipe pipe = Pipe.open();
                EventFd event = EventFd.adopt(pipe.writeEnd().duplicate())) {
            assertTrue(event.signal());
            pipe.readEnd().close();
            assertFalse(event.signal());
        }
    }

    @Test
    void aFullPipeCountsAsSignalled() {
        try (Pipe pipe = Pipe.open();
                EventFd event = EventFd.adopt(pipe.writeEnd().duplicate());
                Arena arena = Arena.ofConfined()) {
            MemorySegment filler = arena.allocate(4096);
            long written;
            do {
                written = Libc.write(event.descriptor().fd(), filler, filler.byteSize());
            } while (written > 0);
            assertEquals(-Errno.EAGAIN, written);
            assertTrue(event.signal());
        }
    }

    @Test
    void aDescriptorThatCannotBeMadeNonBlockingIsClosed() {
        Descriptor file = Opened.pathOnly(Path.of("/"));
        OsException e = assertThrows(OsException.class, () -> EventFd.adopt(file));
        assertEquals(Errno.EBADF, e.errno());
        assertFalse(file.isOpen());
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
            long signals = signalAndDrain(event, 20_000); // compiled, and this thread has its scratch
            long before = Proc.allocatedBytes();
            signals += signalAndDrain(event, 20_000);
            long allocated = Proc.allocatedBytes() - before;
            assertEquals(40_000, signals);
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
