package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.Proc;
import io.vhost.os.Descriptor;
import io.vhost.os.MemFd;
import io.vhost.queue.ControlException;
import io.vhost.state.MemoryRegion;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a refused or repeated request leaves behind: nothing, and what a reset forgets. */
class ControlEdgesTest {
    private static TestGuest running() throws ControlException {
        TestGuest guest = new TestGuest(TestGuest.MODERN, TestGuest.RING, 1);
        guest.start();
        guest.listener.take();
        return guest;
    }

    @Test
    void aLogThatIsTooSmallDoesNotStayMapped() throws ControlException {
        try (TestGuest guest = running()) {
            Descriptor file = MemFd.create("small-log", 4096);
            assertThrows(ControlException.class, () -> guest.control.memory().dirtyLog(file, 0, 8));
            assertFalse(file.isOpen());
            assertEquals(List.of(), Proc.mapsOf("memfd:small-log"));
        }
    }

    @Test
    void memoryBeyondTheLogDoesNotStayMapped() throws ControlException {
        try (TestGuest guest = running(); MarkedPages marks = new MarkedPages()) {
            guest.control.memory().dirtyLog(marks.file(), 0, MarkedPages.LOG_SIZE);
            guest.control.features(guest.features | Feature.VHOST_F_LOG_ALL.mask());
            MemoryRegion beyond = new MemoryRegion(1L << 40, 0, 4096, 0);
            Descriptor file = MemFd.create("beyond-log", 4096);
            assertThrows(ControlException.class,
                    () -> guest.control.memory().replace(List.of(beyond), List.of(file)));
            assertFalse(file.isOpen());
            assertEquals(List.of(), Proc.mapsOf("memfd:beyond-log"));
            assertTrue(guest.toGuest().queue.isRunning());
        }
    }

    /** Front-ends say it again and again. */
    @Test
    void whatIsSaidAgainStopsNothingUnlessAResetCameBetween() throws ControlException {
        try (TestGuest guest = running()) {
            guest.control.enable(0, true);
            guest.control.enable(0, true);
            assertEquals(List.of(), guest.listener.take());
            guest.control.enable(0, false);
            guest.control.enable(0, false);
            assertEquals(List.of("vring 0 off lock 0"), guest.listener.take());
            guest.control.enable(0, true);
            assertEquals(List.of("vring 0 on lock 0"), guest.listener.take());
            guest.control.resetOwner();
            guest.listener.take();
            guest.control.enable(0, true);
            assertEquals(List.of("vring 0 on lock 0"), guest.listener.take());
        }
    }

    @Test
    void aResetForgetsTheStatus() throws ControlException {
        try (TestGuest guest = running()) {
            guest.control.status(0xF);
            assertEquals(0xF, guest.control.status());
            guest.control.resetDevice();
            assertEquals(0, guest.control.status());
        }
    }

    @Test
    void anotherChannelTakesThePlaceOfTheOneBefore() throws ControlException {
        Descriptor first = MemFd.create("channel", 1);
        Descriptor second = MemFd.create("channel", 1);
        try (TestGuest guest = running()) {
            guest.control.backendChannel(first);
            guest.control.backendChannel(second);
            assertFalse(first.isOpen());
            assertTrue(second.isOpen());
        }
        assertFalse(second.isOpen());
    }
}
