package io.vhost.protocol;

import static io.vhost.protocol.RawPeer.bytes;

import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.MemFd;
import io.vhost.os.Pipe;
import io.vhost.os.UnixSocket;
import io.vhost.testing.FuzzInput;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/**
 * Messages made of an input. A message is an id, a choice of flags, payload and descriptors of one byte
 * each, and what the choice of payload takes: nothing for a sample, values from a small world for one that
 * could come from a front-end that is alive, and otherwise raw bytes.
 */
final class FuzzScript {
    private static final int MOST_MESSAGES = 40;
    private static final int MOST_BYTES = 8192;
    /** Of which fewer may be on the way than a process may have open. */
    private static final int MOST_DESCRIPTORS = 256;
    private static final long MEMORY = 0x10000;
    private static final int MEMORY_SIZE = 0x10000;
    private static final int INFLIGHT_SIZE = 0x8000;
    private static final int KINDS = 8;
    private static final byte[] END_BYTES = end();

    private final FuzzInput input;
    private final RawPeer peer;
    private final ByteArrayOutputStream stream = new ByteArrayOutputStream();
    /** By kind, each made when it is first needed. */
    private final Descriptor[] files = new Descriptor[KINDS];
    private UnixSocket[] sockets;
    private Pipe pipe;
    private int sent;

    FuzzScript(FuzzInput input, RawPeer peer) {
        this.input = input;
        this.peer = peer;
    }

    /** Of a version that does not exist, often enough to end a session that waits for the rest. */
    private static byte[] end() {
        byte[] bytes = new byte[(2 * (Message.HEADER + Message.MAX_PAYLOAD)) / 12 * 12];
        byte[] one = bytes(ReplyModel.END, 0, 0);
        for (int at = 0; at < bytes.length; at += one.length) {
            System.arraycopy(one, 0, bytes, at, one.length);
        }
        return bytes;
    }

    /** Everything that was sent. */
    byte[] stream() {
        return stream.toByteArray();
    }

    void send() {
        try {
            prologue(input.next());
            for (int i = 0; i < MOST_MESSAGES && stream.size() < MOST_BYTES && input.hasMore(); i++) {
                message();
            }
            put(END_BYTES);
        } finally {
            close();
        }
    }

    /** Most of what there is to find is behind features and memory. */
    private void prologue(int steps) {
        if ((steps & 1) == 0) {
            put(RawPeer.message(16, RawPeer.PLAIN, FuzzTarget.CONFIG.protocolFeatures()));
        }
        if ((steps & 2) == 0) {
            put(RawPeer.message(2, RawPeer.PLAIN, features((steps & 4) != 0)));
        }
        if ((steps & 8) == 0) {
            put(RawPeer.message(5, RawPeer.NEED_REPLY, 1, 0, MEMORY, (long) MEMORY_SIZE, MEMORY, 0L),
                    file(0).fd());
        }
        if ((steps & 16) != 0) {
            for (int ring = 0; ring < 2; ring++) {
                put(RawPeer.message(8, RawPeer.PLAIN, ring, 64));
                put(RawPeer.message(9, RawPeer.PLAIN, ring, 0, MEMORY, MEMORY + 0x800, MEMORY + 0x400, 0L));
                put(RawPeer.message(12, RawPeer.PLAIN, (long) ring), file(2).fd());
                put(RawPeer.message(18, RawPeer.PLAIN, ring, 1));
            }
        }
    }

    private static long features(boolean packed) {
        return 1L << 30 | 1L << 32 | (packed ? 1L << 34 : 0);
    }

    private void message() {
        int id = input.next() % 48;
        int choice = input.next();
        Request request = Request.of(id);
        byte[] payload = switch (choice & 3) {
            case 0 -> request == null ? new byte[8] : RequestSamples.payload(request);
            case 1, 2 -> plausible(id);
            default -> input.bytes(input.below(72));
        };
        int flags = (choice & 4) == 0 ? RawPeer.NEED_REPLY : RawPeer.PLAIN;
        int size = payload.length;
        int count = request == null ? 0 : RequestSamples.descriptors(request).getLast();
        int kind = id >= 12 && id <= 14 ? 2 : 0;
        if (id == 5 && payload.length > 0) {
            count = payload[0];
        }
        if (id == 32) {
            kind = 1;
        }
        if ((choice & 0x38) == 0x38) {
            count = input.below(10);
            kind = input.below(KINDS);
        }
        if ((choice & 0xC0) == 0xC0) {
            switch (input.below(8)) {
                case 0 -> id = input.next32();
                case 1 -> flags = input.next();
                case 2 -> flags = input.next32();
                case 3 -> size = input.next();
                case 4 -> size = input.next32();
                case 5 -> count = input.below(20);
                default -> payload = input.bytes(payload.length);
            }
        }
        int[] fds = new int[Math.clamp(count, 0, Math.min(20, MOST_DESCRIPTORS - sent))];
        for (int i = 0; i < fds.length; i++) {
            fds[i] = file((kind + (i > 0 && kind != 0 ? i : 0)) % KINDS).fd();
        }
        sent += fds.length;
        put(bytes(id, flags, size, payload), fds);
    }

