package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MappingTest {
    private static final long PAGE = Libc.pageSize();
    private static final long HUGE_PAGE = 2 << 20;

    private final int openBefore = Descriptor.openDescriptors();

    @AfterEach
    void nothingLeaks() {
        assertEquals(openBefore, Descriptor.openDescriptors());
        assertEquals(0, Proc.mapsOf("memfd:mapping").size());
    }

    @Test
    void whatNoFileCoversReadsAsZeroAndMayBeWritten() {
        try (Mapping window = Mapping.reserve(1)) {
            MemorySegment segment = window.segment();
            assertEquals(PAGE, segment.byteSize());
            assertEquals(0, segment.get(JAVA_LONG, PAGE - 8));
            segment.set(JAVA_LONG, PAGE - 8, 42);
            assertEquals(42, segment.get(JAVA_LONG, PAGE - 8));
            assertThrows(IndexOutOfBoundsException.class, () -> segment.get(JAVA_BYTE, PAGE));
        }
    }

    @Test
    void twoWindowsOnOneFileShareItsMemory() {
        try (Descriptor file = MemFd.create("mapping", 4 * PAGE);
                Mapping one = Mapping.reserve(8 * PAGE);
                Mapping other = Mapping.reserve(8 * PAGE)) {
            assertEquals(3 * PAGE, one.place(3 * PAGE, file, PAGE, 2 * PAGE));
            assertEquals(0, other.place(0, file, 0, 4 * PAGE));
            one.segment().set(JAVA_LONG, 3 * PAGE, 0x1234_5678_9ABC_DEF0L);
            assertEquals(0x1234_5678_9ABC_DEF0L, other.segment().get(JAVA_LONG, PAGE));
            assertEquals(2, Proc.mapsOf("memfd:mapping").size(), "no trial mapping stays behind");
        }
    }

    @Test
    void anOffsetInsideABlockIsFoundAgainInTheWindow() {
        try (Descriptor file = MemFd.create("mapping", 3 * PAGE);
                Mapping window = Mapping.reserve(4 * PAGE)) {
            file(file, 3 * PAGE, PAGE + 24, 77);
            assertEquals(2 * PAGE + 24, window.place(2 * PAGE, file, PAGE + 24, 8));
            assertEquals(77, window.segment().get(JAVA_LONG, 2 * PAGE + 24));
        }
    }

    @Test
    void theFileMayBeClosedOnceItIsPlaced() {
        try (Mapping window = Mapping.reserve(PAGE)) {
            try (Descriptor file = MemFd.create("mapping", PAGE)) {
                window.place(0, file, 0, PAGE);
            }
            window.segment().set(JAVA_LONG, 0, 1);
            assertEquals(0, Proc.descriptorsOf("memfd:mapping"));
            assertEquals(1, Proc.mapsOf("memfd:mapping").size());
        }
    }

    @Test
    void accessAfterCloseIsAnExceptionNotAFault() {
        Mapping window = Mapping.reserve(PAGE);
        MemorySegment segment = window.segment();
        window.close();
        window.close();
        assertThrows(IllegalStateException.class, () -> segment.get(JAVA_LONG, 0));
        try (Descriptor file = MemFd.create("mapping", PAGE)) {
            assertThrows(IllegalStateException.class, () -> window.place(0, file, 0, PAGE));
        }
    }

    @Test
    void aPlaceOutsideTheWindowOrOffItsBlocksIsRefused() {
        try (Descriptor file = MemFd.create("mapping", 4 * PAGE);
                Mapping window = Mapping.reserve(2 * PAGE)) {
            long[][] bad = {
                {PAGE, 0, 2 * PAGE}, {-PAGE, 0, PAGE}, {8, 0, PAGE}, {0, -1, PAGE}, {0, 0, 0}, {0, 0, -1},
                {0, 0, Long.MAX_VALUE}, {0, 1, 2 * PAGE}, {2 * PAGE, 0, 1}, {Long.MIN_VALUE, 0, PAGE},
            };
            for (long[] place : bad) {
                assertThrows(
                        IllegalArgumentException.class,
                        () -> window.place(place[0], file, place[1], place[2]));
            }
        }
    }

    @Test
    void aFileThatCannotBeMappedLeavesTheWindowAsItWas(@TempDir Path directory) throws Exception {
        Path path = Files.writeString(directory.resolve("read-only"), "x");
        try (Descriptor readOnly = Opened.readOnly(path);
                EventFd unmappable = EventFd.create();
                Mapping window = Mapping.reserve(2 * PAGE)) {
            window.segment().fill((byte) 7);
            OsException e = assertThrows(OsException.class, () -> window.place(0, readOnly, 0, 1));
            assertEquals(Errno.EACCES, e.errno());
            assertEquals("mmap(length=" + PAGE + ", " + readOnly + ", offset=0)", e.call());
            assertThrows(OsException.class, () -> window.place(PAGE, unmappable.descriptor(), 0, PAGE));
            assertEquals(7, window.segment().get(JAVA_BYTE, 0));
            assertEquals(7, window.segment().get(JAVA_BYTE, PAGE));
        }
    }

    @Test
    void moreThanTheAddressSpaceIsRefused() {
        for (long length : new long[] {1L << 50, Long.MAX_VALUE - 1, Long.MAX_VALUE}) {
            OsException e = assertThrows(OsException.class, () -> Mapping.reserve(length).close());
            assertEquals(Errno.ENOMEM, e.errno());
        }
        assertThrows(IllegalArgumentException.class, () -> Mapping.reserve(0));
        assertThrows(IllegalArgumentException.class, () -> Mapping.reserve(1, 3));
        assertThrows(IllegalArgumentException.class, () -> Mapping.reserve(1, Long.MIN_VALUE));
    }

    @Test
    void aReservationKeepsItsAlignmentAndNothingElse() {
        long before = Proc.addressSpace();
        try (Mapping window = Mapping.reserve(PAGE, 1L << 30)) {
            assertEquals(0, window.segment().address() & ((1L << 30) - 1));
            assertEquals(PAGE, window.segment().byteSize());
            assertTrue(Proc.addressSpace() - before < 1L << 30, "the slack is given back");
        }
    }

    @Test
    void aThousandWindowsLeaveNothingBehind() {
        long large = 1L << 36;
        long before = Proc.addressSpace();
        try (Descriptor file = MemFd.create("mapping", 4 * PAGE)) {
            for (int i = 0; i < 1000; i++) {
                try (Mapping window = Mapping.reserve(large, HUGE_PAGE)) {
                    window.place(large / 2, file, 0, 4 * PAGE);
                    window.segment().set(JAVA_LONG, large / 2, i);
                }
            }
        }
        assertTrue(Proc.addressSpace() - before < large, "not even one of the windows is left");
    }

    @Test
    void hugePagesAreMappedInWholePages() {
        Assumptions.assumeTrue(
                Proc.freeHugePages() >= 2, "skipped: no 2 huge pages are free (sysctl vm.nr_hugepages=2)");
        try (Descriptor file = MemFd.createHuge("mapping", 2 * HUGE_PAGE, HUGE_PAGE);
                Mapping window = Mapping.reserve(4 * HUGE_PAGE, HUGE_PAGE)) {
            assertEquals(HUGE_PAGE, Mapping.blockSize(file));
            assertThrows(IllegalArgumentException.class, () -> window.place(PAGE, file, 0, PAGE));
            assertEquals(HUGE_PAGE + 4104, window.place(HUGE_PAGE, file, HUGE_PAGE + 4104, 5000));
            window.segment().set(JAVA_LONG, HUGE_PAGE + 4104, 9);
        }
    }

    private static void file(Descriptor file, long size, long offset, long value) {
        try (Mapping whole = Mapping.reserve(size)) {
            whole.place(0, file, 0, size);
            whole.segment().set(JAVA_LONG, offset, value);
        }
    }
}
