package io.vhost.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.Descriptor;
import io.vhost.os.Mapping;
import io.vhost.os.MemFd;
import io.vhost.state.MemoryRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class DirtyLogTest {
    private final MemorySegment bits = Arena.ofAuto().allocate(32, 8);

    private List<Integer> pages() {
        List<Integer> pages = new ArrayList<>();
        for (int i = 0; i < bits.byteSize() * 8; i++) {
            if (((bits.get(ValueLayout.JAVA_BYTE, i / 8) >> (i % 8)) & 1) != 0) {
                pages.add(i);
            }
        }
        return pages;
    }

    @Test
    void everyPageOfARangeIsMarkedAndNoOther() {
        DirtyLog log = DirtyLog.of(bits);
        log.mark(5, 0);
        assertEquals(List.of(), pages());
        log.mark(4095, 1);
        assertEquals(List.of(0), pages());
        log.mark(4096, 4096);
        assertEquals(List.of(0, 1), pages());
        log.mark(7 * 4096 + 4095, 2);
        log.mark(63 * 4096, 2 * 4096);
        assertEquals(List.of(0, 1, 7, 8, 63, 64), pages());
        log.mark(255L * 4096, 10 * 4096);
        log.mark(-4096, 4096);
        log.mark(256L * 4096, 1);
        assertEquals(List.of(0, 1, 7, 8, 63, 64, 255), pages());
        log.release();
    }

    @Test
    void aLogThatDoesNotFitIsRefusedWithItsValues() {
        for (long[] place : new long[][] {{0, 4}, {4, 64}, {0, 8192}, {4096, 8}, {-8, 8}, {0, -8}}) {
            Descriptor file = MemFd.create("log", 4096);
            MemoryTableException refusal =
                    assertThrows(MemoryTableException.class, () -> DirtyLog.map(file, place[0], place[1]));
            assertTrue(refusal.getMessage().contains("dirty log"), refusal.getMessage());
            assertFalse(file.isOpen());
        }
    }

    /** The largest size and offset that are allowed are more than a file has. */
    @Test
    void sizesAndOffsetsAreBounded() {
        long most = 1L << 48;
        for (long[] place : new long[][] {{0, most}, {most, 8}, {0, 8192}}) {
            assertRefused("exceeds", place[0], place[1]);
        }
        for (long[] place : new long[][] {{0, most + 1}, {most + 8, 8}, {0, 7}, {-8, 8}, {4, 8}}) {
            assertRefused("needs at least", place[0], place[1]);
        }
    }

    private void assertRefused(String why, long offset, long size) {
        AtomicInteger unmapped = new AtomicInteger();
        String text = assertThrows(MemoryTableException.class, () -> DirtyLog.map(MemFd.create("log", 4096),
                offset, size, MemoryRules.USUAL, unmapped::incrementAndGet)).getMessage();
        assertTrue(text.contains(why), text);
        assertEquals(1, unmapped.get());
    }

    @Test
    void aLogOfTheLeastSizeIsMappedAndTheEndIsToldOnce() throws Exception {
        AtomicInteger unmapped = new AtomicInteger();
        DirtyLog log = DirtyLog.map(MemFd.create("log", 4096), 4088, 8, MemoryRules.USUAL,
                unmapped::incrementAndGet);
        assertEquals(8, log.size());
        log.retain();
        log.release();
        assertEquals(0, unmapped.get());
        log.release();
        assertEquals(1, unmapped.get());
    }

    /** 32 bytes have a bit each for 256 pages. */
    @Test
    void aLogCoversMemoryWhoseLastPageHasABit() {
        DirtyLog log = DirtyLog.of(bits);
        MemorySegment window = Arena.ofAuto().allocate(2 * 4096, 4096);
        for (long end : new long[] {1, 255L * 4096 + 1, 256L * 4096 - 1, 256L * 4096}) {
            assertTrue(covers(log, window, end), () -> "memory to " + end);
        }
        for (long end : new long[] {256L * 4096 + 1, 257L * 4096, 0}) {
            assertFalse(covers(log, window, end), () -> "memory to " + end);
        }
    }

    private static boolean covers(DirtyLog log, MemorySegment window, long end) {
        return log.covers(GuestMemory.of(window, new MemoryRegion(end - 1, 0, 1, 0)));
    }

    @Test
    void marksGoToTheFile() throws Exception {
        Descriptor file = MemFd.create("log", 8192);
        Descriptor mine = file.duplicate();
        DirtyLog log = DirtyLog.map(file, 4096 + 8, 16);
        log.mark(3 * 4096, 1);
        log.mark(128L * 4096, 1);
        try (Mapping view = Mapping.reserve(8192); mine) {
            view.place(0, mine, 0, 8192);
            assertEquals(8, view.segment().get(ValueLayout.JAVA_LONG, 4096 + 8));
            assertEquals(0, view.segment().get(ValueLayout.JAVA_LONG, 4096 + 24), "beyond the log");
        }
        log.release();
    }

    @Test
    void aLogThatIsGoneHasNoUsers() throws Exception {
        DirtyLog log = DirtyLog.map(MemFd.create("log", 4096), 0, 4096);
        log.retain();
        log.release();
        log.mark(0, 1);
        log.release();
        assertThrows(IllegalStateException.class, () -> log.mark(0, 1));
        assertThrows(IllegalStateException.class, log::retain);
        assertThrows(IllegalStateException.class, log::release);
    }
}
