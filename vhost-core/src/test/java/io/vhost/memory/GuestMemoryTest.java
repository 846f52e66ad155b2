package io.vhost.memory;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.Mapping;
import io.vhost.os.MemFd;
import io.vhost.os.Opened;
import io.vhost.os.Proc;
import io.vhost.state.MemoryRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GuestMemoryTest {
    private static final long PAGE = 4096;
    private static final long USER = 0x7F00_0000_0000L;
    private static final long HUGE_PAGE = 2 << 20;
    private static final String FILE = "guest";

    private final int openBefore = Descriptor.openDescriptors();

    @AfterEach
    void nothingLeaks() {
        assertEquals(openBefore, Descriptor.openDescriptors());
        assertEquals(0, Proc.descriptorsOf("memfd:" + FILE));
        assertEquals(List.of(), Proc.mapsOf("memfd:" + FILE));
    }

    @Test
    void guestAndUserAddressesOfARegionMeetInTheWindow() throws MemoryTableException {
        Descriptor file = MemFd.create(FILE, 4 * PAGE);
        try (Descriptor ours = file.duplicate();
                Mapping frontEnd = Mapping.reserve(4 * PAGE)) {
            frontEnd.place(0, ours, 0, 4 * PAGE);
            frontEnd.segment().set(JAVA_LONG, PAGE + 8, 42);
            GuestMemory memory = map(region(0x10000, USER, 3 * PAGE, PAGE), file);
            long offset = memory.translate(0x10008, 8);
            assertEquals(42, memory.window().get(JAVA_LONG, offset));
            assertEquals(offset, memory.translateUser(USER + 8, 8));
            assertEquals(offset, memory.windowOffset(0) + 8);
            assertEquals(3 * PAGE - 8, memory.contiguousLength(0x10008));
            memory.window().set(JAVA_LONG, offset, 43);
            assertEquals(43, frontEnd.segment().get(JAVA_LONG, PAGE + 8));
            memory.release();
        }
    }

    @Test
    void theFilesAreClosedWhenTheTableIsMapped() throws MemoryTableException {
        Descriptor file = MemFd.create(FILE, PAGE);
        GuestMemory memory = map(region(0, USER, PAGE, 0), file);
        assertFalse(file.isOpen());
        assertEquals(1, Proc.mapsOf("memfd:" + FILE).size());
        memory.release();
    }

    @Test
    void aHoleInTheGuestStaysAHole() throws MemoryTableException {
        Descriptor file = MemFd.create(FILE, 8 * PAGE);
        // As QEMU does it: one file, whose middle is not in the guest.
        GuestMemory memory = map(
                List.of(region(0, USER, 2 * PAGE, 0), region(3 * PAGE, USER + 3 * PAGE, 5 * PAGE, 3 * PAGE)),
                file, file.duplicate());
        assertEquals(0, memory.translate(0, 2 * PAGE));
        assertEquals(GuestMemory.UNMAPPED, memory.translate(2 * PAGE - 1, 2));
        assertEquals(GuestMemory.UNMAPPED, memory.translate(2 * PAGE, 1));
        assertEquals(0, memory.contiguousLength(2 * PAGE));
        assertEquals(0, memory.contiguousLength(3 * PAGE - 1));
        assertEquals(memory.windowOffset(1), memory.translate(3 * PAGE, 5 * PAGE));
        assertEquals(GuestMemory.UNMAPPED, memory.translate(8 * PAGE, 1));
        assertEquals(GuestMemory.UNMAPPED, memory.translate(-1, 2));
        memory.release();
    }

    @Test
    void regionsThatContinueEachOtherAreOneEvenFromTwoFilesAndInAnyOrder() throws MemoryTableException {
        GuestMemory memory = map(
                List.of(region(PAGE, USER + PAGE, PAGE, 0), region(0, USER, PAGE, 0)),
                MemFd.create(FILE, PAGE), MemFd.create(FILE, PAGE));
        assertEquals(List.of(0L, PAGE), memory.regions().stream().map(MemoryRegion::guestAddress).toList());
        assertEquals(PAGE - 4, memory.translate(PAGE - 4, 8));
        assertEquals(PAGE - 4, memory.translateUser(USER + PAGE - 4, 8));
        assertEquals(2 * PAGE, memory.contiguousLength(0));
        memory.window().set(JAVA_LONG, PAGE, 1);
        memory.release();
    }

    @Test
    void neighboursInTheGuestOnlyAreToBeSplit() throws MemoryTableException {
        GuestMemory memory = map(
                List.of(region(0, USER, PAGE, 0), region(PAGE, USER + 9 * PAGE, PAGE, 0)),
                MemFd.create(FILE, PAGE), MemFd.create(FILE, PAGE));
        assertEquals(GuestMemory.UNMAPPED, memory.translate(PAGE - 4, 8));
        assertEquals(4, memory.contiguousLength(PAGE - 4));
        assertEquals(PAGE, memory.contiguousLength(PAGE));
        memory.release();
    }

    @Test
    void oneMemoryMayBeShownToTheGuestTwice() throws MemoryTableException {
        Descriptor file = MemFd.create(FILE, 4 * PAGE);
        GuestMemory memory = map(
                List.of(region(0, USER, 4 * PAGE, 0), region(1L << 32, USER + PAGE, PAGE, PAGE)),
                file, file.duplicate());
        memory.window().set(JAVA_LONG, memory.translate(PAGE, 8), 5);
        assertEquals(5, memory.window().get(JAVA_LONG, memory.translate(1L << 32, 8)));
        assertEquals(memory.translate(PAGE, 8), memory.translateUser(USER + PAGE, 2 * PAGE));
        memory.release();
    }

    @Test
    void addressesAboveTheSignedRangeAreAddresses() throws MemoryTableException {
        GuestMemory memory = map(
                List.of(region(-PAGE, -PAGE, PAGE, 0), region(1L << 63, 1L << 63, PAGE, 0)),
                MemFd.create(FILE, PAGE), MemFd.create(FILE, PAGE));
        assertEquals(0, memory.translate(1L << 63, PAGE));
        assertEquals(PAGE, memory.translate(-PAGE, PAGE));
        assertEquals(PAGE, memory.translateUser(-PAGE, PAGE));
        assertEquals(GuestMemory.UNMAPPED, memory.translate(-1, 2));
        assertEquals(GuestMemory.UNMAPPED, memory.translate(Long.MAX_VALUE, 2));
        memory.release();
    }

    @Test
    void aTableThatContradictsItselfIsRefused() {
        assertRefused("region is empty", region(0, USER, 0, 0));
        assertRefused("larger than 2^48", region(0, USER, (1L << 48) + 1, 0));
        assertRefused("larger than 2^48", region(0, USER, -1, 1));
        assertRefused("exceeds its file", region(0, USER, 1L << 48, 0));
        assertRefused("wraps around 2^64: [guest=0xfffffffffffff000 ", region(-PAGE, USER, 2 * PAGE, 0));
        assertRefused("wraps around", region(0, -PAGE, 2 * PAGE, 0));
        assertRefused("beyond 2^63 in its file", region(0, USER, PAGE, -PAGE));
        assertRefused("beyond 2^63 in its file", region(0, USER, PAGE, Long.MAX_VALUE - 15));
        assertRefused("beyond 2^63 in its file", region(0, USER, PAGE - 15, Long.MAX_VALUE - PAGE + 16));
        assertRefused("exceeds its file", region(0, USER, PAGE - 1, Long.MAX_VALUE - PAGE + 1));
        assertRefused("overlap", region(PAGE, USER, 2 * PAGE, 0), region(2 * PAGE, USER, 2 * PAGE, 0));
        assertRefused("overlap", region(2 * PAGE, USER, PAGE, 0), region(0, USER, 2 * PAGE + 16, 0));
        assertRefused("overlap", region(0, USER, PAGE, 0), region(0, USER, PAGE, 0));
        assertRefused("overlap", region(0, USER, PAGE + 1, 0), region(PAGE, USER, PAGE, 0));
        assertRefused("not aligned alike", region(8, USER, PAGE, 0));
        assertRefused("not aligned alike", region(0, USER + 1, PAGE, 0));
        assertRefused("must have one file for each of 1 to 509");
        assertRefused("must have one file for each", manyRegions(GuestMemory.MAX_REGIONS + 1));
    }

    @Test
    void asManyRegionsAsAMessageHoldsAreTaken() throws MemoryTableException {
        MemoryRegion[] regions = manyRegions(GuestMemory.MAX_REGIONS);
        GuestMemory memory = map(List.of(regions), files(regions.length));
        for (MemoryRegion region : regions) {
            assertEquals(PAGE, memory.contiguousLength(region.guestAddress()));
        }
        memory.release();
    }

    @Test
    void aTableThatContradictsItsFilesIsRefused() {
        MemoryRegion whole = region(0, USER, 4 * PAGE, 0);
        assertRefused("2 files", List.of(whole), files(2));
        assertRefused("0 files", List.of(whole));
        assertRefused("exceeds its file of 16384 bytes", region(0, USER, 4 * PAGE + 1, 0));
        assertRefused("exceeds its file", region(0, USER, 4 * PAGE, 16));
        assertRefused("exceeds its file", region(0, USER, 16, 1L << 40));
    }

    @Test
    void aFileThatCannotBeMappedIsRefused(@TempDir Path directory) throws Exception {
        Path path = Files.write(directory.resolve("read-only"), new byte[(int) PAGE]);
        assertRefused("EACCES", List.of(region(0, USER, PAGE, 0)), Opened.readOnly(path));
        assertRefused("EBADF", List.of(region(0, USER, PAGE, 0)), Opened.pathOnly(path));
        assertRefused(
                "lies on file system unknown (0x9041934)",
                List.of(region(0, USER, PAGE, 0)),
                EventFd.create().descriptor());
        assertRefused(
                "EACCES",
                List.of(region(0, USER, PAGE, 0), region(PAGE, USER, PAGE, 0)),
                MemFd.create(FILE, PAGE), Opened.readOnly(path));
    }

    @Test
    void moreThanTheAddressSpaceIsRefused() {
        long size = 1L << 47;
        assertRefused("ENOMEM", List.of(region(0, 0, size, 0)), MemFd.create(FILE, size));
    }

    @Test
    void theLastReleaseUnmaps() throws MemoryTableException {
        GuestMemory memory = map(region(0, USER, PAGE, 0), MemFd.create(FILE, PAGE));
        MemorySegment window = memory.window();
        memory.retain();
        memory.release();
        window.set(JAVA_LONG, 0, 1);
        memory.release();
        assertThrows(IllegalStateException.class, () -> window.get(JAVA_LONG, 0));
        assertThrows(IllegalStateException.class, memory::retain);
        assertThrows(IllegalStateException.class, memory::release);
    }

    @Test
    void aThousandTablesLeaveNothingBehind() throws MemoryTableException {
        long sparse = 1L << 36;
        long before = Proc.addressSpace();
        for (int i = 0; i < 1000; i++) {
            GuestMemory memory = map(
                    List.of(region(0, USER, PAGE, 0), region(sparse, USER + sparse, sparse, PAGE)),
                    MemFd.create(FILE, PAGE), MemFd.create(FILE, sparse + PAGE));
            memory.window().set(JAVA_LONG, memory.translate(sparse, 8), i);
            memory.release();
        }
        assertTrue(Proc.addressSpace() - before < sparse, "not even one of the windows is left");
    }

    @Test
    void aTruncatedFileIsAnErrorOfTheAccessNotTheEndOfTheProcess() throws Exception {
        Path path = Files.createTempFile("guest", null);
        try {
            Files.write(path, new byte[2 * (int) PAGE]);
            GuestMemory memory = map(region(0, USER, 2 * PAGE, 0), Opened.readWrite(path));
            long offset = memory.translate(PAGE, 8);
            assertEquals(0, memory.window().get(JAVA_LONG, offset));
            Files.write(path, new byte[0]);
            assertThrows(InternalError.class, () -> memory.window().get(JAVA_LONG, offset));
            memory.release();
        } finally {
            Files.delete(path);
        }
    }

    @Test
    void hugePagesAreMappedFromTheMiddleOfOne() throws MemoryTableException {
        Assumptions.assumeTrue(
                Proc.freeHugePages() >= 3, "skipped: no 3 huge pages are free (sysctl vm.nr_hugepages=3)");
        GuestMemory memory = map(
                List.of(region(0, USER, PAGE, 0), region(1L << 32, 0, 3 * PAGE, HUGE_PAGE - PAGE)),
                MemFd.create(FILE, PAGE), MemFd.createHuge(FILE, 2 * HUGE_PAGE, HUGE_PAGE));
        long offset = memory.translate(1L << 32, 3 * PAGE);
        memory.window().set(JAVA_LONG, offset, 1);
        memory.window().set(JAVA_LONG, offset + 3 * PAGE - 8, 2);
        assertEquals(HUGE_PAGE - PAGE, offset % HUGE_PAGE);
        memory.release();
    }

    @Test
    void aWindowOfOurOwnHoldsItsRegionsWhereTheySay() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment window = arena.allocate(4 * PAGE, PAGE);
            GuestMemory memory =
                    GuestMemory.of(window, region(1 << 20, 5, PAGE, 3 * PAGE), region(0, USER, PAGE, 16));
            assertEquals(16, memory.translate(0, PAGE));
            assertEquals(3 * PAGE, memory.translate(1 << 20, PAGE));
            assertEquals(3 * PAGE, memory.translateUser(5, 1));
            memory.release();
            assertEquals(0, window.get(JAVA_LONG, 0), "not ours to unmap");
            assertThrows(IllegalArgumentException.class, () -> GuestMemory.of(window));
            assertThrows(
                    IllegalArgumentException.class, () -> GuestMemory.of(window, region(0, 0, 4 * PAGE, 1)));
            assertThrows(
                    IllegalArgumentException.class, () -> GuestMemory.of(window, region(0, 0, 0, 0)));
            MemorySegment heap = MemorySegment.ofArray(new long[512]);
            assertThrows(
                    IllegalArgumentException.class, () -> GuestMemory.of(heap, region(0, 0, PAGE, 0)));
        }
    }

    /** Front-ends' memory has holes, in the guest and in the window. */
    @Test
    void whatLiesInTheWindowIsFoundInTheGuest() {
        MemorySegment window = Arena.ofAuto().allocate(4 * PAGE, PAGE);
        GuestMemory memory = GuestMemory.of(window,
                region(1 << 20, 5, PAGE, 3 * PAGE), region(0, USER, PAGE, PAGE));
        AddressTranslator translator = new AddressTranslator(memory);
        for (long[] place : new long[][] {{PAGE, 0}, {2 * PAGE - 1, PAGE - 1}, {3 * PAGE, 1 << 20},
                {4 * PAGE - 1, (1 << 20) + PAGE - 1}, {PAGE + 1, 1}}) {
            assertEquals(place[1], memory.guestAddress(place[0]));
            assertEquals(place[1], translator.guestAddress(place[0]));
            assertEquals(place[0], translator.translate(place[1], 1));
            assertEquals(place[1], translator.guestAddress(place[0]), "of the region used last");
        }
        for (long outside : new long[] {0, PAGE - 1, 2 * PAGE, 3 * PAGE - 1, 4 * PAGE, -1}) {
            assertThrows(IllegalArgumentException.class, () -> memory.guestAddress(outside));
            assertThrows(IllegalArgumentException.class, () -> translator.guestAddress(outside));
        }
        translator.translate(1 << 20, 1);
        assertEquals(List.of(1L << 20, PAGE, 3 * PAGE),
                List.of(translator.start(), translator.size(), translator.windowOffset()));
    }

    private static MemoryRegion region(long guest, long user, long size, long offset) {
        return new MemoryRegion(guest, user, size, offset);
    }

    /** Regions of a page each with a page of hole between them. */
    private static MemoryRegion[] manyRegions(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> region(i * (2 * PAGE), USER + i * (2 * PAGE), PAGE, 0))
                .toArray(MemoryRegion[]::new);
    }

    private static Descriptor[] files(int count) {
        return IntStream.range(0, count)
                .mapToObj(_ -> MemFd.create(FILE, 4 * PAGE))
                .toArray(Descriptor[]::new);
    }

    private static GuestMemory map(MemoryRegion region, Descriptor file) throws MemoryTableException {
        return map(List.of(region), file);
    }

    private static GuestMemory map(List<MemoryRegion> regions, Descriptor... files)
            throws MemoryTableException {
        return GuestMemory.map(regions, List.of(files));
    }

    /** Each region comes with a file of four pages. */
    private static void assertRefused(String reason, MemoryRegion... regions) {
        assertRefused(reason, List.of(regions), files(regions.length));
    }

    private static void assertRefused(String reason, List<MemoryRegion> regions, Descriptor... files) {
        var e = assertThrows(MemoryTableException.class, () -> map(regions, files).release());
        assertTrue(e.getMessage().contains(reason), e.getMessage());
        List<Descriptor> open = new ArrayList<>(List.of(files));
        open.removeIf(file -> !file.isOpen());
        assertEquals(List.of(), open, "all files are closed");
        assertEquals(List.of(), Proc.mapsOf("memfd:" + FILE));
    }
}
