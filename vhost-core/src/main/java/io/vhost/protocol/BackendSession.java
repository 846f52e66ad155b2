package io.vhost.protocol;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.control.DeviceControl;
import io.vhost.device.ProtocolFeature;
import io.vhost.os.Descriptor;
import io.vhost.os.UnixSocket;
import io.vhost.queue.ControlException;
import java.lang.foreign.Arena;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The device's end of one connection, from the first message to the last.
 *
 * <p>Thread: {@link #run} occupies one thread, which makes all calls into the device and so all callbacks;
 * {@link #stop} may be called on any thread, with any lock held.
 *
 * <p>A message that cannot be carried out is answered with a failure if the front-end negotiated REPLY_ACK,
 * asked for an answer and the message has no answer of its own; then the session goes on. In every other case
 * one WARNING with the values is logged and the connection is closed.
 */
public final class BackendSession {
    private static final System.Logger LOGGER = System.getLogger(BackendSession.class.getPackageName());

    private static final long SUCCESS = 0;
    private static final long FAILURE = 1;

    private final String name;
    private final UnixSocket socket;
    private final DeviceControl device;
    private final WarningLimiter warnings;
    private final FeatureRequests features;
    private final Map<Request, Handler> handlers = new EnumMap<>(Request.class);
    private final Set<Request> seen = EnumSet.noneOf(Request.class);

    // A leaf: keeps the socket from being closed between a look at "closed" and the call that shuts it down.
    private final ReentrantLock socketLock = new ReentrantLock();
    @GuardedBy("socketLock")
    private boolean closed;
    private volatile boolean stopped;

    /**
     * A session that has not begun.
     *
     * @param name the socket's path, for log lines
     * @param socket the connection, closed at the end of {@link #run}
     * @param device what the messages configure
     * @param warnings limits and takes the log lines that the peer can cause; its logger should be named by
     *         this package
     */
    public BackendSession(String name, UnixSocket socket, DeviceControl device, WarningLimiter warnings) {
        this.name = name;
        this.socket = socket;
        this.device = device;
        this.warnings = warnings;
        features = new FeatureRequests(device);
        features.register(handlers);
        new MemoryRequests(device.memory()).register(handlers);
        new InflightRequests(device.memory().inflight()).register(handlers);
        new RingRequests(device).register(handlers);
    }

    /**
     * Serves the connection until either end closes it, then tears the device down. Returns normally whatever
     * the peer does and whatever a callback throws.
     */
    public void run() {
        if (stopped) {
            closeSocket();
            return;
        }
        device.onHangUp(this::stop);
        String why = "the front-end closed the connection";
        try (Arena arena = Arena.ofConfined()) {
            device.connected();
            serve(new MessageCodec(socket), new Message(arena), new Message(arena));
            explainDeparture();
        } catch (ProtocolException fault) {
            why = fault.getMessage();
            if (!stopped) {
                warn(fault.getMessage() + "; connection closed");
            }
        } catch (RuntimeException | Error failure) {
            why = failure.toString();
            unexpected("connection closed after an unexpected failure", failure);
        } finally {
            end(why(why));
        }
    }

    /** Why the connection has ended, if this side did not want it. */
    private String why(String otherwise) {
        if (!stopped) {
            return otherwise;
        }
        if (device.failed()) {
            return "guest memory is gone";
        }
        return device.disconnectReason() == null ? "closed here" : device.disconnectReason();
    }

    /**
     * A front-end whose guest has negotiated features with an earlier process looks at what is on offer now,
     * and goes if some are missing. It cannot tell us why.
     */
    private void explainDeparture() {
        if (!stopped && seen.contains(Request.SET_VRING_CALL) && !seen.contains(Request.SET_FEATURES)) {
            warn("the front-end went without accepting features; if its guest was connected before, more were"
                    + " on offer then than 0x" + Long.toHexString(device.features()));
        }
    }

    /** Makes {@link #run} return soon: at the latest when the message in progress has been carried out. */
    public void stop() {
        stopped = true;
        socketLock.lock();
        try {
            if (!closed) {
                socket.shutdown();
            }
        } finally {
            socketLock.unlock();
        }
    }

    private void serve(MessageCodec codec, Message request, Message reply) throws ProtocolException {
        while (!stopped && codec.receive(request)) {
            try {
                LOGGER.log(DEBUG, () -> "(" + name + ") " + Request.describe(request));
                answer(codec, request, reply);
            } finally {
                request.closeDescriptors();
                reply.closeDescriptors();
            }
        }
    }

    /**
     * Carries out one message and replies as its row says; throws if that must end the connection. The
     * application is told before the front-end is: a packet sent on the reply finds a device that is known.
     */
    private void answer(MessageCodec codec, Message request, Message reply) throws ProtocolException {
        Request row = Request.of(request.id());
        device.record().request(row == null ? "UNKNOWN" : row.name());
        boolean ownReply = row != null && row.reply() == Request.Reply.OWN;
        reply.begin(request.id(), Message.REPLY);
        try {
            dispatch(row, request, reply);
        } catch (ProtocolException | ControlException refusal) {
            String text = Request.name(request.id()) + " refused: " + refusal.getMessage();
            if (ownReply || !acknowledges(request)) {
                throw new ProtocolException(text, refusal);
            }
            warn(text + "; failure reply sent");
            device.messageHandled();
            codec.send(reply.begin(request.id(), Message.REPLY).put64(FAILURE));
            return;
        }
        device.messageHandled();
        if (ownReply) {
            codec.send(reply, reply.descriptors().toArray(Descriptor[]::new));
        } else if (acknowledges(request)) {
            codec.send(reply.put64(SUCCESS));
        }
    }

    private void dispatch(Request row, Message request, Message reply)
            throws ControlException, ProtocolException {
        if (row == null) {
            throw new ProtocolException("unknown, " + Request.describe(request));
        }
        if ((request.flags() & Message.REPLY) != 0) {
            throw new ProtocolException("a reply where a request belongs, " + Request.describe(request));
        }
        row.check(request, features.negotiated());
        requireRoom(request.descriptorCount());
        Handler handler = handlers.get(row);
        if (handler == null) {
            throw new ProtocolException("not supported by this back-end");
        }
        handler.handle(request, reply);
        seen.add(row);
    }

    /** Those that came with the message are among those that are open; they are closed if it is refused. */
    private void requireRoom(int descriptors) throws ProtocolException {
        String refusal = descriptors == 0 ? null : device.checkDescriptors(socket.openDescriptors());
        if (refusal != null) {
            throw new ProtocolException("descriptors=" + descriptors + ": " + refusal);
        }
    }

    /** Asked after the message has been carried out, which may itself have negotiated REPLY_ACK. */
    private boolean acknowledges(Message request) {
        return request.needsReply() && ProtocolFeature.REPLY_ACK.in(features.negotiated());
    }

    private void end(String why) {
        try {
            if (device.failed()) {
                warn("the device has failed; connection closed");
            }
            device.disconnected(why);
        } catch (RuntimeException | Error failure) {
            unexpected("unexpected failure while the device was torn down", failure);
        } finally {
            closeSocket();
        }
    }

    /** Without the lock: what the peer sent may make a close wait, and {@link #stop} must not wait for it. */
    private void closeSocket() {
        socketLock.lock();
        try {
            closed = true;
        } finally {
            socketLock.unlock();
        }
        socket.discard();
    }

    private void warn(String text) {
        device.record().error(text);
        warnings.warn("(" + name + ") " + text);
    }

    private void unexpected(String text, Throwable failure) {
        device.record().error(text);
        warnings.log(ERROR, "(" + name + ") " + text, failure);
    }
}
