package io.vhost.protocol;

import io.vhost.os.Descriptor;
import io.vhost.os.LostDescriptorsException;
import io.vhost.os.OsException;
import io.vhost.os.Poll;
import io.vhost.os.UnixSocket;

/**
 * Moves messages between a socket and their buffers. Reads exactly one message at a time, so that descriptors
 * are never attributed to the wrong one.
 *
 * <p>Thread: one at a time. A fault found here leaves the position in the stream unknown, so the connection
 * is of no further use.
 */
final class MessageCodec {
    private final UnixSocket socket;
    private final Poll poll;

    MessageCodec(UnixSocket socket) {
        this.socket = socket;
        poll = new Poll(socket.descriptor());
    }

    /** Sends a message; the descriptors stay the caller's. */
    void send(Message message, Descriptor... descriptors) throws ProtocolException {
        int[] fds = new int[descriptors.length];
        for (int i = 0; i < fds.length; i++) {
            fds[i] = descriptors[i].fd();
        }
        try {
            socket.send(message.bytes(), 0, Message.HEADER + message.size(), fds);
        } catch (OsException failure) {
            throw new ProtocolException(
                    Request.describe(message) + " not sent: " + failure.getMessage(), failure);
        }
    }

    /** Reads the next message without a limit of time. False if the peer has closed the connection. */
    boolean receive(Message message) throws ProtocolException {
        return receive(message, Deadline.NEVER);
    }

    /**
     * Reads the next message. False if the peer has closed the connection between two messages.
     *
     * @throws ProtocolException if no whole message came until {@code deadline}, if it ends in the middle, is
     *         of another version, too long or with too many descriptors, or if the kernel had to drop some;
     *         the descriptors that did arrive are closed
     */
    boolean receive(Message message, Deadline deadline) throws ProtocolException {
        message.closeDescriptors();
        try {
            if (!fill(message, 0, Message.HEADER, deadline)) {
                return false;
            }
            int version = message.flags() & Message.VERSION_MASK;
            if (version != Message.VERSION) {
                throw new ProtocolException(Request.describe(message) + " is of version=" + version
                        + ", must be " + Message.VERSION);
            }
            int size = message.size();
            if (Integer.compareUnsigned(size, Message.MAX_PAYLOAD) > 0) {
                throw new ProtocolException(Request.describe(message) + " is too long, size must not exceed "
                        + Message.MAX_PAYLOAD);
            }
            fill(message, Message.HEADER, size, deadline);
            return true;
        } catch (ProtocolException | RuntimeException fault) {
            message.closeDescriptors();
            throw fault;
        }
    }

    /**
     * Reads {@code length} bytes to {@code offset}; a stream may cut them anywhere. False if none came at
     * all.
     */
    private boolean fill(Message message, int offset, int length, Deadline deadline)
            throws ProtocolException {
        int filled = 0;
        while (filled < length) {
            int count = receive(message, offset + filled, length - filled, deadline);
            if (count < 0) {
                if (offset + filled == 0) {
                    return false;
                }
                throw new ProtocolException("connection ended inside a message, after " + (offset + filled)
                        + " bytes of " + (offset + length));
            }
            filled += count;
            checkDescriptors(message, offset + filled);
        }
        return true;
    }

    /**
     * Each piece of a message can bring as many as one call takes: a slow sender would use up this process's.
     */
    private static void checkDescriptors(Message message, int received) throws ProtocolException {
        if (message.descriptorCount() > UnixSocket.MAX_RECEIVED_DESCRIPTORS) {
            throw new ProtocolException("descriptors=" + message.descriptorCount() + " came with " + received
                    + " bytes of one message, must be at most " + UnixSocket.MAX_RECEIVED_DESCRIPTORS);
        }
    }

    private int receive(Message message, int offset, int length, Deadline deadline) throws ProtocolException {
        try {
            if (deadline.limited() && poll.await(deadline.remainingMillis()) == 0) {
                throw new ProtocolException("nothing came in time, after " + offset + " bytes of a message");
            }
            return socket.receive(message.bytes(), offset, length, message.descriptors());
        } catch (LostDescriptorsException | OsException failure) {
            throw new ProtocolException(failure.getMessage(), failure);
        }
    }
}
