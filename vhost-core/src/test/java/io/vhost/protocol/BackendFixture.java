package io.vhost.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vhost.device.DeviceControl;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.os.UnixSocket;

/** A back-end session on a thread of its own, and the peer that talks to it. */
final class BackendFixture implements AutoCloseable {
    static final int QUEUES = 4;

    final RecordingLogger log = new RecordingLogger();
    final DeviceControl device;
    final BackendSession session;
    final RawPeer peer;
    private final Thread thread;

    BackendFixture() {
        this(new DeviceListener() {});
    }

    BackendFixture(DeviceListener listener) {
        VhostConfig config = VhostConfig.builder().queuePairs(QUEUES / 2).build();
        UnixSocket[] ends = UnixSocket.pair();
        peer = new RawPeer(ends[0]);
        device = DeviceControl.create("test", config, listener);
        session = new BackendSession("test", ends[1], device, new WarningLimiter(log));
        thread = Thread.ofPlatform().name("session").start(session::run);
    }

    /** A session whose front-end has negotiated everything that is offered. */
    static BackendFixture negotiated() {
        BackendFixture fixture = new BackendFixture();
        fixture.peer.send(16, RawPeer.PLAIN, fixture.ask(15));
        return fixture;
    }

    /** Sends a message that has an answer of its own and returns the answer's number. */
    long ask(int id, Object... payload) {
        peer.send(id, RawPeer.PLAIN, payload);
        RawPeer.Answer answer = answer();
        assertEquals("id=" + id + " flags=5 size=8 descriptors=0", answer.head());
        return answer.u64();
    }

    /** Sends a message that is to be acknowledged and returns the result. */
    long ack(int id, Object... payload) {
        return ack(RawPeer.message(id, RawPeer.NEED_REPLY, payload), 0);
    }

    /** Sends {@code message} with descriptors, and returns the result of the acknowledgement. */
    long ack(byte[] message, int descriptors) {
        peer.sendWithFiles(message, descriptors);
        RawPeer.Answer answer = answer();
        assertEquals("id=" + (message[0] & 0xFF) + " flags=5 size=8 descriptors=0", answer.head());
        return answer.u64();
    }

    private RawPeer.Answer answer() {
        RawPeer.Answer answer = peer.receive();
        assertNotNull(answer, () -> "connection closed: " + log.records());
        return answer;
    }

    /** Waits until the session has closed the connection, and returns its log line. */
    String closedBecause() {
        assertNull(peer.receive(), "an answer");
        join();
        return log.records().getLast();
    }

    /** Waits for the end of the session. */
    void join() {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        peer.close();
        join();
    }
}
