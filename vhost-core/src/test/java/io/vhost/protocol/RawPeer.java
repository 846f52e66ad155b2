package io.vhost.protocol;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.LostDescriptorsException;
import io.vhost.os.MemFd;
import io.vhost.os.UnixSocket;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * A peer that may say anything. Encodes by itself, so that a mistake in {@link Message} does not meet its own
 * image.
 */
public final class RawPeer implements AutoCloseable {
    /** Version 1, as every request of a well-behaved front-end. */
    public static final int PLAIN = 1;
    /** Version 1 and the wish for an answer. */
    public static final int NEED_REPLY = 9;
    /** Version 1, an answer. */
    public static final int REPLY = 5;

    private static final int SET_VRING_KICK = 12;
    private static final int SET_VRING_ERR = 14;

    private final UnixSocket socket;

    public RawPeer(UnixSocket socket) {
        this.socket = socket;
    }

    /** What came back; {@code u64} are the first 8 bytes of the payload. */
    public record Answer(int id, int flags, int size, long u64, int descriptors) {
        /** For assertions: everything but the payload's content. */
        public String head() {
            return "id=" + id + " flags=" + flags + " size=" + size + " descriptors=" + descriptors;
        }
    }

    /** A little-endian buffer of one message; {@code values} are Integer, Long or byte[]. */
    public static byte[] message(int id, int flags, Object... values) {
        byte[] payload = bytes(values);
        return bytes(id, flags, payload.length, payload);
    }

    /** The values one after another, little endian. */
    public static byte[] bytes(Object... values) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteBuffer scratch = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (Object value : values) {
            scratch.clear();
            switch (value) {
                case Integer number -> out.write(scratch.putInt(number).array(), 0, Integer.BYTES);
                case Long number -> out.write(scratch.putLong(number).array(), 0, Long.BYTES);
                case byte[] raw -> out.writeBytes(raw);
                default -> throw new IllegalArgumentException("value=" + value);
            }
        }
        return out.toByteArray();
    }

    /** Sends one message. */
    public void send(int id, int flags, Object... values) {
        sendBytes(message(id, flags, values));
    }

    /**
     * Sends a message, or its beginning, with {@code count} descriptors that are closed here afterwards:
     * eventfds if it is about one of a ring's, otherwise memory files.
     */
    public void sendWithFiles(byte[] bytes, int count) {
        boolean doorbell = bytes.length > 0 && bytes[0] >= SET_VRING_KICK && bytes[0] <= SET_VRING_ERR;
        sendWith(doorbell ? RawPeer::eventFd : () -> MemFd.create("raw", 4096), bytes, count);
    }

    /** Sends bytes that do not begin a message with an eventfd. */
    void sendWithEventFd(byte[] bytes) {
        sendWith(RawPeer::eventFd, bytes, 1);
    }

    private static Descriptor eventFd() {
        return EventFd.create().descriptor();
    }

    private void sendWith(Supplier<Descriptor> kind, byte[] bytes, int count) {
        List<Descriptor> files = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                files.add(kind.get());
            }
            sendBytes(bytes, files.stream().mapToInt(Descriptor::fd).toArray());
        } finally {
            files.forEach(Descriptor::close);
        }
    }

    /** Sends bytes as they are. */
    public void sendBytes(byte[] bytes, int... fds) {
        try (Arena arena = Arena.ofConfined()) {
            socket.send(arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), 0, bytes.length, fds);
        }
    }

    /** Fails unless exactly these bytes come next; descriptors are closed. */
    public void expect(byte[]... messages) {
        for (byte[] expected : messages) {
            List<Descriptor> descriptors = new ArrayList<>();
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment buffer = arena.allocate(expected.length);
                assertTrue(fill(buffer, 0, expected.length, descriptors), "connection ended");
                assertArrayEquals(expected, buffer.toArray(ValueLayout.JAVA_BYTE));
            } finally {
                descriptors.forEach(Descriptor::close);
            }
        }
    }

    /** The next message from the other end, or null at the end of the connection. */
    public Answer receive() {
        List<Descriptor> descriptors = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(12 + 4096, Long.BYTES);
            if (!fill(buffer, 0, 12, descriptors)) {
                return null;
            }
            ByteBuffer header = buffer.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
            int size = header.getInt(8);
            if (!fill(buffer, 12, size, descriptors)) {
                throw new AssertionError("connection ended inside an answer");
            }
            int count = descriptors.size();
            return new Answer(header.getInt(0), header.getInt(4), size, header.getLong(12), count);
        } finally {
            descriptors.forEach(Descriptor::close);
        }
    }

    private boolean fill(MemorySegment buffer, int offset, int length, List<Descriptor> descriptors) {
        int filled = 0;
        while (filled < length) {
            int count;
            try {
                count = socket.receive(buffer, offset + filled, length - filled, descriptors);
            } catch (LostDescriptorsException lost) {
                throw new AssertionError(lost);
            }
            if (count < 0) {
                return false;
            }
            filled += count;
        }
        return true;
    }

    @Override
    public void close() {
        socket.close();
    }
}
