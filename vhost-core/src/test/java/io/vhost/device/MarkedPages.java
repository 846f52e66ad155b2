package io.vhost.device;

import io.vhost.memory.DirtyLog;
import io.vhost.os.Descriptor;
import io.vhost.os.Mapping;
import io.vhost.os.MemFd;
import io.vhost.queue.ControlException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Set;
import java.util.TreeSet;

/** A front-end's end of the dirty log of a {@link TestGuest}. Pages are those of the guest's file. */
final class MarkedPages implements AutoCloseable {
    static final int LOG_SIZE = 1 << 16;

    private static final int PAGE = DirtyLog.PAGE;

    private final Descriptor file = MemFd.create("log", LOG_SIZE);
    private final Mapping log = Mapping.reserve(LOG_SIZE);

    MarkedPages() {
        log.place(0, file, 0, LOG_SIZE);
    }

    /** What SET_LOG_BASE comes with. */
    Descriptor file() {
        return file.duplicate();
    }

    /** Pages that are marked; takes the marks out. */
    Set<Long> take() {
        Set<Long> pages = new TreeSet<>();
        for (long page = 0; page < LOG_SIZE * 8L; page++) {
            if (((log.segment().get(ValueLayout.JAVA_BYTE, page / 8) >> (page % 8)) & 1) != 0) {
                pages.add(page - TestGuest.GUEST / PAGE);
            }
        }
        log.segment().fill((byte) 0);
        return pages;
    }

    /** Pages that so many bytes lie in. */
    static Set<Long> of(long offset, long length) {
        Set<Long> pages = new TreeSet<>();
        for (long page = offset / PAGE; page * PAGE < offset + length; page++) {
            pages.add(page);
        }
        return pages;
    }

    static byte[] snapshot(TestGuest guest) {
        return guest.memory.toArray(ValueLayout.JAVA_BYTE);
    }

    static Set<Long> changed(byte[] before, byte[] after) {
        Set<Long> pages = new TreeSet<>();
        for (int page = 0; page < before.length / PAGE; page++) {
            MemorySegment one = MemorySegment.ofArray(before).asSlice((long) page * PAGE, PAGE);
            if (one.mismatch(MemorySegment.ofArray(after).asSlice((long) page * PAGE, PAGE)) >= 0) {
                pages.add((long) page);
            }
        }
        return pages;
    }

    /** Asks for what the device writes into its area of each ring, too. */
    static void logDeviceAreas(TestGuest guest) throws ControlException {
        for (TestQueue queue : guest.queues) {
            guest.control.ringAddresses(guest.queues.indexOf(queue), TestGuest.USER + queue.addresses.desc(),
                    TestGuest.USER + queue.addresses.avail(), TestGuest.USER + queue.addresses.used(),
                    TestGuest.GUEST + queue.addresses.used(), 1);
        }
    }

    @Override
    public void close() {
        file.close();
        log.close();
    }
}
