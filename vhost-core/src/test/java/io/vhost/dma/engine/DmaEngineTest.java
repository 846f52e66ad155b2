package io.vhost.dma.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the library's engines promise; to be extended by a line for each engine. */
class DmaEngineTest {
    private static final int BLOCK = 256;

    static Stream<DmaEngine> engines() {
        return Stream.of(new InlineDmaEngine(), new WorkerDmaEngine("engine under test"));
    }

    @ParameterizedTest
    @MethodSource("engines")
    void everyCopyIsMadeAndReportedOnce(DmaEngine engine) {
        int depth = engine.depth();
        MemorySegment source = Arena.ofAuto().allocate((long) depth * BLOCK, 64);
        MemorySegment target = Arena.ofAuto().allocate((long) depth * BLOCK, 64);
        boolean[] underWay = new boolean[depth];
        int[] tokens = new int[100];
        Random random = new Random(7);
        long submitted = 0;
        long reported = 0;
        while (reported < 20_000) {
            for (int burst = random.nextInt(100); burst > 0 && engine.capacity() > 0; burst--) {
                int token = (int) (submitted % depth);
                if (underWay[token]) {
                    break;
                }
                underWay[token] = true;
                source.set(ValueLayout.JAVA_LONG, (long) token * BLOCK, submitted);
                source.set(ValueLayout.JAVA_LONG, (long) (token + 1) * BLOCK - 8, ~submitted);
                engine.copy(source, (long) token * BLOCK, target, (long) token * BLOCK, BLOCK, token);
                submitted++;
            }
            engine.submit();
            int count = engine.completed(tokens, 1, 1 + random.nextInt(99));
            for (int i = 1; i <= count; i++) {
                long at = (long) tokens[i] * BLOCK;
                assertTrue(underWay[tokens[i]]);
                underWay[tokens[i]] = false;
                assertEquals(source.get(ValueLayout.JAVA_LONG, at), target.get(ValueLayout.JAVA_LONG, at));
                assertEquals(~source.get(ValueLayout.JAVA_LONG, at),
                        target.get(ValueLayout.JAVA_LONG, at + BLOCK - 8));
            }
            reported += count;
        }
        while (reported < submitted) {
            reported += engine.completed(tokens, 0, tokens.length);
        }
        assertEquals(0, engine.completed(tokens, 0, tokens.length));
        assertEquals(depth, engine.capacity());
        engine.close();
    }

    /**
     * Whatever an engine keeps of earlier copies,
     * each is made between its own segments and in its own length.
     */
    @ParameterizedTest
    @MethodSource("engines")
    void everyCopyHasItsOwnSegmentsAndLength(DmaEngine engine) {
        int places = 1024;
        int[] tokens = new int[1];
        Random random = new Random(9);
        MemorySegment[] source = new MemorySegment[3];
        MemorySegment[] target = new MemorySegment[3];
        for (int i = 0; i < source.length; i++) {
            source[i] = Arena.ofAuto().allocate(places, 64).fill((byte) (i + 1));
            target[i] = Arena.ofAuto().allocate(places, 64);
        }
        // Often enough for all that an engine keeps to be used again.
        for (int i = 0; i < 400; i++) {
            int from = random.nextInt(source.length);
            int to = random.nextInt(target.length);
            int length = 1 + random.nextInt(100);
            int at = 8 * random.nextInt(100);
            target[to].fill((byte) 0);
            engine.copy(source[from], 0, target[to], at, length, 0);
            engine.submit();
            while (engine.completed(tokens, 0, 1) == 0) {
                Thread.onSpinWait();
            }
            assertEquals(-1, target[to].asSlice(at, length).mismatch(source[from].asSlice(0, length)));
            assertEquals(0, target[to].get(ValueLayout.JAVA_BYTE, at + length));
        }
        engine.close();
    }

    @ParameterizedTest
    @MethodSource("engines")
    void anEngineTakesAsManyCopiesAsItHasPlaces(DmaEngine engine) {
        MemorySegment memory = Arena.ofAuto().allocate(4096, 64);
        int[] tokens = new int[engine.depth()];
        for (int i = 0; i < engine.depth(); i++) {
            assertTrue(engine.capacity() > 0);
            engine.copy(memory, 0, memory, 2048, 64, i);
        }
        assertEquals(0, engine.capacity());
        engine.submit();
        int reported = 0;
        while (reported < tokens.length) {
            reported += engine.completed(tokens, reported, tokens.length - reported);
        }
        Arrays.sort(tokens);
        for (int i = 0; i < tokens.length; i++) {
            assertEquals(i, tokens[i]);
        }
        engine.close();
    }

