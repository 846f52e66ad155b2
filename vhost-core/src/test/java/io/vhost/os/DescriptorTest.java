package io.vhost.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DescriptorTest {
    private final int openBefore = Descriptor.openDescriptors();

    @AfterEach
    void nothingLeaks() {
        assertEquals(openBefore, Descriptor.openDescriptors());
    }

    @Test
    void aClosedDescriptorRefusesUse() {
        Descriptor file = MemFd.create("closed", 4096);
        file.close();
        assertFalse(file.isOpen());
        assertThrows(IllegalStateException.class, file::fd);
        assertThrows(IllegalStateException.class, file::size);
        assertThrows(IllegalStateException.class, file::duplicate);
    }

    @Test
    void theSecondCloseDoesNotTouchTheNumbersNextOwner() {
        Descriptor first = MemFd.create("first", 1);
        int number = first.fd();
        first.close();
        try (Descriptor second = MemFd.create("second", 2)) {
            assertEquals(number, second.fd(), "the kernel hands out the lowest free number");
            first.close();
            assertEquals(2, second.size());
        }
    }

    @Test
    void closingANumberThatSomebodyElseClosedIsReported() {
        Descriptor file = MemFd.create("stolen", 1);
        try (Descriptor thief = Descriptor.adopt(file.fd())) {
            assertEquals(1, thief.size());
        }
        OsException e = assertThrows(OsException.class, file::close);
        assertEquals(Errno.EBADF, e.errno());
    }

    @Test
    void aNumberBelowZeroIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Descriptor.adopt(-1));
    }

    @Test
    void aDuplicateOutlivesTheOriginal() {
        Descriptor original = MemFd.create("original", 12_345);
        try (Descriptor duplicate = original.duplicate()) {
            original.close();
            assertEquals(12_345, duplicate.size());
        }
    }

    @Test
    void knowsTheKindOfItsFile() {
        try (Descriptor file = MemFd.create("kind", 8192);
                EventFd event = EventFd.create()) {
            assertTrue(file.isRegularFile());
            assertEquals(8192, file.size());
            assertTrue(file.blockSize() >= 4096);
            assertFalse(event.descriptor().isRegularFile());
            assertEquals(0, event.descriptor().size());
        }
    }

    @Test
    void theMessageOfAFailureNamesCallOperandsAndError() {
        OsException e = assertThrows(OsException.class, () -> MemFd.create("x".repeat(250), 1));
        assertEquals(Errno.EINVAL, e.errno());
        assertEquals("memfd_create(" + "x".repeat(250) + ", flags=0)", e.call());
        assertEquals(e.call() + ": EINVAL (22) Invalid argument", e.getMessage());
        assertEquals("error 18 Invalid cross-device link", Errno.describe(18));
    }

    @Test
    void aMemoryFileOfHugePagesNeedsAWholeNumberOfThem() {
        assertThrows(IllegalArgumentException.class, () -> MemFd.createHuge("odd", 3 << 20, 2 << 20));
        assertThrows(IllegalArgumentException.class, () -> MemFd.createHuge("odd", 3 << 20, 3 << 20));
        assertThrows(IllegalArgumentException.class, () -> MemFd.create("negative", -1));
    }
}
