package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.Clang;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.program.ProgramObject;
import io.vhost.queue.ControlException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Checksums left to the device, and programs that cut or move what they are of. */
@Tag("peer") // clang
class EbpfOffloadTest {
    private static final int HEADER = 12;
    private static final String HELPERS = """
            typedef unsigned short __u16;
            static long (*adjust_head)(struct xdp_md *, int) = (void *) 44;
            static long (*adjust_meta)(struct xdp_md *, int) = (void *) 54;
            static long (*adjust_tail)(struct xdp_md *, int) = (void *) 65;
            """;

    @TempDir
    private Path folder;

    private final PacketPool pool = PacketPool.create(64, 2048 + PacketPool.DEFAULT_HEADROOM);
    private final Packet[] packets = new Packet[64];
    private TestGuest guest;
    private ProgramChain in;

    @BeforeEach
    void start() throws ControlException {
        guest = new TestGuest(TestGuest.MODERN | Feature.mask(Feature.VIRTIO_NET_F_HOST_TSO4),
                TestGuest.RING, VhostConfig.builder().segmentation().build());
        guest.start();
        in = ProgramChain.fromGuest("vm0", 1, PacketPorts.NONE);
        guest.fromGuest().queue.programs(in);
    }

    @AfterEach
    void nothingIsLeft() {
        guest.close();
        assertEquals(0, pool.outstanding(), "packets that are missing");
        pool.close();
    }

    private ProgramLink attach(String body) throws Exception {
        return in.attach("program", ProgramObject.load(Clang.compile(folder, "program", HELPERS
                + "SEC(\"xdp\") int program(struct xdp_md *ctx) {" + body + "}")).program(""));
    }

