package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;

/**
 * The peer of a shared file can truncate it at any time. A C process that then touches the mapping dies of
 * SIGBUS; here the access is an {@link InternalError}, and the process goes on.
 */
class TruncatedFileTest {
    private static final long SIZE = 1 << 16;
    private static final int ENOUGH_TO_COMPILE = 20_000;

    @Test
    void readingInTheInterpreter() {
        survives(0, segment -> segment.get(JAVA_LONG, SIZE - 8));
    }

    @Test
    void readingInCompiledCode() {
        survives(ENOUGH_TO_COMPILE, TruncatedFileTest::sum);
    }

    @Test
    void writingInCompiledCode() {
        survives(ENOUGH_TO_COMPILE, TruncatedFileTest::store);
    }

    @Test
    void copyingInCompiledCode() {
        MemorySegment packet = MemorySegment.ofArray(new byte[1500]);
        survives(ENOUGH_TO_COMPILE, segment -> copy(segment, packet));
    }

    /** Runs {@code access} before the file is truncated, and then until the error arrives. */
    private static void survives(int warmUp, ToLongFunction<MemorySegment> access) {
        try (Descriptor file = MemFd.create("truncated", SIZE);
                Mapping window = Mapping.reserve(SIZE)) {
            window.place(0, file, 0, SIZE);
            MemorySegment segment = window.segment();
            long result = 0;
            for (int i = 0; i < warmUp; i++) {
                result += access.applyAsLong(segment);
            }
            assertEquals(0, result);
            assertEquals(0, Libc.ftruncate(file.fd(), 0));
            // In compiled code the error may come a little later than the access: the burst around it fails.
            assertThrows(InternalError.class, () -> burst(segment, access));
            assertEquals(0, Libc.ftruncate(file.fd(), SIZE));
            assertEquals(0, access.applyAsLong(segment), "the window is as good as its file");
        }
    }

    private static long burst(MemorySegment segment, ToLongFunction<MemorySegment> access) {
        long result = 0;
        for (int i = 0; i < 32; i++) {
            result += access.applyAsLong(segment);
        }
        return result;
    }

    private static long sum(MemorySegment segment) {
        long sum = 0;
        for (int i = 0; i < 16; i++) {
            sum += segment.get(JAVA_LONG, SIZE - 128 + i * 8L);
        }
        return sum;
    }

    private static long store(MemorySegment segment) {
        for (int i = 0; i < 16; i++) {
            segment.set(JAVA_BYTE, SIZE - 16 + i, (byte) 0);
        }
        return 0;
    }

    private static long copy(MemorySegment segment, MemorySegment packet) {
        MemorySegment.copy(segment, SIZE - 1500, packet, 0, 1500);
        return packet.get(JAVA_BYTE, 0);
    }
}
