package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.UnixSocket;
import java.io.ByteArrayOutputStream;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Output that nobody reads yet. */
@Timeout(60)
class OutputTest {
    private static final int COUNT = 500_000;

    @Test
    void manySmallPiecesTakeNotMuchMoreThanTheirBytes() {
        UnixSocket[] pair = UnixSocket.pair();
        try (UnixSocket ours = pair[0]; UnixSocket _ = pair[1]) {
            Output output = new Output(ours);
            long before = heap();
            for (int i = 0; i < COUNT; i++) {
                output.add(new byte[] {(byte) i});
            }
            long growth = heap() - before;
            assertTrue(growth < 3 * COUNT, growth + " bytes of heap");
            assertEquals(COUNT, output.size());
            output.clear();
            assertEquals(0, output.size());
            assertTrue(output.flush());
        }
    }

    @Test
    void thePeakIsTheMostThatEverWaited() {
        UnixSocket[] pair = UnixSocket.pair();
        try (UnixSocket ours = pair[0]; UnixSocket _ = pair[1]) {
            Output output = new Output(ours);
            output.add(new byte[60]);
            output.add(new byte[40]);
            assertTrue(output.flush());
            assertEquals(0, output.size());
            output.add(new byte[99]);
            assertEquals(100, output.peak());
            output.add(new byte[2]);
            assertEquals(101, output.peak());
        }
    }

    @Test
    void piecesOfAllSizesComeWholeAndInOrder() {
        UnixSocket[] pair = UnixSocket.pair();
        try (UnixSocket ours = pair[0]; UnixSocket theirs = pair[1]) {
            Output output = new Output(ours);
            Random random = new Random(20261130);
            ByteArrayOutputStream expected = new ByteArrayOutputStream();
            ByteArrayOutputStream received = new ByteArrayOutputStream();
            byte[] chunk = new byte[8192];
            for (int i = 0; i < 2000; i++) {
                byte[] piece = new byte[1 + random.nextInt(i % 10 == 0 ? 20_000 : 300)];
                random.nextBytes(piece);
                expected.writeBytes(piece);
                output.add(piece);
                if (random.nextInt(3) == 0) {
                    assertTrue(output.flush());
                }
                if (random.nextInt(4) == 0) {
                    received.write(chunk, 0, Math.max(0, theirs.tryReceive(chunk)));
                }
            }
            while (output.size() > 0 || received.size() < expected.size()) {
                assertTrue(output.flush());
                received.write(chunk, 0, Math.max(0, theirs.tryReceive(chunk)));
            }
            assertArrayEquals(expected.toByteArray(), received.toByteArray());
        }
    }

    private static long heap() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 5; i++) {
            System.gc();
            Runtime runtime = Runtime.getRuntime();
            least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
        }
        return least;
    }
}
