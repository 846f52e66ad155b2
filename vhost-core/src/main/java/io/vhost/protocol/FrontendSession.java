package io.vhost.protocol;

import static io.vhost.device.ProtocolFeature.MQ;
import static io.vhost.device.ProtocolFeature.REPLY_ACK;

import io.vhost.device.Feature;
import io.vhost.device.ProtocolFeature;
import io.vhost.os.Descriptor;
import io.vhost.os.OsException;
import io.vhost.os.Poll;
import io.vhost.os.UnixSocket;
import io.vhost.state.MemoryRegion;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * The driver's end of one connection: tells a back-end where memory and rings are.
 *
 * <p>Thread: one at a time. Every method sends one message, except {@link #handshake}, and returns when the
 * back-end has answered; with REPLY_ACK negotiated each message is answered, so an error appears at its
 * cause. Without it, messages without an answer are followed now and then by one that has one, so that no
 * more is ever under way than the socket holds.
 *
 * <p>All methods throw {@link ProtocolException} if the back-end refuses or answers with the wrong request,
 * flags or size, or not in time, and {@link IOException} if the connection breaks. After any of these except
 * a refusal the session is of no further use: answers could be taken for those of other messages.
 */
public final class FrontendSession implements AutoCloseable {
    /** How many messages without an answer may be under way; a socket holds more than 200. */
    private static final int MOST_UNANSWERED = 64;

    private final UnixSocket socket;
    private final MessageCodec codec;
    private final Duration timeout;
    private final Poll unasked;
    private final Arena arena = Arena.ofShared();
    private final Message message = new Message(arena);
    private final Message reply = new Message(arena);

    private long offered;
    private long protocolFeatures;
    private int queuePairs = 1;
    private int unanswered;
    private String broken;

    /**
     * A session that has sent nothing.
     *
     * @param socket the connection, taken over
     * @param timeout how long to wait for each answer
     */
    public FrontendSession(UnixSocket socket, Duration timeout) {
        this.socket = socket;
        this.timeout = timeout;
        codec = new MessageCodec(socket);
        unasked = new Poll(socket.descriptor());
    }

    /**
     * Connects to a back-end that listens on {@code path}; waits up to {@code timeout} for it to have room
     * for one more client, and for each answer.
     */
    public static FrontendSession connect(Path path, Duration timeout) throws IOException {
        try {
            return new FrontendSession(UnixSocket.connect(path, timeout), timeout);
        } catch (OsException failure) {
            throw new IOException(failure.getMessage(), failure);
        }
    }

    /**
     * Becomes the owner of the device and agrees on the protocol: SET_OWNER, GET_FEATURES, then, if the
     * back-end has them, GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES and GET_QUEUE_NUM.
     *
     * @param wanted protocol features to use if offered, see {@link ProtocolFeature#mask(ProtocolFeature...)}
     * @return the virtio features that the back-end offers, see {@link Feature}
     */
    public long handshake(long wanted) throws IOException {
        command(begin(Request.SET_OWNER));
        offered = query64(begin(Request.GET_FEATURES));
        if (Feature.VHOST_USER_F_PROTOCOL_FEATURES.in(offered)) {
            long common = query64(begin(Request.GET_PROTOCOL_FEATURES)) & wanted;
            command(begin(Request.SET_PROTOCOL_FEATURES).put64(common));
            protocolFeatures = common;
            if (MQ.in(common)) {
                queuePairs = queuePairs(query64(begin(Request.GET_QUEUE_NUM)));
            }
        }
        return offered;
    }

    /** The negotiated protocol features; 0 before {@link #handshake}. */
    public long protocolFeatures() {
        return protocolFeatures;
    }

    /** How many queue pairs the back-end has; 1 unless MQ is negotiated. */
    public int queuePairs() {
        return queuePairs;
    }

    /** Chooses virtio features: some of those that {@link #handshake} returned. */
    public void features(long chosen) throws IOException {
        if ((chosen & ~offered) != 0) {
            throw new IllegalArgumentException("features=0x%x are not all offered, choose from 0x%x"
                    .formatted(chosen, offered));
        }
        command(begin(Request.SET_FEATURES).put64(chosen));
    }

    /**
     * Shares memory with the back-end.
     *
     * @param regions at most 8
     * @param files one for each region; they stay the caller's
     */
    public void memory(List<MemoryRegion> regions, List<Descriptor> files) throws IOException {
        if (regions.isEmpty() || regions.size() > 8 || regions.size() != files.size()) {
            throw new IllegalArgumentException("regions=" + regions.size() + ", files=" + files.size()
                    + ", must be equal and 1..8");
        }
        begin(Request.SET_MEM_TABLE).put32(regions.size()).put32(0);
        for (MemoryRegion region : regions) {
            message.put64(region.guestAddress()).put64(region.size()).put64(region.userAddress())
                    .put64(region.fileOffset());
        }
        command(message, files.toArray(Descriptor[]::new));
    }

    /** Tells the number of entries of a ring. */
    public void ringSize(int ring, int size) throws IOException {
        command(begin(Request.SET_VRING_NUM).put32(ring).put32(size));
    }

    /**
     * Tells where a ring is, in this process's addresses as in the memory table; {@code log} is a guest
     * address.
     */
    public void ringAddresses(int ring, long desc, long avail, long used, long log, int flags)
            throws IOException {
        command(begin(Request.SET_VRING_ADDR).put32(ring).put32(flags).put64(desc).put64(used).put64(avail)
                .put64(log));
    }

    /** Tells the avail index at which the back-end begins. */
    public void ringBase(int ring, int base) throws IOException {
        command(begin(Request.SET_VRING_BASE).put32(ring).put32(base));
    }

    /** Stops a ring and returns the avail index at which it would go on. */
    public int stopRing(int ring) throws IOException {
        query(begin(Request.GET_VRING_BASE).put32(ring).put32(0), 8);
        if (reply.u32(0) != ring) {
            throw broken("GET_VRING_BASE of ring " + ring + " answered for ring "
                    + Integer.toUnsignedString(reply.u32(0)));
        }
        return reply.u32(4);
    }

    /** Starts a ring. {@code eventfd} stays the caller's; null has the back-end poll. */
    public void kick(int ring, Descriptor eventfd) throws IOException {
        eventfd(Request.SET_VRING_KICK, ring, eventfd);
    }

    /** Tells how the back-end interrupts. {@code eventfd} stays the caller's; null for not at all. */
    public void call(int ring, Descriptor eventfd) throws IOException {
        eventfd(Request.SET_VRING_CALL, ring, eventfd);
    }

    /**
     * Tells how the back-end reports a broken ring. {@code eventfd} stays the caller's; null for not at all.
     */
    public void error(int ring, Descriptor eventfd) throws IOException {
        eventfd(Request.SET_VRING_ERR, ring, eventfd);
    }

    /** Enables or disables a ring. */
    public void enable(int ring, boolean enabled) throws IOException {
        command(begin(Request.SET_VRING_ENABLE).put32(ring).put32(enabled ? 1 : 0));
    }

    /** Sets the device status (virtio 1.2, 2.1); 0 resets. Needs STATUS. */
    public void status(int status) throws IOException {
        need(ProtocolFeature.STATUS);
        command(begin(Request.SET_STATUS).put64(status));
    }

    /** The device status (virtio 1.2, 2.1). Needs STATUS. */
    public int status() throws IOException {
        need(ProtocolFeature.STATUS);
        long status = query64(begin(Request.GET_STATUS));
        if ((status & ~0xFFL) != 0) {
            throw new ProtocolException("GET_STATUS answered 0x" + Long.toHexString(status)
                    + ", which has more than 8 bits");
        }
        return (int) status;
    }

    /**
     * Has the back-end create a region in which it notes what it has in flight. Needs INFLIGHT_SHMFD; the
     * virtio features come first, since they decide what the region looks like.
     *
     * @param queues how many queues, from the first
     * @param queueSize entries of each
     * @return the region, whose file the caller closes
     */
    public InflightFile createInflight(int queues, int queueSize) throws IOException {
        need(ProtocolFeature.INFLIGHT_SHMFD);
        send(begin(Request.GET_INFLIGHT_FD).put64(0).put64(0).put32(queues | queueSize << 16).put32(0));
        receive(message.id(), message.size(), 1);
        try (Descriptor file = reply.takeDescriptor()) {
            InflightFile created = new InflightFile(
                    file.duplicate(), reply.u64(0), reply.u64(8), reply.u16(16), reply.u16(18));
            if (created.queues() != queues || created.queueSize() != queueSize) {
                created.close();
                throw broken("GET_INFLIGHT_FD for %d queues of %d entries answered for %d of %d".formatted(
                        queues, queueSize, created.queues(), created.queueSize()));
            }
            return created;
        } catch (OsException failure) {
            throw new IOException(failure.getMessage(), failure);
        }
    }

    /**
     * Gives the back-end a region that it, or a predecessor, has created; before rings are started. Needs
     * INFLIGHT_SHMFD.
     *
     * @param region stays the caller's
     */
    public void inflight(InflightFile region) throws IOException {
        need(ProtocolFeature.INFLIGHT_SHMFD);
        command(begin(Request.SET_INFLIGHT_FD).put64(region.size()).put64(region.offset())
                .put32(region.queues() | region.queueSize() << 16).put32(0), region.file());
    }

    /** Returns when the back-end has carried out everything before. */
    public void barrier() throws IOException {
        query64(begin(Request.GET_FEATURES));
    }

    /** Whether the back-end has neither gone nor sent anything unasked. A system call. */
    public boolean isConnected() {
        return broken == null && socket.descriptor().isOpen() && unasked.await(0) == 0;
    }

    /** What becomes readable when the back-end goes; stays this object's. */
    public Descriptor connection() {
        return socket.descriptor();
    }

    /** Closes the connection. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            reply.closeDescriptors();
            socket.close();
            arena.close();
        }
    }

    private void eventfd(Request request, int ring, Descriptor eventfd) throws IOException {
        if (eventfd == null) {
            command(begin(request).put64(ring | DescriptorRule.NOFD));
        } else {
            command(begin(request).put64(ring), eventfd);
        }
    }

    private Message begin(Request request) {
        boolean acknowledged = request.reply() == Request.Reply.ACK && REPLY_ACK.in(protocolFeatures);
        return message.begin(request.id(), acknowledged ? Message.NEED_REPLY : 0);
    }

    /** Sends a message without an answer of its own, and waits for the acknowledgement if there is one. */
    private void command(Message command, Descriptor... descriptors) throws IOException {
        send(command, descriptors);
        if (command.needsReply()) {
            receive(command.id(), 8, 0);
            if (reply.u64(0) != 0) {
                throw new ProtocolException("the back-end refused " + Request.name(command.id()) + ": result="
                        + Long.toUnsignedString(reply.u64(0)));
            }
        } else if (++unanswered >= MOST_UNANSWERED) {
            barrier();
        }
    }

    private long query64(Message query) throws IOException {
        query(query, 8);
        return reply.u64(0);
    }

    private void query(Message query, int replySize) throws IOException {
        send(query);
        receive(query.id(), replySize, 0);
    }

    private void send(Message sent, Descriptor... descriptors) throws IOException {
        if (broken != null) {
            throw new ProtocolException(Request.name(sent.id()) + " not sent: the session is broken since "
                    + broken);
        }
        try {
            codec.send(sent, descriptors);
        } catch (ProtocolException failure) {
            broken = failure.getMessage();
            throw failure;
        }
    }

    /** Waits for the answer to {@code request} and checks all of it but the payload's content. */
    private void receive(int request, int size, int descriptors) throws IOException {
        String asked = Request.name(request);
        boolean received;
        try {
            received = codec.receive(reply, Deadline.after(timeout));
        } catch (ProtocolException fault) {
            throw broken("no valid answer to " + asked + ": " + fault.getMessage());
        }
        if (!received) {
            throw broken("the back-end closed the connection instead of an answer to " + asked);
        }
        int flags = Message.VERSION | Message.REPLY;
        if (reply.id() != request || reply.flags() != flags || reply.size() != size
                || reply.descriptorCount() != descriptors) {
            String answer = Request.describe(reply);
            reply.closeDescriptors();
            throw broken("the answer to %s is %s, must be %s flags=0x%x size=%d descriptors=%d"
                    .formatted(asked, answer, asked, flags, size, descriptors));
        }
        unanswered = 0;
    }

    private ProtocolException broken(String reason) {
        broken = reason;
        return new ProtocolException(reason);
    }

    private int queuePairs(long answer) throws ProtocolException {
        if (answer < 1 || answer > 128) {
            throw broken("GET_QUEUE_NUM answered " + Long.toUnsignedString(answer) + ", must be 1..128");
        }
        return (int) answer;
    }

    private void need(ProtocolFeature feature) {
        if (!feature.in(protocolFeatures)) {
            throw new IllegalStateException("protocol feature " + feature
                    + " is not negotiated; ask for it in handshake, and see protocolFeatures()");
        }
    }
}
