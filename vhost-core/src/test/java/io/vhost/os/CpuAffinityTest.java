package io.vhost.os;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

class CpuAffinityTest {
    @Test
    void aPinnedThreadMayRunOnItsCpuOnly() throws Exception {
        int[] before = CpuAffinity.allowedCpus();
        int last = before[before.length - 1];
        int[] pinned = onPlatformThread(() -> {
            CpuAffinity.pinCurrentThread(last);
            return CpuAffinity.allowedCpus();
        });
        assertArrayEquals(new int[] {last}, pinned);
        assertArrayEquals(before, CpuAffinity.allowedCpus(), "other threads are not affected");
    }

    @Test
    void aCpuThatIsNotThereIsRefusedWithTheOnesThatAre() {
        for (int cpu : new int[] {-1, 8191, 8192, Integer.MAX_VALUE}) {
            var e = assertThrows(IllegalArgumentException.class, () -> CpuAffinity.pinCurrentThread(cpu));
            String first = "cpu=" + cpu + " must be one of [" + CpuAffinity.allowedCpus()[0];
            assertTrue(e.getMessage().startsWith(first), e.getMessage());
        }
    }

    @Test
    void aVirtualThreadIsRefused() throws Exception {
        var task = new FutureTask<>(
                () -> assertThrows(IllegalStateException.class, () -> CpuAffinity.pinCurrentThread(0)));
        Thread.ofVirtual().start(task);
        String text = "a virtual thread has no CPU of its own; use a platform thread";
        assertEquals(text, task.get().getMessage());
    }

    private static <T> T onPlatformThread(Callable<T> body) throws Exception {
        var task = new FutureTask<>(body);
        Thread.ofPlatform().start(task);
        return task.get();
    }
}
