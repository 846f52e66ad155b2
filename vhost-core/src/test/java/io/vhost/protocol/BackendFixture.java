package io.vhost.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vhost.control.DeviceControl;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.os.Poll;
import io.vhost.os.UnixSocket;
import java.time.Duration;

/** A back-end session on a thread of its own, and the peer that talks to it. */
final class BackendFixture implements AutoCloseable {
    static final int QUEUES = 4;
    /** Where {@link #mapMemory} puts the memory, in the guest and in the front-end. */
    static final long MEMORY = 0x7F00_0000_0000L;

    final RecordingLogger log = new RecordingLogger();
    final DeviceControl device;
    final BackendSession session;
    final RawPeer peer;
    private final UnixSocket peerSocket;
    private final Thread thread;

    BackendFixture() {
        this(new DeviceListener() {});
    }

    BackendFixture(DeviceListener listener) {
        this(VhostConfig.builder().queuePairs(QUEUES / 2).build(), listener);
    }

    BackendFixture(VhostConfig config, DeviceListener listener) {
        UnixSocket[] ends = UnixSocket.pair();
        peerSocket = ends[0];
        peer = new RawPeer(peerSocket);
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

    /** A proper front-end instead of the raw peer; closed with it. */
    FrontendSession frontend(Duration timeout) {
        return new FrontendSession(peerSocket, timeout);
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

    /** Shares one page of memory. */
    void mapMemory() {
        assertEquals(0, ack(RawPeer.message(5, RawPeer.NEED_REPLY, 1, 0, MEMORY, 4096L, MEMORY, 0L), 1));
    }

    /** Gives a ring of 64 entries its place in that memory. */
    void describeRing(int ring) {
        assertEquals(0, ack(8, ring, 64));
        assertEquals(0, ack(9, ring, 0, MEMORY, MEMORY + 2048, MEMORY + 1024, 0L));
    }

    /** Whether an answer has come that nobody has read. */
    boolean hasAnswer() {
        return new Poll(peerSocket.descriptor()).await(0) > 0;
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
