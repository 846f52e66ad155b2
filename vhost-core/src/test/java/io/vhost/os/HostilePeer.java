package io.vhost.os;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What a process can do to an eventfd that it shares. */
public final class HostilePeer {
    /** 2^64 - 2, beyond which an eventfd's writer has to wait. */
    static final long LARGEST_COUNT = -2;

    private static final int EFD_SEMAPHORE = 1;

    private HostilePeer() {}

    /** {@return an eventfd of which each read takes 1 away, so that it is readable as often as it says} */
    public static Descriptor semaphore(int count) {
        return Descriptor.adopt(Libc.eventfd(count, EFD_SEMAPHORE));
    }

    /** Fills the counter and has those wait who write to it, until it is drained. */
    public static void makeWritersWait(EventFd event) {
        fill(event);
        event.descriptor().blocking();
    }

    /** Fills the counter, which must be at 0. */
    static void fill(EventFd event) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocateFrom(ValueLayout.JAVA_LONG, LARGEST_COUNT);
            assertEquals(Long.BYTES, Libc.write(event.descriptor().fd(), count, Long.BYTES));
        }
    }
}
