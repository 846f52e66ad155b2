package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.vhost.bpf.Clang;
import io.vhost.net.InternetChecksum;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.program.ProgramObject;
import io.vhost.program.ProgramOptions;
import io.vhost.program.ProgramRefusedException;
import io.vhost.program.QueueProgram;
import io.vhost.queue.ControlException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** eBPF programs on the queues of a device. */
@Tag("peer") // clang
class EbpfProgramTest {
    private static final int HEADER = 12;
    private static final String HELPERS = """
            typedef unsigned short __u16;
            #define DATA(c) ((void *) (long) (c)->data)
            #define END(c) ((void *) (long) (c)->data_end)
            static void *(*lookup)(void *, const void *) = (void *) 1;
            static long (*redirect)(__u32, __u64) = (void *) 23;
            static long (*redirect_map)(void *, __u32, __u64) = (void *) 51;
            static long (*adjust_head)(struct xdp_md *, int) = (void *) 44;
            static long (*adjust_meta)(struct xdp_md *, int) = (void *) 54;
            static long (*adjust_tail)(struct xdp_md *, int) = (void *) 65;
            static long (*csum_diff)(void *, __u32, void *, __u32, __u32) = (void *) 28;
            """;

    @TempDir
    private Path folder;

    private final PacketPool pool = PacketPool.create(256, 2048 + PacketPool.DEFAULT_HEADROOM);
    private final Packet[] packets = new Packet[64];
    private final List<Integer> ports = new ArrayList<>();
    private TestGuest guest;
    private ProgramChain in;
    private ProgramChain out;

    @BeforeEach
    void start() throws ControlException {
        guest = new TestGuest(TestGuest.MODERN | Feature.mask(Feature.VIRTIO_NET_F_HOST_TSO4),
                TestGuest.RING, VhostConfig.builder().segmentation().build());
        guest.start();
        in = ProgramChain.fromGuest("vm0", 3, (port, sent, offset, count) -> {
            ports.add(port);
            pool.release(sent, offset, count);
            return count;
        });
        out = ProgramChain.toGuest("vm0", 3);
        guest.fromGuest().queue.programs(in);
        guest.toGuest().queue.programs(out);
    }

    @AfterEach
    void nothingIsLeft() {
        guest.close();
        assertEquals(0, pool.outstanding(), "packets that are missing");
        pool.close();
    }

    private ProgramObject load(String source, ProgramOptions options)
            throws IOException, InterruptedException, ProgramRefusedException {
        return ProgramObject.load(Clang.compile(folder, "program", HELPERS + source), options);
    }

    private ProgramObject load(String source)
            throws IOException, InterruptedException, ProgramRefusedException {
        return load(source, ProgramOptions.defaults());
    }

    private ProgramLink attach(String source)
            throws IOException, InterruptedException, ProgramRefusedException {
        return in.attach("program", load(source).program(""));
    }

    private void offer(byte[] header, byte[] payload) {
        byte[] frame = TestGuest.join(header, payload);
        guest.fromGuest().send(frame, frame.length);
    }

    private void offer(byte[] payload) {
        offer(new byte[HEADER], payload);
    }

