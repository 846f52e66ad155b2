package io.vhost.protocol;

import io.vhost.os.Descriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * One message in a native buffer that is used again and again, and the descriptors that came with it.
 *
 * <pre>
 *   0       4       8      12                12 + size
 *   | id    | flags | size | payload ...     |
 * </pre>
 *
 * <p>Thread: one at a time. Sizes and payload offsets are bytes; the payload is aligned to 4 only.
 */
final class Message {
    static final int HEADER = 12;
    /** No known message is longer; what is longer cannot be skipped safely. */
    static final int MAX_PAYLOAD = 4096;

    static final int VERSION = 1;
    static final int VERSION_MASK = 3;
    static final int REPLY = 4;
    static final int NEED_REPLY = 8;

    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment bytes;
    private final List<Descriptor> descriptors = new ArrayList<>();

    Message(Arena arena) {
        bytes = arena.allocate(HEADER + MAX_PAYLOAD, Long.BYTES);
    }

    /** Header, then payload. */
    MemorySegment bytes() {
        return bytes;
    }

    int id() {
        return bytes.get(U32, 0);
    }

    int flags() {
        return bytes.get(U32, 4);
    }

    /** Bytes of payload, unsigned: not bounded until the codec has checked it. */
    int size() {
        return bytes.get(U32, 8);
    }

    boolean needsReply() {
        return (flags() & NEED_REPLY) != 0;
    }

    int u16(int offset) {
        return bytes.get(U16, HEADER + offset) & 0xFFFF;
    }

    int u32(int offset) {
        return bytes.get(U32, HEADER + offset);
    }

    long u64(int offset) {
        return bytes.get(U64, HEADER + offset);
    }

    /** Makes this an empty message; the payload is appended by {@code put32} and {@code put64}. */
    Message begin(int id, int flags) {
        bytes.set(U32, 0, id);
        bytes.set(U32, 4, VERSION | flags);
        bytes.set(U32, 8, 0);
        return this;
    }

    Message put32(int value) {
        bytes.set(U32, HEADER + size(), value);
        bytes.set(U32, 8, size() + Integer.BYTES);
        return this;
    }

    Message put64(long value) {
        bytes.set(U64, HEADER + size(), value);
        bytes.set(U32, 8, size() + Long.BYTES);
        return this;
    }

    /** Where the codec puts what it receives. */
    List<Descriptor> descriptors() {
        return descriptors;
    }

    int descriptorCount() {
        return descriptors.size();
    }

    /** Hands all descriptors over to the caller, who closes them from now on. */
    List<Descriptor> takeDescriptors() {
        List<Descriptor> taken = List.copyOf(descriptors);
        descriptors.clear();
        return taken;
    }

    /** Hands the only descriptor over to the caller, or null if the message has none. */
    Descriptor takeDescriptor() {
        return descriptors.isEmpty() ? null : descriptors.removeFirst();
    }

    /** Adds a descriptor to a message that is to be sent; taken over. */
    void attach(Descriptor descriptor) {
        descriptors.add(descriptor);
    }

    /** Closes the descriptors that nobody has taken. */
    void closeDescriptors() {
        for (Descriptor descriptor : descriptors) {
            descriptor.close();
        }
        descriptors.clear();
    }
}
