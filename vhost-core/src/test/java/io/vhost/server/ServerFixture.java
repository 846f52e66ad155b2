package io.vhost.server;

import static io.vhost.protocol.RawPeer.PLAIN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.os.Descriptor;
import io.vhost.os.UnixSocket;
import io.vhost.protocol.RawPeer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server's socket, which each test is to leave as if nothing had been: no thread, no open descriptor and no
 * file.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class ServerFixture {
    static final VhostConfig CONFIG = VhostConfig.defaults();
    static final DeviceListener DEAF = new DeviceListener() {};

    @TempDir
    Path directory;

    Path path;
    private int descriptorsBefore;

    @BeforeEach
    void countDescriptors() {
        path = directory.resolve("vm.sock");
        descriptorsBefore = Descriptor.openDescriptors();
    }

    @AfterEach
    void nothingIsLeft() throws InterruptedException {
        TestThreads.awaitNone(directory.toString());
        assertEquals(descriptorsBefore, Descriptor.openDescriptors(), "open descriptors");
        assertFalse(Files.exists(path), "the socket file");
    }

    final RawPeer connect() {
        return new RawPeer(UnixSocket.connect(path));
    }

    /** Sends a question and waits for the answer, so that the connection is certain to be served. */
    static void ask(RawPeer peer) {
        peer.send(1, PLAIN);
        assertNotNull(peer.receive(), "answer");
    }

    /** Keeps what it is told. */
    static class Recorder implements DeviceListener {
        final BlockingQueue<String> calls = new LinkedBlockingQueue<>();

        @Override
        public void newConnection(VhostDevice device) {
            calls.add("newConnection");
        }

        @Override
        public void destroyConnection(VhostDevice device) {
            calls.add("destroyConnection");
        }
    }

    /** As a front-end does it, up to started rings. */
    static void handshake(RawPeer peer, Descriptor memory) {
        sendHandshake(peer, memory);
        ask(peer);
    }

    static void sendHandshake(RawPeer peer, Descriptor memory) {
        peer.send(3, PLAIN);
        peer.send(16, PLAIN, 0x10009L);
        peer.sendWithFiles(RawPeer.message(13, PLAIN, 0L), 1);
        peer.sendWithFiles(RawPeer.message(13, PLAIN, 1L), 1);
        peer.send(2, PLAIN, 1L << 30 | 1L << 32);
        long address = 0x7F00_0000_0000L;
        peer.sendBytes(RawPeer.message(5, PLAIN, 1, 0, address, 4096L, address, 0L), memory.fd());
        for (int ring = 0; ring < 2; ring++) {
            peer.send(8, PLAIN, ring, 64);
            peer.send(10, PLAIN, ring, 0);
            peer.send(9, PLAIN, ring, 0, address, address + 2048, address + 1024, 0L);
            peer.sendWithFiles(RawPeer.message(12, PLAIN, (long) ring), 1);
            peer.send(18, PLAIN, ring, 1);
        }
        peer.send(39, PLAIN, 0xFL);
    }

    static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