    private void offer(int gso, int gsoSize, int headers, int start, int offset, byte[] payload) {
        byte[] header;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment native12 = arena.allocate(HEADER, 8);
            long word = NetHeader.offload(NetHeader.NEEDS_CHECKSUM, gso, headers, gsoSize, start);
            NetHeader.update(native12, 0, HEADER, word, offset, 0);
            header = native12.toArray(ValueLayout.JAVA_BYTE);
        }
        byte[] frame = TestGuest.join(header, payload);
        guest.fromGuest().send(frame, frame.length);
    }

    private static byte[] tcp4(int payload) {
        ByteBuffer packet = ByteBuffer.allocate(54 + payload);
        packet.put(12, (byte) 8).put(14, (byte) 0x45).putShort(16, (short) (40 + payload));
        packet.put(22, (byte) 64).put(23, (byte) 6).putInt(26, 0x0A000001).putInt(30, 0x0A000002);
        packet.put(46, (byte) 0x50);
        return packet.array();
    }

    /** TCP on IPv6 behind one extension header of 8 bytes or so. */
    private static byte[] tcp6(int extension, byte... rest) {
        ByteBuffer packet = ByteBuffer.allocate(14 + 40 + 8 * (rest[0] + 1) + 20 + 10);
        packet.putShort(12, (short) 0x86DD).put(14, (byte) 0x60);
        packet.putShort(18, (short) (packet.capacity() - 54)).put(20, (byte) extension);
        packet.put(22, (byte) 0x20).put(37, (byte) 1).put(38, (byte) 0x20).put(53, (byte) 2);
        packet.put(54, (byte) 6);
        packet.put(55, rest);
        return packet.array();
    }

    private int dequeue() {
        return guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 32);
    }

    /** One packet that is cut short does not take those before it with it, whatever is left of it. */
    @ParameterizedTest
    @ValueSource(ints = {14, 20, 33, 34, 35, 49, 50, 51, 52, 53})
    void aPacketIsCutInFrontOfItsChecksum(int length) throws Exception {
        ProgramLink link = attach("""
                void *data = (void *) (long) ctx->data, *end = (void *) (long) ctx->data_end;
                if (data + 14 > end || adjust_tail(ctx, %d - (int) (end - data)))
                    return 1;
                return 2;
                """.formatted(length));
        for (int i = 0; i < 3; i++) {
            offer(0, 0, 0, 34, 16, tcp4(100));
        }
        assertEquals(3, dequeue());
        assertEquals(0, link.failures());
        for (int i = 0; i < 3; i++) {
            assertEquals(length, packets[i].length());
            assertTrue(NetHeader.isPlausible(packets[i].offload(), packets[i].checksumOffset(), length));
            assertEquals(length >= 52, packets[i].needsChecksum(), "a checksum that is not there any more");
        }
        pool.release(packets, 0, 3);
    }

    /** What is to be cut later and has lost its payload cannot be cut any more. */
    @Test
    void aSegmentThatLostItsPayloadIsNoSegment() throws Exception {
        attach("""
                return adjust_tail(ctx, -1000) ? 1 : 2;
                """);
        offer(NetHeader.GSO_TCPV4, 500, 54, 34, 16, tcp4(1000));
        assertEquals(1, dequeue());
        assertTrue(NetHeader.isPlausible(packets[0].offload(), packets[0].checksumOffset(),
                packets[0].length()), packets[0]::toString);
        packets[0].release();
    }

    /** The destination of a checksum is the last one of a route (RFC 8200, section 8.1), not the next one. */
    @Test
    void aRouteThatIsUnderWayIsLeftAlone() throws Exception {
        attach("""
                unsigned char *p = (void *) (long) ctx->data;
                if (p + 22 > (unsigned char *) (long) ctx->data_end)
                    return 1;
                p[21]--;
                return 2;
                """);
        byte[] route = new byte[] {2, 4, 1, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
        byte[] packet = tcp6(43, route);
        packet[54 + 24 + 16] = 0x12;
        packet[54 + 24 + 17] = 0x34;
        offer(0, 0, 0, 54 + 24, 16, packet);
        assertEquals(1, dequeue());
        assertTrue(packets[0].needsChecksum());
        assertEquals(0x1234, packets[0].networkShortAt(54 + 24 + 16));
        packets[0].release();
    }

    /** Of a route that has ended, and of other extension headers, the destination is what the header says. */
    @ParameterizedTest
    @ValueSource(ints = {0, 43, 60})
    void extensionHeadersArePassed(int extension) throws Exception {
        attach("""
                unsigned char *p = (void *) (long) ctx->data;
                if (p + 54 > (unsigned char *) (long) ctx->data_end)
                    return 1;
                p[53]++;
                return 2;
                """);
        byte[] packet = tcp6(extension, new byte[] {0, 0, 0, 0, 0, 0, 0});
        offer(0, 0, 0, 62, 16, packet);
        assertEquals(1, dequeue());
        assertTrue(packets[0].needsChecksum());
        // 2001 is not there: 0x2000 twice, 1 and 3, the length and the protocol.
        assertEquals(0x2000 + 1 + 0x2000 + 3 + 30 + 6, packets[0].networkShortAt(62 + 16));
        packets[0].release();
    }

    /** Fields of the header that a program left alone go on naming the same bytes when the head moves. */
    @Test
    void aHeadThatMovesTakesAlongWhatIsNotWritten() throws Exception {
        attach("""
                if (adjust_head(ctx, -8))
                    return 1;
                unsigned char *meta = (void *) (long) ctx->data_meta;
                if (meta + 12 > (unsigned char *) (long) ctx->data)
                    return 1;
                *(__u16 *) (meta + 4) = 700;
                return 2;
                """);
        offer(NetHeader.GSO_TCPV4, 500, 54, 34, 16, tcp4(1000));
        assertEquals(1, dequeue());
        assertEquals(700, packets[0].gsoSize());
        assertEquals(42, packets[0].checksumStart());
        assertEquals(62, packets[0].headerLength());
        assertTrue(packets[0].needsChecksum());
        packets[0].release();
    }

    /** Offload words of a hostile guest meet a program that writes and cuts: it fails on none. */
    @Test
    void hostileOffloadsNeverMakeAProgramFail() throws Exception {
        ProgramLink link = attach("""
                unsigned char *p = (void *) (long) ctx->data;
                unsigned char *end = (void *) (long) ctx->data_end;
                if (p + 16 > end)
                    return 2;
                p[1] = p[14];
                if (p[2] & 1)
                    adjust_tail(ctx, p[0] - 128);
                return 2;
                """);
        Random random = new Random(16);
        int passed = 0;
        for (int round = 0; round < 3000; round++) {
            byte[] packet = switch (random.nextInt(4)) {
                case 0 -> tcp4(random.nextInt(100));
                case 1 -> tcp6(random.nextBoolean() ? 0 : 43, new byte[] {0, 0, 0, 0, 0, 0, 0});
                case 2 -> Arrays.copyOf(tcp4(20), 1 + random.nextInt(74));
                default -> new byte[1 + random.nextInt(100)];
            };
            for (int i = random.nextInt(4); i > 0; i--) {
                packet[random.nextInt(packet.length)] = (byte) random.nextInt();
            }
            packet[0] = (byte) random.nextInt();
            int start = random.nextInt(5) == 0 ? random.nextInt(0x10000) : random.nextInt(80);
            int offset = random.nextBoolean() ? 16 : random.nextBoolean() ? 6 : random.nextInt(100);
            int gso = random.nextInt(3) == 0 ? NetHeader.GSO_TCPV4 : 0;
            offer(gso, random.nextInt(600), random.nextInt(80), start, offset, packet);
            int count = dequeue();
            for (int i = 0; i < count; i++) {
                passed++;
                assertTrue(NetHeader.isPlausible(packets[i].offload(), packets[i].checksumOffset(),
                        packets[i].length()), packets[i]::toString);
                packets[i].release();
            }
            while (guest.fromGuest().ring.poll() >= 0) {
                // The guest takes its buffers back.
            }
        }
        assertEquals(0, link.failures());
        assertFalse(passed == 0);
    }
}
