package io.vhost.peer;

import io.vhost.device.Feature;
import io.vhost.device.ProtocolFeature;
import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.Opened;
import io.vhost.os.UnixSocket;
import io.vhost.protocol.RawPeer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A front-end that does what it likes with the memory that it shares: two files that can be truncated, one
 * behind the other in the guest, with one pair of rings of {@link #RING} entries. It writes them as files, so
 * that it does not meet the errors which it prepares for others.
 */
public final class RawFrontend implements AutoCloseable {
    public static final int RING = 64;
    /** Where the buffers begin; before them each area of a ring has a page of its own. */
    public static final long BUFFERS = 0x1_0000;
    public static final long SIZE = 0x4_0000;

    private static final long PAGE = 4096;
    private static final long USER = 0x7F00_0000_0000L;
    private static final int FRAME = 76;
    private static final byte[] ADDRESS = {2, 0, 0, 0, 0, 0x66};
    private static final int BUFFER = 1024;
    private static final int SET_FEATURES = 2;
    private static final int SET_OWNER = 3;
    private static final int SET_MEM_TABLE = 5;
    private static final int SET_LOG_BASE = 6;
    private static final int SET_VRING_NUM = 8;
    private static final int SET_VRING_ADDR = 9;
    private static final int SET_VRING_BASE = 10;
    private static final int SET_VRING_KICK = 12;
    private static final int SET_VRING_CALL = 13;
    private static final int SET_VRING_ERR = 14;
    private static final int SET_PROTOCOL_FEATURES = 16;
    private static final int SET_VRING_ENABLE = 18;
    private static final int SET_STATUS = 39;
    private static final short WRITE = 2;
    private static final short PACKED_AVAIL = 0x80;

    private final RawPeer peer;
    private final List<Descriptor> descriptors = new ArrayList<>();
    private final List<FileChannel> files = new ArrayList<>();
    private final FileChannel log;
    private final int border;
    private final boolean packed;
    private final EventFd[] kicks = {EventFd.create(), EventFd.create()};
    private final EventFd[] errors = {EventFd.create(), EventFd.create()};
    private int numbers;

    /**
     * Connects; says nothing yet.
     *
     * @param socket the back-end's
     * @param packed whether the rings are packed
     * @param border where the first file ends and the second begins, in pages
     */
    public RawFrontend(Path socket, boolean packed, int border) throws IOException {
        this.packed = packed;
        this.border = border;
        for (long size : new long[] {border * PAGE, SIZE - border * PAGE}) {
            files.add(file(size));
        }
        log = file(PAGE);
        peer = new RawPeer(UnixSocket.connect(socket));
    }

    /** One that nobody can seal, which has no name any more. */
    private FileChannel file(long size) throws IOException {
        Path path = Files.createTempFile(Path.of("/dev/shm"), "raw", "");
        try {
            descriptors.add(Opened.readWrite(path));
            FileChannel file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
            file.write(ByteBuffer.allocate(1), size - 1);
            return file;
        } finally {
            Files.delete(path);
        }
    }

    // Places in the guest, as offsets from its beginning. Queue 0 carries packets to the guest, 1 from it.

    private static long desc(int queue) {
        return queue * 3L * PAGE;
    }

    private static long avail(int queue) {
        return desc(queue) + PAGE;
    }

    /** Across the border, if that is inside the area. */
    private static long used(int queue) {
        return desc(queue) + 3 * PAGE - 128;
    }

    private static long buffer(int queue, int entry) {
        return BUFFERS + (long) (queue * RING + entry) * BUFFER;
    }

    /** All messages up to started rings, whose chains are all offered. */
    public void start() throws IOException {
        offerAll();
        startIdle();
    }

    /** All messages up to started rings, with no chain offered. */
    public void startIdle() throws IOException {
        long features = Feature.VIRTIO_F_VERSION_1.mask() | Feature.VHOST_USER_F_PROTOCOL_FEATURES.mask()
                | Feature.VHOST_F_LOG_ALL.mask() | Feature.VIRTIO_F_INDIRECT_DESC.mask()
                | (packed ? Feature.VIRTIO_F_RING_PACKED.mask() : 0);
        peer.send(SET_OWNER, RawPeer.PLAIN);
        peer.send(SET_PROTOCOL_FEATURES, RawPeer.PLAIN, ProtocolFeature.mask(
                ProtocolFeature.REPLY_ACK, ProtocolFeature.STATUS, ProtocolFeature.LOG_SHMFD));
        peer.sendBytes(RawPeer.message(SET_LOG_BASE, RawPeer.PLAIN, PAGE, 0L), descriptors.get(2).fd());
        answer();
        peer.send(SET_FEATURES, RawPeer.PLAIN, features);
        long first = border * PAGE;
        peer.sendBytes(RawPeer.message(SET_MEM_TABLE, RawPeer.PLAIN, 2, 0,
                0L, first, USER, 0L, first, SIZE - first, USER + first, 0L),
                descriptors.get(0).fd(), descriptors.get(1).fd());
        for (int queue = 0; queue < 2; queue++) {
            peer.send(SET_VRING_NUM, RawPeer.PLAIN, queue, RING);
            peer.send(SET_VRING_BASE, RawPeer.PLAIN, queue, packed ? 0x8000_8000 : 0);
            peer.send(SET_VRING_ADDR, RawPeer.PLAIN, queue, 1, USER + desc(queue), USER + used(queue),
                    USER + avail(queue), used(queue));
            sendEventFd(SET_VRING_CALL, queue, errors[queue]);
            sendEventFd(SET_VRING_ERR, queue, errors[queue]);
            sendEventFd(SET_VRING_KICK, queue, kicks[queue]);
            enable(queue, true);
        }
        peer.send(SET_STATUS, RawPeer.NEED_REPLY, 0xFL);
        answer();
        kick();
    }

    private void sendEventFd(int id, int queue, EventFd eventFd) {
        peer.sendBytes(RawPeer.message(id, RawPeer.PLAIN, (long) queue), eventFd.descriptor().fd());
    }

    /** Without waiting for an answer. */
    public void enable(int queue, boolean enabled) {
        peer.send(SET_VRING_ENABLE, RawPeer.PLAIN, queue, enabled ? 1 : 0);
    }

    private void answer() throws IOException {
        if (peer.receive() == null) {
            throw new IOException("the back-end has gone");
        }
    }

    /** Returns when the back-end has closed the connection. */
    public void awaitEnd() {
        while (peer.receive() != null) {
            // Answers to what was asked before.
        }
    }

    public void kick() {
        kicks[0].signal();
        kicks[1].signal();
    }

    private void offerAll() throws IOException {
        for (int queue = 0; queue < 2; queue++) {
            for (int i = 0; i < RING; i++) {
                short flags = queue == 0 ? WRITE : 0;
                ByteBuffer entry = little(16).putLong(buffer(queue, i)).putInt(queue == 0 ? BUFFER : FRAME);
                write(desc(queue) + 16L * i, packed
                        ? entry.putShort((short) i).putShort((short) (flags | PACKED_AVAIL))
                        : entry.putShort(flags).putShort((short) 0));
                if (queue == 1) {
                    frame(i);
                }
            }
            if (!packed) {
                ByteBuffer area = little(4 + 2 * RING).putShort((short) 0).putShort((short) RING);
                for (int i = 0; i < RING; i++) {
                    area.putShort((short) i);
                }
                write(avail(queue), area);
            }
        }
    }

    /** Makes each chain from the guest a table of as many buffers of a byte as may be. */
    public void offerTables() throws IOException {
        long table = BUFFERS + 2 * RING * BUFFER;
        for (int i = 0; i < RING; i++) {
            boolean last = i == RING - 1;
            write(table + 16L * i, little(16).putLong(buffer(1, 0) + i).putInt(1)
                    .putShort((short) (last ? 0 : 1)).putShort((short) (i + 1)));
            write(desc(1) + 16L * i, little(16).putLong(table).putInt(16 * RING).putShort((short) 4)
                    .putShort((short) 0));
        }
    }

    /** Writes eight bytes anywhere in the rings. */
    public void scribble(long offset, long value) throws IOException {
        write(offset % (6 * PAGE), little(8).putLong(value));
    }

    /** A frame that a switch brings to nobody but those who send such frames. */
    private void frame(int entry) throws IOException {
        ByteBuffer frame = little(FRAME).put(new byte[12]).put(ADDRESS).put(ADDRESS)
                .putShort((short) 8).putInt(numbers++);
        write(buffer(1, entry), frame.position(FRAME));
    }

    private static ByteBuffer little(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Offers what was used once more, as far as the rings can be read; split rings only. */
    public void offerAgain() throws IOException {
        for (int queue = 0; queue < 2 && !packed; queue++) {
            ByteBuffer index = little(2);
            read(used(queue) + 2, index);
            write(avail(queue) + 2, little(2).putShort((short) (index.getShort(0) + RING)));
        }
        kick();
    }

    private void write(long offset, ByteBuffer bytes) throws IOException {
        bytes.flip();
        while (bytes.hasRemaining()) {
            long first = border * PAGE;
            boolean inFirst = offset < first;
            ByteBuffer part = bytes.slice(bytes.position(),
                    (int) (inFirst ? Math.min(bytes.remaining(), first - offset) : bytes.remaining()));
            int written = files.get(inFirst ? 0 : 1).write(part, inFirst ? offset : offset - first);
            bytes.position(bytes.position() + written);
            offset += written;
        }
    }

    private void read(long offset, ByteBuffer bytes) throws IOException {
        boolean inFirst = offset < border * PAGE;
        files.get(inFirst ? 0 : 1).read(bytes, inFirst ? offset : offset - border * PAGE);
    }

    /** Makes a file of the memory, 0 or 1, shorter; what is behind its end is gone. */
    public void truncate(int file, long size) throws IOException {
        files.get(file).truncate(size);
    }

    /** Takes a whole file away and gives it back, empty. */
    public void toggle(int file) throws IOException {
        long size = files.get(file).size();
        files.get(file).truncate(0);
        files.get(file).write(ByteBuffer.allocate(1), size - 1);
    }

    /** Takes the dirty log away and gives it back, empty. */
    public void toggleLog() throws IOException {
        log.truncate(0);
        log.write(ByteBuffer.allocate(1), PAGE - 1);
    }

    @Override
    public void close() throws IOException {
        peer.close();
        descriptors.forEach(Descriptor::close);
        for (FileChannel file : files) {
            file.close();
        }
        log.close();
        for (int i = 0; i < 2; i++) {
            kicks[i].close();
            errors[i].close();
        }
    }
}
