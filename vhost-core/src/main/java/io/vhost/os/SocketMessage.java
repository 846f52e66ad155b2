package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The structures that carry bytes and file descriptors through {@code sendmsg} and {@code recvmsg}.
 *
 * <pre>
 * struct msghdr   0 name          struct iovec   0 base     struct cmsghdr   0 length, with this header
 *                 8 name length                  8 length                    8 level
 *                16 iovec         -----------------------                   12 type
 *                24 iovec count                                             16 descriptors, 4 bytes each
 *                32 control       ---------------------------------------------------------------------
 *                40 control length
 *                48 flags
 * </pre>
 *
 * <p>Thread: the one that made it.
 */
final class SocketMessage {
    private static final long IOV = 16;
    private static final long IOV_COUNT = 24;
    private static final long CONTROL = 32;
    private static final long CONTROL_LENGTH = 40;
    private static final long FLAGS = 48;
    private static final long MESSAGE_SIZE = 56;

    private static final long IOV_BASE = 0;
    private static final long IOV_LENGTH = 8;
    private static final long IOV_SIZE = 16;

    private static final long ITEM_LENGTH = 0;
    private static final long ITEM_LEVEL = 8;
    private static final long ITEM_TYPE = 12;
    private static final long ITEM_HEADER = 16;

    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_CTRUNC = 8;
    private static final int[] NONE = {};

    private final MemorySegment message;
    private final MemorySegment iovec;
    private final MemorySegment data;
    private final MemorySegment control;

    /**
     * @param arena what it lives in
     * @param dataCapacity most bytes of data
     * @param descriptorCapacity most descriptors; an odd number makes room for one more
     */
    SocketMessage(Arena arena, long dataCapacity, int descriptorCapacity) {
        message = arena.allocate(MESSAGE_SIZE, Long.BYTES);
        iovec = arena.allocate(IOV_SIZE, Long.BYTES);
        data = arena.allocate(dataCapacity);
        control = arena.allocate(itemSpace(itemLength(descriptorCapacity)), Long.BYTES);
        iovec.set(JAVA_LONG, IOV_BASE, data.address());
        iovec.set(JAVA_LONG, IOV_LENGTH, data.byteSize());
        message.set(JAVA_LONG, IOV, iovec.address());
        message.set(JAVA_LONG, IOV_COUNT, 1);
        message.set(JAVA_LONG, CONTROL, control.address());
        message.set(JAVA_LONG, CONTROL_LENGTH, control.byteSize());
    }

    /** {@return the {@code struct msghdr}} */
    MemorySegment header() {
        return message;
    }

    /** {@return the bytes} */
    MemorySegment data() {
        return data;
    }

    /** Sends the first {@code length} bytes of {@link #data} only. */
    void dataLength(long length) {
        iovec.set(JAVA_LONG, IOV_LENGTH, length);
    }

    /** Sends these descriptors with the data; none if the array is empty. */
    void descriptors(int[] fds) {
        if (fds.length == 0) {
            message.set(JAVA_LONG, CONTROL_LENGTH, 0);
            return;
        }
        long length = itemLength(fds.length);
        control.set(JAVA_LONG, ITEM_LENGTH, length);
        control.set(JAVA_INT, ITEM_LEVEL, SOL_SOCKET);
        control.set(JAVA_INT, ITEM_TYPE, SCM_RIGHTS);
        MemorySegment.copy(fds, 0, control, JAVA_INT, ITEM_HEADER, fds.length);
        message.set(JAVA_LONG, CONTROL_LENGTH, itemSpace(length));
    }

    /** Makes room for descriptors again, after some have been received. */
    void receiveAgain() {
        message.set(JAVA_LONG, CONTROL_LENGTH, control.byteSize());
    }

    /** {@return the descriptors that were received: they are open, and the caller's} */
    int[] receivedDescriptors() {
        return descriptorsIn(control.asSlice(0, message.get(JAVA_LONG, CONTROL_LENGTH)));
    }

    /** {@return whether descriptors were lost for want of room, or of free numbers in this process} */
    boolean isControlTruncated() {
        return (message.get(JAVA_INT, FLAGS) & MSG_CTRUNC) != 0;
    }

    /** {@return all descriptors in a control buffer as {@code recvmsg} leaves it} */
    static int[] descriptorsIn(MemorySegment control) {
        int[] fds = NONE;
        long item = 0;
        while (control.byteSize() - item >= ITEM_HEADER) {
            long length = control.get(JAVA_LONG, item + ITEM_LENGTH);
            if (length < ITEM_HEADER || length > control.byteSize() - item) {
                break;
            }
            if (control.get(JAVA_INT, item + ITEM_LEVEL) == SOL_SOCKET
                    && control.get(JAVA_INT, item + ITEM_TYPE) == SCM_RIGHTS) {
                int count = (int) ((length - ITEM_HEADER) / Integer.BYTES);
                int end = fds.length;
                fds = Arrays.copyOf(fds, end + count);
                MemorySegment.copy(control, JAVA_INT, item + ITEM_HEADER, fds, end, count);
            }
            item += itemSpace(length);
        }
        return fds;
    }

    private static long itemLength(int descriptors) {
        return ITEM_HEADER + (long) descriptors * Integer.BYTES;
    }

    private static long itemSpace(long length) {
        return (length + Long.BYTES - 1) & -Long.BYTES;
    }
}
