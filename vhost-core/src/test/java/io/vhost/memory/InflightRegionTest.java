package io.vhost.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.Descriptor;
import io.vhost.os.Mapping;
import io.vhost.os.MemFd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InflightRegionTest {
    private static final int FILE = 3 * 4096;
    private int before;
    private int unmapped;

    @BeforeEach
    void count() {
        before = Descriptor.openDescriptors();
    }

    @AfterEach
    void nothingLeaks() {
        assertEquals(before, Descriptor.openDescriptors());
    }

    private InflightRegion map(Descriptor file, long offset, long size, MemoryRules rules)
            throws MemoryTableException {
        return InflightRegion.map(file, offset, size, 2, 8, rules, () -> unmapped++);
    }

    @ParameterizedTest
    @CsvSource({"1,64", "63,64", "64,64", "65,128", "128,128"})
    void partsBeginAtMultiplesOfALine(long part, long stride) {
        assertEquals(stride, InflightRegion.bytes(1, part));
        assertEquals(3 * stride, InflightRegion.bytes(3, part));
        MemorySegment memory = Arena.ofAuto().allocate(3 * stride, InflightRegion.PART_ALIGNMENT);
        InflightRegion region = InflightRegion.of(memory, 3, 8);
        for (int i = 0; i < 3; i++) {
            assertEquals(memory.asSlice(i * stride, part), region.part(i, part));
        }
        assertEquals(3, region.queues());
        assertEquals(8, region.queueSize());
        assertEquals(3 * stride, region.size());
        region.release();
    }

    @Test
    void memoryThatIsNotAlignedOrOnTheHeapIsRefused() {
        MemorySegment memory = Arena.ofAuto().allocate(192, InflightRegion.PART_ALIGNMENT);
        assertThrows(IllegalArgumentException.class, () -> InflightRegion.of(memory.asSlice(32), 1, 8));
        assertThrows(IllegalArgumentException.class,
                () -> InflightRegion.of(MemorySegment.ofArray(new byte[64]), 1, 8));
    }

    @Test
    void theRegionIsThePartOfTheFileThatWasSaid() throws MemoryTableException {
        try (Descriptor file = MemFd.create("inflight", FILE); Mapping view = Mapping.reserve(FILE)) {
            view.place(0, file, 0, FILE);
            InflightRegion region = map(file, 4096 + 64, 4096, MemoryRules.USUAL);
            assertEquals(4096, region.size());
            region.part(0, 4096).set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
            region.part(0, 4096).set(ValueLayout.JAVA_BYTE, 4095, (byte) 2);
            assertEquals(1, view.segment().get(ValueLayout.JAVA_BYTE, 4096 + 64));
            assertEquals(2, view.segment().get(ValueLayout.JAVA_BYTE, 2 * 4096 + 63));
            region.release();
            assertTrue(file.isOpen(), "it is the caller's");
        }
    }

    @Test
    void itIsUnmappedWithItsLastUserAndOnce() throws MemoryTableException {
        try (Descriptor file = InflightRegion.createFile(FILE)) {
            assertEquals(FILE, file.size());
            InflightRegion region = map(file, 0, FILE, MemoryRules.USUAL);
            MemorySegment part = region.part(1, 64);
            region.retain();
            region.release();
            part.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
            assertEquals(0, unmapped);
            region.release();
            assertEquals(1, unmapped);
            assertThrows(IllegalStateException.class, () -> part.get(ValueLayout.JAVA_BYTE, 0));
            assertThrows(IllegalStateException.class, region::retain);
            assertThrows(IllegalStateException.class, region::release);
            assertEquals(1, unmapped);
        }
    }

    /** The largest size and offset that are allowed are more than a file has. */
    @ParameterizedTest
    @CsvSource({"0,0,needs", "0,-1,needs", "-64,64,needs", "32,64,needs", "63,64,needs",
            "0,281474976710657,needs", "281474976710720,64,needs",
            "0,281474976710656,exceeds", "281474976710656,64,exceeds", "0,12289,exceeds", "12288,1,exceeds"})
    void whatDoesNotFitIsRefusedAndTold(long offset, long size, String why) {
        try (Descriptor file = MemFd.create("inflight", FILE)) {
            String text = assertThrows(MemoryTableException.class,
                    () -> map(file, offset, size, MemoryRules.USUAL)).getMessage();
            assertTrue(text.startsWith("in-flight region of size") && text.contains(why), text);
            assertEquals(1, unmapped);
        }
    }

    @Test
    void theRulesForFilesHold() {
        try (Descriptor file = MemFd.create("inflight", FILE)) {
            assertThrows(MemoryTableException.class, () -> map(file, 0, 64, new MemoryRules(true, false)));
            assertEquals(1, unmapped);
        }
        Descriptor closed = MemFd.create("inflight", FILE);
        closed.close();
        assertThrows(IllegalStateException.class, () -> map(closed, 0, 64, MemoryRules.USUAL));
        assertEquals(2, unmapped);
    }
}
