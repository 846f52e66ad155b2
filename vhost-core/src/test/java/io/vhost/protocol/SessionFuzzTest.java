package io.vhost.protocol;

import static io.vhost.protocol.RawPeer.bytes;
import static io.vhost.protocol.RawPeer.message;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.Rounds;
import io.vhost.control.DeviceControl;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.os.Descriptor;
import io.vhost.os.MemFd;
import io.vhost.os.UnixSocket;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Messages with something wrong in them, as many as it takes, the same ones each time.
 * {@code -Dfuzz.messages=100000} is the long form.
 */
class SessionFuzzTest {
    private static final long SEED = 20260217;
    private static final int MESSAGES = Rounds.of("fuzz.messages", 20_000);
    private static final int A_SESSION = 32;
    /** Follows each message: as many answers as come, so many messages were survived. */
    private static final byte[] COUNTER = message(17, RawPeer.PLAIN);
    /** A version that does not exist, often enough to end a session that waits for the rest of a message. */
    private static final byte[] END = new byte[2 * (Message.HEADER + Message.MAX_PAYLOAD)];

    private static final VhostConfig CONFIG = VhostConfig.builder().queuePairs(2).build();
    private static final long MEMORY = 0x10000;
    private static final int MEMORY_SIZE = 0x4000;

    private static final List<Integer> SURVIVABLE = Arrays.stream(Request.values())
            .filter(request -> request.reply() == Request.Reply.ACK
                    || RequestSamples.IMPLEMENTED.contains(request))
            .map(Request::id)
            .toList();

    private final Random random = new Random(SEED);

    @Test
    void noMessageMakesAnExceptionEscapeOrLeavesADescriptor() {
        int descriptors = Descriptor.openDescriptors();
        int sessions = 0;
        int messages = 0;
        while (messages < MESSAGES) {
            messages += session(++sessions);
            assertEquals(descriptors, Descriptor.openDescriptors(), "descriptors after session " + sessions);
        }
    }

    /**
     * Runs one session over messages that were all sent before, and returns how many of them it looked at.
     */
    private int session(int number) {
        RecordingLogger log = new RecordingLogger();
        UnixSocket[] ends = UnixSocket.pair();
        try (RawPeer peer = new RawPeer(ends[0]); Descriptor memory = MemFd.create("fuzz", MEMORY_SIZE)) {
            if (random.nextInt(8) != 0) {
                peer.send(16, RawPeer.PLAIN, 0x10009L);
            }
            if (random.nextBoolean()) {
                peer.send(2, RawPeer.PLAIN, 1L << 30 | 1L << 32);
                byte[] table = message(5, RawPeer.PLAIN, 1, 0, MEMORY, (long) MEMORY_SIZE, MEMORY, 0L);
                peer.sendBytes(table, memory.fd());
            }
            for (int i = 0; i < A_SESSION; i++) {
                send(peer, memory.fd());
                peer.sendBytes(COUNTER);
            }
            peer.sendBytes(END);
            DeviceControl device = DeviceControl.create("fuzz", CONFIG, new DeviceListener() {});
            new BackendSession("fuzz", ends[1], device, new WarningLimiter(log)).run();
            List<String> errors = log.records().stream().filter(text -> text.startsWith("ERROR")).toList();
            assertEquals(List.of(), errors, "session " + number);
            int survived = 0;
            for (RawPeer.Answer answer = peer.receive(); answer != null; answer = peer.receive()) {
                survived += answer.id() == 17 ? 1 : 0;
            }
            return Math.min(A_SESSION, survived + 1);
        }
    }

    private void send(RawPeer peer, int fd) {
        // Most that are refused end the session if they cannot be acknowledged, so these are rare.
        boolean survivable = random.nextInt(32) != 0;
        int id = survivable ? SURVIVABLE.get(random.nextInt(SURVIVABLE.size())) : 1 + random.nextInt(44);
        int flags = survivable ? RawPeer.NEED_REPLY : RawPeer.PLAIN;
        byte[] payload = random.nextInt(4) == 0 ? RequestSamples.payload(Request.of(id)) : plausible(id);
        int size = payload.length;
        switch (random.nextInt(32)) {
            case 0 -> id = random.nextBoolean() ? random.nextInt(64) : random.nextInt();
            case 1 -> flags = random.nextInt(16);
            case 2 -> flags = random.nextInt();
            case 3 -> size = random.nextInt(64);
            case 4 -> size = random.nextInt();
            case 5, 6, 7 -> random.nextBytes(payload);
            case 8, 9, 10, 11, 12, 13 -> flip(payload);
            default -> { }
        }
        Request request = Request.of(id);
        boolean right = request != null && random.nextInt(16) != 0;
        int[] fds = new int[right ? RequestSamples.descriptors(request).getFirst() : random.nextInt(9)];
        Arrays.fill(fds, fd);
        peer.sendBytes(bytes(id, flags, size, payload), fds);
    }

    private void flip(byte[] payload) {
        if (payload.length > 0) {
            payload[random.nextInt(payload.length)] ^= (byte) (1 << random.nextInt(8));
        }
    }

    /** A message that could come from a front-end that is alive, with values from a small world. */
    private byte[] plausible(int id) {
        int ring = random.nextInt(4);
        long address = MEMORY + 0x400L * random.nextInt(20);
        return switch (id) {
            case 2 -> bytes(random.nextBoolean() ? 1L << 30 | 1L << 32 : random.nextLong());
            case 5 -> bytes(1, 0, address, (long) MEMORY_SIZE, address, 0x1000L * random.nextInt(2));
            case 8 -> bytes(ring, 1 << random.nextInt(9));
            case 9 -> bytes(ring, 0, address, address + 0x400, address + 0x800, 0L);
            case 10 -> bytes(ring, random.nextInt(0x10000));
            case 11 -> bytes(ring, random.nextInt());
            case 12, 13, 14 -> bytes((long) ring | (random.nextInt(3) == 0 ? 0x100 : 0));
            case 16 -> bytes(0x10009L);
            case 18 -> bytes(ring, random.nextInt(2));
            case 39 -> bytes((long) random.nextInt(256));
            default -> RequestSamples.payload(Request.of(id));
        };
    }
}
