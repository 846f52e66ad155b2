package io.vhost.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.protocol.RawPeer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** For whom the end of a server waits; {@link VhostServerClosingTest} has the rest. */
class ClosingWaitTest extends ServerFixture {
    /** A front-end that stays is sent away, and its last callback is waited for. */
    @Test
    void closingReturnsBehindTheLastCallback() throws Exception {
        AtomicReference<Thread> closer = new AtomicReference<>();
        AtomicReference<Thread.State> seen = new AtomicReference<>();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void destroyConnection(VhostDevice device) {
                Thread.State state = closer.get().getState();
                while (state != Thread.State.TIMED_WAITING && state != Thread.State.TERMINATED) {
                    Thread.onSpinWait();
                    state = closer.get().getState();
                }
                seen.set(state);
            }
        };
        VhostServer server = VhostServer.listen(path, CONFIG, listener);
        try (RawPeer peer = connect()) {
            ask(peer);
            AtomicReference<Thread.State> atTheEnd = new AtomicReference<>();
            closer.set(Thread.ofPlatform().unstarted(() -> {
                server.close();
                atTheEnd.set(seen.get());
            }));
            closer.get().start();
            closer.get().join();
            assertEquals(Thread.State.TIMED_WAITING, atTheEnd.get(), "the closing thread in the callback");
            assertNull(peer.receive(), "the connection is closed");
        }
    }

    /** Two callbacks that did would wait for each other. */
    @Test
    void closingInACallbackDoesNotWaitForOtherConnections() throws Exception {
        AtomicReference<VhostServer> server = new AtomicReference<>();
        AtomicInteger connections = new AtomicInteger();
        CountDownLatch firstInside = new CountDownLatch(1);
        CountDownLatch secondHasClosed = new CountDownLatch(1);
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newConnection(VhostDevice device) {
                if (connections.incrementAndGet() == 1) {
                    firstInside.countDown();
                    await(secondHasClosed);
                } else {
                    server.get().close();
                    secondHasClosed.countDown();
                }
            }
        };
        server.set(VhostServer.listen(path, CONFIG, listener));
        try (RawPeer first = connect()) {
            firstInside.await();
            try (RawPeer second = connect()) {
                assertNull(first.receive());
                assertNull(second.receive());
            }
        }
        server.get().close();
        assertEquals(0, secondHasClosed.getCount());
    }
}
