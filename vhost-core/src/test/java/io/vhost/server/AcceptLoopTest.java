package io.vhost.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.limit.Limit;
import io.vhost.os.Descriptor;
import io.vhost.os.Failures;
import io.vhost.os.OsException;
import io.vhost.os.UnixListener;
import io.vhost.os.UnixSocket;
import io.vhost.protocol.RawPeer;
import io.vhost.protocol.RecordingLogger;
import io.vhost.protocol.WarningLimiter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class AcceptLoopTest {
    @TempDir
    private Path directory;

    private final RecordingLogger log = new RecordingLogger();
    private final List<String> refused = new CopyOnWriteArrayList<>();

    private static OsException anyFailure(Path path) {
        return assertThrows(OsException.class, () -> UnixSocket.connect(path.resolve("nobody")));
    }

    private static void stop(AcceptLoop loop) {
        loop.stop();
        loop.join(new Patience(Duration.ofDays(1)));
    }

    @Test
    void anErrorIsLoggedAndTheNextAttemptSucceeds() throws Exception {
        int descriptors = Descriptor.openDescriptors();
        Path path = directory.resolve("vm.sock");
        UnixListener listener = UnixListener.bind(path);
        OsException failure = anyFailure(directory);
        AtomicInteger attempts = new AtomicInteger();
        BlockingQueue<UnixSocket> accepted = new LinkedBlockingQueue<>();
        AcceptLoop loop = new AcceptLoop("accept " + path, listener, () -> false, () -> {
            if (attempts.incrementAndGet() <= 2) {
                throw failure;
            }
            return listener.accept();
        }, accepted::add, (limit, reason) -> refused.add(limit + ": " + reason), new WarningLimiter(log));
        loop.start();
        try (UnixSocket client = UnixSocket.connect(path)) {
            accepted.take().close();
            assertTrue(client.descriptor().isOpen());
        }
        assertEquals(2, log.records().size(), "log lines");
        assertEquals("WARNING (" + path + ") connection not accepted: " + failure.getMessage(),
                log.records().getFirst());
        stop(loop);
        assertEquals(descriptors, Descriptor.openDescriptors(), "open descriptors");
    }

    @Test
    void theLoopRestsAfterAnErrorAndCanBeStoppedThen() throws Exception {
        Path path = directory.resolve("vm.sock");
        UnixListener listener = UnixListener.bind(path);
        OsException failure = anyFailure(directory);
        AtomicInteger attempts = new AtomicInteger();
        CountDownLatch fourth = new CountDownLatch(1);
        long begin = System.nanoTime();
        AcceptLoop loop = new AcceptLoop("accept " + path, listener, () -> false, () -> {
            if (attempts.incrementAndGet() == 4) {
                fourth.countDown();
            }
            throw failure;
        }, UnixSocket::close, (limit, reason) -> refused.add(limit + ": " + reason), new WarningLimiter(log));
        loop.start();
        try (UnixSocket client = UnixSocket.connect(path)) {
            fourth.await();
            assertTrue(client.descriptor().isOpen());
        }
        long rests = 3L * AcceptLoop.REST * 1_000_000;
        assertTrue(System.nanoTime() - begin >= rests, "four attempts without three rests");
        stop(loop);
    }

    /** Each time, with the one descriptor that is kept for that. */
    @Test
    void whoComesWhileNoDescriptorIsLeftIsTurnedAwayAndCounted() throws Exception {
        int descriptors = Descriptor.openDescriptors();
        Path path = directory.resolve("vm.sock");
        UnixListener listener = UnixListener.bind(path);
        AtomicInteger attempts = new AtomicInteger();
        BlockingQueue<UnixSocket> accepted = new LinkedBlockingQueue<>();
        AcceptLoop loop = new AcceptLoop("accept " + path, listener, () -> false, () -> {
            if (attempts.incrementAndGet() % 2 == 1) {
                throw Failures.outOfDescriptors("accept4()");
            }
            return listener.accept();
        }, accepted::add, (limit, reason) -> refused.add(limit + ": " + reason), new WarningLimiter(log));
        loop.start();
        for (int i = 1; i <= 3; i++) {
            try (RawPeer client = new RawPeer(UnixSocket.connect(path))) {
                assertNull(client.receive(), "the connection is closed");
            }
            int count = i;
            Await.until("it is counted", () -> refused.size() == count);
        }
        String reason = Failures.outOfDescriptors("accept4()").getMessage();
        assertEquals(Collections.nCopies(3, Limit.OPEN_FILES + ": " + reason), refused);
        assertEquals(List.of(), log.records());
        assertEquals(0, accepted.size());
        stop(loop);
        Await.until("all are closed", () -> Descriptor.openDescriptors() == descriptors);
    }

    /** Who waits needs no thread that closes what he has sent. */
    @Test
    void nobodyIsAcceptedWhileThoseWhoWereTurnedAwayAreBeingClosed() throws Exception {
        Path path = directory.resolve("vm.sock");
        UnixListener listener = UnixListener.bind(path);
        AtomicInteger looks = new AtomicInteger();
        AtomicInteger looksAtFirst = new AtomicInteger();
        BlockingQueue<UnixSocket> accepted = new LinkedBlockingQueue<>();
        AcceptLoop loop = new AcceptLoop("accept " + path, listener,
                () -> looks.incrementAndGet() < 3, () -> {
            looksAtFirst.set(looks.get());
            return listener.accept();
        }, accepted::add, (limit, reason) -> refused.add(limit + ": " + reason), new WarningLimiter(log));
        loop.start();
        try (UnixSocket client = UnixSocket.connect(path)) {
            accepted.take().close();
            assertTrue(client.descriptor().isOpen());
        }
        stop(loop);
        assertEquals(3, looksAtFirst.get());
        assertEquals("WARNING (" + path + ") no connection accepted: what earlier ones sent is still being"
                + " closed, which takes as long as its senders like", log.records().getFirst());
        assertEquals(2, log.records().size());
    }

    @Test
    void aConnectionThatCannotBeServedIsClosed() throws Exception {
        int descriptors = Descriptor.openDescriptors();
        Path path = directory.resolve("vm.sock");
        AcceptLoop loop = new AcceptLoop("accept " + path, UnixListener.bind(path), _ -> {
            throw new OutOfMemoryError("no thread, on purpose");
        }, (limit, reason) -> refused.add(limit + ": " + reason), new WarningLimiter(log));
        loop.start();
        try (UnixSocket client = UnixSocket.connect(path)) {
            log.await(1);
            assertTrue(client.descriptor().isOpen());
        }
        stop(loop);
        assertEquals("ERROR (" + path + ") connection not served "
                + "java.lang.OutOfMemoryError: no thread, on purpose", log.records().getFirst());
        assertEquals(descriptors, Descriptor.openDescriptors(), "open descriptors");
    }
}