    private int dequeue() {
        return guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 32);
    }

    private static byte[] bytes(Packet packet) {
        byte[] bytes = new byte[packet.length()];
        packet.copyTo(bytes, 0);
        return bytes;
    }

    private static byte[] first(int value) {
        byte[] bytes = TestGuest.pattern(60, value);
        bytes[0] = (byte) value;
        return bytes;
    }

    @Test
    void actionsOfXdpAreVerdicts() throws Exception {
        ProgramLink link = attach("""
                SEC("xdp") int program(struct xdp_md *ctx) {
                    unsigned char *data = DATA(ctx);
                    return data + 1 > (unsigned char *) END(ctx) ? 0 : data[0];
                }
                """);
        guest.toGuest().accept(0, 200);
        for (int action : new int[] {0, 1, 2, 3, 4, 5, 2}) {
            offer(first(action));
        }
        assertEquals(2, dequeue());
        assertArrayEquals(first(2), bytes(packets[0]));
        // 4 without a helper's help leads nowhere, 5 is no action.
        assertEquals(3, link.count(Verdict.ABORTED));
        QueueProgram program = (QueueProgram) link.program();
        assertEquals(3, program.aborted());
        assertTrue(program.lastAbort().orElseThrow().contains("XDP_ABORTED"), program.lastAbort()::get);
        assertEquals(1, link.count(Verdict.DROP));
        assertEquals(2, link.count(Verdict.PASS));
        guest.toGuest().assertUsed(0, HEADER + 60);
        pool.release(packets, 0, 2);
    }

    @Test
    void redirectsFindTheirPort() throws Exception {
        ProgramObject object = load("""
                struct { __uint(type, 14); __uint(max_entries, 4); __type(key, __u32); __type(value, __u32); }
                    ports SEC(".maps");
                SEC("xdp") int program(struct xdp_md *ctx) {
                    unsigned char *data = DATA(ctx);
                    if (data + 1 > (unsigned char *) END(ctx))
                        return 0;
                    return data[0] < 100 ? redirect(data[0], 0) : redirect_map(&ports, data[0] - 100, 1);
                }
                """);
        in.attach("program", object.program(""));
        object.map("ports").put(2L, 9L);
        for (int port : new int[] {7, 102, 7, 101, 200}) {
            offer(first(port));
        }
        assertEquals(0, dequeue());
        assertEquals(List.of(7, 9), ports);
        assertEquals(3, in.links().getFirst().count(Verdict.REDIRECT));
        // Without an entry the flags of the call say what becomes of it: dropped.
        assertEquals(2, in.links().getFirst().count(Verdict.DROP));
    }

    @Test
    void aContextSaysWhereAPacketComesFrom() throws Exception {
        String source = """
                SEC("xdp") int program(struct xdp_md *ctx) {
                    return ctx->ingress_ifindex == 3 && ctx->rx_queue_index == 0 ? 2 : 1;
                }
                """;
        in.attach("in", load(source).program(""));
        out.attach("out", load(source).program(""));
        offer(first(1));
        assertEquals(1, dequeue());
        guest.toGuest().accept(0, 200);
        assertEquals(1, guest.toGuest().queue.enqueueBurst(packets, 0, 1));
        guest.toGuest().assertUsed(0, HEADER + 60);
        packets[0].release();
    }

    @Test
    void aProgramForTheWayOutCannotRedirect() throws Exception {
        ProgramObject object = load("""
                SEC("xdp") int program(struct xdp_md *ctx) {
                    return redirect(1, 0);
                }
                """);
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> out.attach("program", object.program("")));
        assertTrue(e.getMessage().contains("redirects"), e.getMessage());
        assertEquals(List.of(), out.links());
    }

    /** Head and tail move in the packet's own room: 128 bytes in front, of which 40 stay the runtime's. */
    @ParameterizedTest
    @CsvSource({"-4, 0, true", "-88, 0, true", "-89, 0, false", "4, 10, true", "46, 0, true", "47, 0, false",
        "0, 1988, true", "0, 1989, false", "0, -46, true", "0, -47, false"})
    void endsMoveAsFarAsThePacketsRoomReaches(int head, int tail, boolean moves) throws Exception {
        attach("""
                SEC("xdp") int program(struct xdp_md *ctx) {
                    return adjust_head(ctx, %d) || adjust_tail(ctx, %d) ? 1 : 2;
                }
                """.formatted(head, tail));
        byte[] payload = TestGuest.pattern(60, 5);
        offer(payload);
        assertEquals(moves ? 1 : 0, dequeue());
        if (moves) {
            byte[] left = bytes(packets[0]);
            assertEquals(60 - head + tail, left.length);
            int common = Math.min(60, 60 + tail) - Math.max(0, head);
            assertEquals(ByteBuffer.wrap(payload, Math.max(0, head), common),
                    ByteBuffer.wrap(left, Math.max(0, -head), common));
            assertEquals(128 + head, packets[0].headroom());
            packets[0].release();
        }
    }

    private static final String METADATA = """
            struct net { unsigned char flags, gso; __u16 hdr_len, gso_size, start, offset, buffers; };
            SEC("xdp") int program(struct xdp_md *ctx) {
                struct net *net = (void *) (long) ctx->data_meta;
                if ((void *) (net + 1) > DATA(ctx))
                    return 0;
                %s
            }
            """;

    @Test
    void metadataIsTheVirtioNetHeader() throws Exception {
        attach(METADATA.formatted("""
                    if (net->flags != 1 || net->gso != 1 || net->hdr_len != 54 || net->gso_size != 500
                        || net->start != 34 || net->offset != 16 || net->buffers)
                        return 1;
                    net->gso_size = 700;
                    return 2;
                """));
        byte[] header = header(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 54, 500, 34, 16);
        offer(header, tcp("10.0.0.1", "10.0.0.2", 1000, 80, 1000));
        offer(new byte[HEADER], tcp("10.0.0.1", "10.0.0.2", 1000, 80, 1000));
        assertEquals(1, dequeue());
        assertEquals(700, packets[0].gsoSize());
        assertEquals(NetHeader.GSO_TCPV4, packets[0].gsoType());
        packets[0].release();
    }

    @Test
    void metadataThatCannotBeCarriedOutIsAborted() throws Exception {
        ProgramLink link = attach(METADATA.formatted("""
                    net->flags = 1;
                    net->start = 60;
                    return 2;
                """));
        offer(first(1));
        assertEquals(0, dequeue());
        assertEquals(1, link.count(Verdict.ABORTED));
        assertTrue(((QueueProgram) link.program()).lastAbort().orElseThrow().contains("virtio-net header"));
    }

    /** The metadata goes with the head, and the fields that the program left alone with the bytes. */
    @Test
    void metadataMovesWithTheHead() throws Exception {
        attach("""
                SEC("xdp") int program(struct xdp_md *ctx) {
                    if (adjust_head(ctx, -8) || adjust_meta(ctx, -4))
                        return 1;
                    void *meta = (void *) (long) ctx->data_meta;
                    if (meta + 16 > DATA(ctx) || meta + 17 <= DATA(ctx))
                        return 1;
                    return ((unsigned char *) meta)[4] == 1 ? 2 : 1;
                }
                """);
        offer(header(NetHeader.NEEDS_CHECKSUM, 0, 0, 0, 34, 16), tcp("10.0.0.1", "10.0.0.2", 1000, 80, 100));
        assertEquals(1, dequeue());
        assertEquals(42, packets[0].checksumStart());
        packets[0].release();
    }

    private static byte[] header(int flags, int gso, int length, int size, int start, int offset) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment header = arena.allocate(HEADER, 8);
            long word = NetHeader.offload(flags, gso, length, size, start);
            NetHeader.update(header, 0, HEADER, word, offset, 0);
            return header.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** A TCP segment whose checksum is left to the device: the sum of the pseudo-header is in its place. */
    private static byte[] tcp(String from, String to, int source, int target, int payload) {
        ByteBuffer packet = ByteBuffer.allocate(54 + payload);
        packet.put(12, (byte) 8).put(14, (byte) 0x45).putShort(16, (short) (40 + payload));
        packet.put(22, (byte) 64).put(23, (byte) 6);
        packet.put(26, address(from)).put(30, address(to));
        packet.putShort(34, (short) source).putShort(36, (short) target).put(46, (byte) 0x50);
        for (int i = 54; i < 54 + payload; i++) {
            packet.put(i, (byte) (i * 7));
        }
        packet.putShort(24, (short) ~sum(packet, 14, 20));
        packet.putShort(50, (short) pseudo(packet, 14));
        return packet.array();
    }

    private static byte[] address(String text) {
        ByteBuffer bytes = ByteBuffer.allocate(4);
        for (String part : text.split("\\.")) {
            bytes.put((byte) Integer.parseInt(part));
        }
        return bytes.array();
    }

    private static int sum(ByteBuffer packet, int from, int count) {
        int sum = 0;
        for (int i = 0; i < count; i++) {
            int octet = packet.get(from + i) & 0xFF;
            sum += i % 2 == 0 ? octet << 8 : octet;
            sum = (sum & 0xFFFF) + (sum >>> 16);
        }
        return sum;
    }

    private static int pseudo(ByteBuffer packet, int ip) {
        int length = (packet.getShort(ip + 2) & 0xFFFF) - 20;
        int sum = sum(packet, ip + 12, 8) + 6 + length;
        sum = (sum & 0xFFFF) + (sum >>> 16);
        return (sum & 0xFFFF) + (sum >>> 16);
    }

    /** The receiver's view: the checksum over pseudo-header, header and data comes out even. */
    private static void assertTcpChecksum(byte[] packet, int ip) {
        ByteBuffer buffer = ByteBuffer.wrap(packet);
        int length = (buffer.getShort(ip + 2) & 0xFFFF) - 20;
        int sum = pseudo(buffer, ip) + sum(buffer, ip + 20, length);
        assertEquals(0xFFFF, (sum & 0xFFFF) + (sum >>> 16), HexFormat.of().formatHex(packet));
    }

    /** What NATs do: addresses and ports are rewritten, and the checksum by the difference. */
    private static final String NAT = """
            SEC("xdp") int program(struct xdp_md *ctx) {
                unsigned char *p = DATA(ctx);
                if (p + 54 > (unsigned char *) END(ctx))
                    return 1;
                __u32 old[2] = {*(__u32 *) (p + 30), *(__u32 *) (p + 34)};
                __u32 new[2] = {__builtin_bswap32(0xC0A80163), old[1] ^ 0x1234};
                *(__u32 *) (p + 30) = new[0];
                *(__u32 *) (p + 34) = new[1];
                long sum = csum_diff(old, 8, new, 8, (__u16) ~*(__u16 *) (p + 50));
                sum = (sum & 0xffff) + (sum >> 16);
                sum = (sum & 0xffff) + (sum >> 16);
                *(__u16 *) (p + 50) = ~sum;
                return 2;
            }
            """;

    @Test
    void aChecksumThatIsStillToBeComputedSurvivesRewriting() throws Exception {
        attach(NAT);
        offer(header(NetHeader.NEEDS_CHECKSUM, 0, 0, 0, 34, 16), tcp("10.0.0.1", "10.0.0.2", 1000, 80, 333));
        // The same with the checksum complete, which the program's own arithmetic keeps right.
        byte[] complete = tcp("10.0.0.1", "10.0.0.2", 1000, 80, 333);
        ByteBuffer.wrap(complete).putShort(50, (short) ~sum(ByteBuffer.wrap(complete), 34, 353));
        assertTcpChecksum(complete, 14);
        offer(complete);
        assertEquals(2, dequeue());
        assertTrue(packets[0].needsChecksum());
        assertTrue(InternetChecksum.complete(packets[0]));
        for (int i = 0; i < 2; i++) {
            assertTcpChecksum(bytes(packets[i]), 14);
        }
        assertArrayEquals(bytes(packets[0]), bytes(packets[1]));
        pool.release(packets, 0, 2);
    }

    @Test
    void aSegmentToBeCutKeepsItsPseudoHeader() throws Exception {
        attach(NAT);
        offer(header(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 54, 500, 34, 16),
                tcp("10.0.0.1", "10.0.0.2", 1000, 80, 1500));
        assertEquals(1, dequeue());
        ByteBuffer left = ByteBuffer.wrap(bytes(packets[0]));
        assertEquals(pseudo(left, 14), left.getShort(50) & 0xFFFF);
        assertEquals(500, packets[0].gsoSize());
        packets[0].release();
    }

    @Test
    void anInnerChecksumSurvivesEncapsulation() throws Exception {
        attach("""
                SEC("xdp") int program(struct xdp_md *ctx) {
                    if (adjust_head(ctx, -20))
                        return 1;
                    unsigned char *p = DATA(ctx);
                    if (p + 54 > (unsigned char *) END(ctx))
                        return 1;
                    for (int i = 0; i < 14; i++)
                        p[i] = p[i + 20];
                    p[14] = 0x45;
                    p[23] = 4;
                    return 2;
                }
                """);
        offer(header(NetHeader.NEEDS_CHECKSUM, 0, 0, 0, 34, 16), tcp("10.0.0.1", "10.0.0.2", 1000, 80, 100));
        assertEquals(1, dequeue());
        assertEquals(54, packets[0].checksumStart());
        assertTrue(InternetChecksum.complete(packets[0]));
        assertTcpChecksum(bytes(packets[0]), 34);
        packets[0].release();
    }

    @Test
    void whatIsNoLongerThePacketAsksForNoChecksum() throws Exception {
        attach("""
                SEC("xdp") int program(struct xdp_md *ctx) {
                    unsigned char *p = DATA(ctx);
                    if (p + 54 > (unsigned char *) END(ctx))
                        return 1;
                    p[23] = 1;
                    p[50] = 0xAA;
                    p[51] = 0xBB;
                    return 2;
                }
                """);
        offer(header(NetHeader.NEEDS_CHECKSUM, 0, 0, 0, 34, 16), tcp("10.0.0.1", "10.0.0.2", 1000, 80, 100));
        assertEquals(1, dequeue());
        assertEquals(0, packets[0].offload());
        assertEquals(0xAABB, packets[0].networkShortAt(50));
        packets[0].release();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aProgramThatOnlyReadsLeavesAllAsItIs(boolean writes) throws Exception {
        attach("""
                SEC("xdp") int program(struct xdp_md *ctx) {
                    unsigned char *p = DATA(ctx);
                    if (p + 54 > (unsigned char *) END(ctx))
                        return 1;
                    %s
                    return p[23] == 6 ? 2 : 1;
                }
                """.formatted(writes ? "p[54 - 1] = 1;" : ""));
        // A checksum of which nothing is right, as a hostile guest may leave it.
        byte[] packet = tcp("10.0.0.1", "10.0.0.2", 1000, 80, 100);
        packet[50] ^= 0x55;
        offer(header(NetHeader.NEEDS_CHECKSUM, 0, 0, 0, 34, 16), packet);
        assertEquals(1, dequeue());
        assertEquals(!writes, packets[0].byteAt(50) == (packet[50] & 0xFF));
        packets[0].release();
    }

    @Test
    void programsOfTcDecideInBothDirections() throws Exception {
        String source = """
                SEC("tc") int program(struct __sk_buff *skb) {
                    if (skb->len != 60 || skb->protocol != 0x0608 || skb->queue_mapping || skb->mark)
                        return 2;
                    skb->mark = 5;
                    return %d;
                }
                """;
        byte[] arp = TestGuest.pattern(60, 1);
        arp[12] = 8;
        arp[13] = 6;
        int[] passing = {-1, 0, 1, 3, 6};
        int[] dropping = {2, 4, 5, 8};
        for (int action : passing) {
            ProgramLink link = attach(source.formatted(action));
            offer(arp);
            assertEquals(1, dequeue(), "TC action " + action);
            packets[0].release();
            in.detach(link);
        }
        for (int action : dropping) {
            ProgramLink link = out.attach("program", load(source.formatted(action)).program("tc"));
            assertEquals(1, pool.take(packets, 0, 1));
            packets[0].copyFrom(arp, 0, 60);
            guest.toGuest().accept(0, 200);
            assertEquals(1, guest.toGuest().queue.enqueueBurst(packets, 0, 1), "TC action " + action);
            assertEquals(1, link.count(Verdict.DROP));
            packets[0].release();
            out.detach(link);
        }
        assertEquals(-1, guest.toGuest().ring.poll());
    }

    @Test
    void aProgramWithoutEndIsAbortedWhereLoopsAreAccepted() throws Exception {
        String endless = """
                SEC("xdp") int program(struct xdp_md *ctx) {
                    unsigned char *p = DATA(ctx);
                    if (p + 1 > (unsigned char *) END(ctx))
                        return 1;
                    volatile int i = 0;
                    while (*p == 1)
                        i++;
                    return 2;
                }
                """;
        assertThrows(ProgramRefusedException.class, () -> load(endless));
        ProgramObject object = load(endless, ProgramOptions.defaults().budgeted(1000));
        ProgramLink link = in.attach("program", object.program(""));
        for (int i = 0; i < 4; i++) {
            offer(first(i));
        }
        assertEquals(3, dequeue());
        assertEquals(1, link.count(Verdict.ABORTED));
        QueueProgram program = (QueueProgram) link.program();
        assertEquals(1, program.aborted());
        assertTrue(program.lastAbort().orElseThrow().contains("budget"), program.lastAbort()::get);
        pool.release(packets, 0, 3);
    }

    @Test
    void mapsAreReadAndFilledWhileProgramsRun() throws Exception {
        ProgramObject object = load("""
                struct flow { __u32 address; __u16 port; unsigned char mac[6]; };
                struct count { __u64 packets; __u32 last; };
                struct { __uint(type, 1); __uint(max_entries, 2); __type(key, struct flow);
                    __type(value, struct count); } flows SEC(".maps");
                struct { __uint(type, 6); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); }
                    total SEC(".maps");
                SEC("xdp") int program(struct xdp_md *ctx) {
                    __u32 zero = 0;
                    __u64 *all = lookup(&total, &zero);
                    if (all)
                        (*all)++;
                    struct flow flow = {__builtin_bswap32(0x0A000001), 53, {2, 0, 0, 0, 0, 9}};
                    struct count *count = lookup(&flows, &flow);
                    if (!count)
                        return 1;
                    count->packets++;
                    return 2;
                }
                """, ProgramOptions.defaults().threads(3));
        in.attach("program", object.program("xdp"));
        offer(first(1));
        assertEquals(0, dequeue());
        Map<String, Object> key = Map.of("address", "10.0.0.1", "port", 53L, "mac", "02:00:00:00:00:09");
        object.map("flows").put(key, Map.of("packets", 40L));
        offer(first(1));
        assertEquals(1, dequeue());
        packets[0].release();
        assertEquals(Optional.of(Map.of("packets", 41L, "last", 0L)), object.map("flows").get(key));
        assertEquals(1, object.map("flows").entries(10).size());
        long sum = ((List<?>) object.map("total").get(0L).orElseThrow()).stream()
                .mapToLong(value -> (Long) value).sum();
        assertEquals(2, sum);
        assertEquals(3, object.map("total").entries(10).getFirst().values().size());
        assertTrue(object.map("flows").remove(key));
        assertFalse(object.map("flows").remove(key));
        assertThrows(IllegalArgumentException.class,
                () -> object.map("flows").put(Map.of("nothing", 1L), 1L));
        assertThrows(IllegalArgumentException.class,
                () -> object.map("flows").put(Map.of("port", 65_536L), Map.of("packets", 1L)));
        assertThrows(IllegalStateException.class, () -> {
            for (long port = 0; port < 3; port++) {
                object.map("flows").put(Map.of("port", port), Map.of("packets", 1L));
            }
        });
        assertThrows(IllegalArgumentException.class, () -> object.map("others"));
        assertThrows(IllegalArgumentException.class, () -> object.program("others"));
    }

    @Test
    void flightRecorderIsToldOfLoadAttachAndAbort() throws Exception {
        List<String> seen = new ArrayList<>();
        try (Recording recording = new Recording()) {
            List.of("Load", "Attach", "Abort").forEach(name -> recording.enable("io.vhost.Program" + name));
            recording.start();
            attach("""
                    SEC("xdp") int program(struct xdp_md *ctx) {
                        return 0;
                    }
                    """);
            offer(first(1));
            assertEquals(0, dequeue());
            recording.stop();
            Path file = folder.resolve("recording.jfr");
            recording.dump(file);
            for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
                seen.add(event.getEventType().getName());
            }
        }
        assertTrue(seen.containsAll(
                List.of("io.vhost.ProgramLoad", "io.vhost.ProgramAttach", "io.vhost.ProgramAbort")),
                seen::toString);
    }

    private static final String COUNTER = """
            struct { __uint(type, %d); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); }
                %s SEC(".maps");
            __u64 variable;
            SEC("xdp") int program(struct xdp_md *ctx) {
                __u32 zero = 0;
                __u64 *count = lookup(&%s, &zero);
                if (count)
                    (*count) += %d;
                variable++;
                return 2;
            }
            """;

    @Test
    void aSuccessorGoesOnWithTheMaps() throws Exception {
        ProgramObject object = load(COUNTER.formatted(2, "total", "total", 1));
        ProgramLink link = in.attach("program", object.program(""));
        offer(first(1));
        assertEquals(1, dequeue());
        packets[0].release();
        Path next = Clang.compile(folder, "next", HELPERS + COUNTER.formatted(2, "total", "total", 10));
        ProgramObject successor = object.successor(next, ProgramOptions.defaults());
        link.replace(successor.program(""));
        offer(first(1));
        assertEquals(1, dequeue());
        packets[0].release();
        assertEquals(Optional.of(11L), successor.map("total").get(0L));
        assertEquals(Optional.of(11L), object.map("total").get(0L));
        assertEquals(Optional.of(Map.of("variable", 1L)), successor.map(".bss").get(0L));
        assertThrows(IllegalArgumentException.class,
                () -> object.successor(next, ProgramOptions.defaults().threads(77)));
        for (String source : List.of(COUNTER.formatted(2, "other", "other", 1),
                COUNTER.formatted(1, "total", "total", 1))) {
            Path other = Clang.compile(folder, "other", HELPERS + source);
            ProgramRefusedException e = assertThrows(ProgramRefusedException.class,
                    () -> object.successor(other, ProgramOptions.defaults()));
            assertTrue(e.getMessage().contains("map total"), e.getMessage());
        }
    }

    /** Nothing is allocated for a packet, whatever becomes of it. */
    @Test
    void programsAllocateNothing() throws Exception {
        attach("""
                SEC("xdp") int program(struct xdp_md *ctx) {
                    unsigned char *p = DATA(ctx);
                    if (p + 14 > (unsigned char *) END(ctx) || adjust_head(ctx, -4))
                        return 1;
                    return 2;
                }
                """);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        // Not before HotSpot has compiled it: that may take a while on a busy machine.
        for (int round = 0; round < 300_000 && least > 0; round++) {
            for (int i = 0; i < 32; i++) {
                guest.fromGuest().sendAt(TestGuest.BUFFERS, new byte[72], 72);
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            // Bursts are small while the program is interpreted, and slow.
            int taken = 0;
            while (taken < 32) {
                taken += guest.fromGuest().queue.dequeueBurst(pool, packets, taken, 32 - taken);
            }
            pool.release(packets, 0, taken);
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            while (guest.fromGuest().ring.poll() >= 0) {
                // The guest takes its buffers back.
            }
        }
        assertEquals(0, least);
    }
}