    /** Values that a front-end could mean, and their neighbours. */
    private byte[] plausible(int id) {
        return switch (id) {
            case 1, 3, 4, 15, 17, 21, 34, 36, 40 -> new byte[0];
            case 2 -> bytes(features());
            case 5 -> table(input.below(9));
            case 6 -> bytes(length(), length());
            case 8 -> bytes(ring(), size());
            case 9 -> bytes(ring(), flag(), address(), address(), address(), address());
            case 10, 11 -> bytes(ring(), base());
            case 12, 13, 14 -> bytes((long) ring() | (input.rarely() ? 0x100 : 0));
            case 16 -> bytes(FuzzTarget.CONFIG.protocolFeatures() ^ (1L << input.below(64)));
            case 18 -> bytes(ring(), flag());
            case 19, 20, 39 -> bytes(length());
            case 31, 32 -> bytes(inflightLength(), inflightOffset(), queues() | size() << 16, 0);
            case 37, 38 -> bytes(0L, address(), length(), address(), offset());
            default -> Request.of(id) == null ? input.bytes(8) : RequestSamples.payload(Request.of(id));
        };
    }

    private byte[] table(int regions) {
        byte[] payload = bytes(regions, 0);
        for (int i = 0; i < regions; i++) {
            int before = payload.length;
            byte[] region = bytes(address(), length(), address(), offset());
            payload = Arrays.copyOf(payload, before + region.length);
            System.arraycopy(region, 0, payload, before, region.length);
        }
        return payload;
    }

    private long features() {
        int bit = input.next();
        return FuzzScript.features((bit & 64) != 0) ^ (bit < 128 ? 0 : 1L << (bit & 63));
    }

    private int ring() {
        int choice = input.next();
        return choice < 240 ? choice % FuzzTarget.QUEUES : choice < 250 ? FuzzTarget.QUEUES : -1;
    }

    private int flag() {
        int choice = input.next();
        return choice < 240 ? choice & 1 : choice;
    }

    private int size() {
        int choice = input.next();
        return choice < 200 ? 1 << choice % 10 : choice < 250 ? choice - 200 : 0x8000;
    }

    private int base() {
        int choice = input.next();
        return choice < 128 ? choice : choice < 200 ? 0x8000_8000 : input.next32();
    }

    private int queues() {
        return input.below(6);
    }

    private long address() {
        int choice = input.next();
        return choice < 200 ? MEMORY + 0x400L * (choice % 70) : edge(choice);
    }

    private long offset() {
        int choice = input.next();
        return choice < 128 ? 0 : choice < 200 ? 0x1000L * (choice & 15) : edge(choice);
    }

    private long length() {
        int choice = input.next();
        return choice < 128 ? MEMORY_SIZE : choice < 200 ? 0x400L * (choice & 63) : edge(choice);
    }

    private long inflightLength() {
        int choice = input.next();
        return choice < 200 ? INFLIGHT_SIZE : edge(choice);
    }

    private long inflightOffset() {
        int choice = input.next();
        return choice < 200 ? 0 : edge(choice);
    }

    private long edge(int choice) {
        return switch (choice % 8) {
            case 0 -> -1;
            case 1 -> Long.MIN_VALUE;
            case 2 -> Long.MAX_VALUE;
            case 3 -> 1L << input.below(64);
            case 4 -> -(1L << input.below(64));
            case 5 -> MEMORY + MEMORY_SIZE - input.next();
            case 6 -> input.next();
            default -> input.next64();
        };
    }

    private Descriptor file(int kind) {
        if (files[kind] == null) {
            files[kind] = open(kind);
        }
        return files[kind];
    }

    private Descriptor open(int kind) {
        return switch (kind) {
            case 0 -> MemFd.createSealed("fuzz", MEMORY_SIZE);
            case 1 -> MemFd.create("fuzz", INFLIGHT_SIZE);
            case 2 -> EventFd.create().descriptor();
            case 3 -> pipe().readEnd();
            case 4 -> pipe().writeEnd();
            case 5 -> sockets()[0].descriptor();
            case 6 -> MemFd.create("fuzz", 0);
            default -> MemFd.create("fuzz", 4097);
        };
    }

    private Pipe pipe() {
        if (pipe == null) {
            pipe = Pipe.open();
        }
        return pipe;
    }

    private UnixSocket[] sockets() {
        if (sockets == null) {
            sockets = UnixSocket.pair();
        }
        return sockets;
    }

    private void put(byte[] bytes, int... fds) {
        if (bytes.length > 0) {
            peer.sendBytes(bytes, fds);
            stream.writeBytes(bytes);
        }
    }

    private void close() {
        for (Descriptor file : files) {
            if (file != null) {
                file.close();
            }
        }
        if (pipe != null) {
            pipe.close();
        }
        if (sockets != null) {
            sockets[0].close();
            sockets[1].close();
        }
    }
}