    /** The worker is found asleep again and again: no submission may be overlooked. */
    @Test
    void aWorkerThatSleepsIsWokenByASubmission() throws InterruptedException {
        try (Arena arena = Arena.ofShared(); WorkerDmaEngine engine = new WorkerDmaEngine("sleeper")) {
            MemorySegment memory = arena.allocate(4096, 64);
            Thread worker = thread("sleeper");
            int[] tokens = new int[1];
            for (int i = 0; i < 200; i++) {
                if (i % 4 == 0) {
                    while (worker.getState() == Thread.State.RUNNABLE) {
                        Thread.onSpinWait();
                    }
                }
                engine.copy(memory, 0, memory, 2048, 64, i);
                engine.submit();
                while (engine.completed(tokens, 0, 1) == 0) {
                    Thread.onSpinWait();
                }
                assertEquals(i, tokens[0]);
            }
        }
    }

    private static Thread thread(String name) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(one -> one.getName().equals(name))
                .findFirst().orElseThrow();
    }

    @Test
    void aClosedWorkerHasEndedItsThreadAndKeepsTheInterrupt() {
        WorkerDmaEngine engine = new WorkerDmaEngine("closing");
        Thread worker = thread("closing");
        Thread.currentThread().interrupt();
        engine.close();
        assertTrue(Thread.interrupted());
        assertFalse(worker.isAlive());
        engine.close();
    }

    @Test
    void aWorkerWhoseStartFailsSaysSo() throws InterruptedException {
        CountDownLatch started = new CountDownLatch(1);
        WorkerDmaEngine engine = new WorkerDmaEngine("failing", () -> {
            started.countDown();
            throw new IllegalArgumentException("no such processor");
        });
        started.await();
        IllegalStateException failure = null;
        while (failure == null) {
            try {
                engine.completed(new int[1], 0, 1);
            } catch (IllegalStateException e) {
                failure = e;
            }
        }
        assertEquals("no such processor", failure.getCause().getMessage());
        engine.close();
    }

    @Test
    void memoryThatWasClosedFailsTheCopiesOfItsSubmissionOnly() {
        try (WorkerDmaEngine engine = new WorkerDmaEngine("survivor")) {
            MemorySegment good = Arena.ofAuto().allocate(4096, 64);
            Arena arena = Arena.ofShared();
            MemorySegment bad = arena.allocate(4096, 64);
            arena.close();
            int[] tokens = new int[2];
            engine.copy(good, 0, bad, 0, 64, 5);
            engine.submit();
            engine.copy(good, 0, good, 2048, 64, 6);
            engine.submit();
            int reported = 0;
            while (reported < 2) {
                reported += engine.completed(tokens, reported, 2 - reported);
            }
            assertEquals(~5, tokens[0]);
            assertEquals(6, tokens[1]);
        }
    }

    /** What a worker leaves to another engine; none of it twice. */
    private static List<Integer> left(WorkerDmaEngine engine) {
        List<Integer> left = new ArrayList<>();
        engine.handOver(new CopySink() {
            @Override
            public void copy(MemorySegment source, long sourceOffset,
                    MemorySegment target, long targetOffset, int length, int token) {
                left.add(token);
            }

            @Override
            public void submit() {}
        });
        return left;
    }

    @Test
    void aWorkerLeavesWhatItHasNotReported() {
        MemorySegment memory = Arena.ofAuto().allocate(1024, 64);
        WorkerDmaEngine engine = new WorkerDmaEngine("leaves");
        int depth = engine.capacity();
        for (int token = 0; token < 3; token++) {
            engine.copy(memory, 0, memory, 512, 64, token);
            assertEquals(depth - 1 - token, engine.capacity());
        }
        engine.submit();
        int[] tokens = new int[1];
        while (engine.completed(tokens, 0, 1) == 0) {
            Thread.onSpinWait();
        }
        assertEquals(0, tokens[0]);
        engine.copy(memory, 0, memory, 512, 64, 3);
        engine.copy(memory, 0, memory, 512, 64, 4);
        engine.close();
        assertEquals(List.of(1, 2, 3, 4), left(engine));
        assertEquals(List.of(), left(engine));
    }
}
