package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.Clang;
import io.vhost.bpf.load.MixedPackets;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.peer.Peers;
import io.vhost.program.ProgramObject;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same object, attached by Linux to one end of a veth pair and here to a queue, does the same to the same
 * packets: what passes and what is sent back agrees byte by byte. {@code -Dpackets} for more of them.
 */
@Tag("peer")
class VethTest {
    private static final int PACKETS = Integer.getInteger("packets", 2_500);
    private static final int HEADER = 12;
    private static final int LEAST_TAGGED = 20;
    private static final int AREA = 2048;
    private static final long USER = ProcessHandle.current().pid() % 1_000_000;
    private static final String SENDER = "vs" + USER;
    private static final String RECEIVER = "vr" + USER;

    @TempDir
    private Path folder;

    /** What came out, in order. */
    private record Result(List<String> passed, List<String> back) {}

    @BeforeEach
    void pair() throws IOException, InterruptedException {
        Peers.require("ip");
        Peers.require("python3");
        Clang.run("ip", "link", "add", SENDER, "type", "veth", "peer", "name", RECEIVER);
        for (String end : List.of(SENDER, RECEIVER)) {
            // The kernel's own packets would come among the others.
            Files.writeString(Path.of("/proc/sys/net/ipv6/conf", end, "disable_ipv6"), "1");
            Clang.run("ip", "link", "set", end, "arp", "off", "up");
        }
    }

    @AfterEach
    void removed() throws IOException, InterruptedException {
        Clang.run("ip", "link", "del", SENDER);
    }

    @ParameterizedTest
    @ValueSource(strings = {"vlan", "ipip", "dhcp", "ratelimit"})
    void aVethPairAndAQueueAgree(String program) throws Exception {
        Path object = Clang.program(folder, program);
        Clang.run("ip", "link", "set", "dev", RECEIVER, "xdpgeneric", "obj", object.toString(), "sec", "xdp");
        MixedPackets mixed = new MixedPackets(new SplittableRandom(11));
        List<byte[]> packets = new ArrayList<>();
        for (int i = 0; i < PACKETS; i++) {
            packets.add(mixed.next());
        }
        Result theirs = veth(packets);
        Result ours = queue(object, packets);
        List<String> more = new ArrayList<>(ours.passed());
        theirs.passed().forEach(more::remove);
        List<String> moreBack = new ArrayList<>(ours.back());
        theirs.back().forEach(moreBack::remove);
        assertEquals(theirs, ours, () -> "here alone passed " + more + ", and was sent back " + moreBack);
        assertTrue(theirs.passed().size() + theirs.back().size() > PACKETS / 50, "nearly nothing came out");
    }

    /** Behind the program Linux takes a tag out, and drops a frame that is cut off there. */
    private static void add(List<String> frames, byte[] frame) {
        int type = ByteBuffer.wrap(frame).getShort(12) & 0xFFFF;
        if (frame.length >= LEAST_TAGGED || (type != 0x8100 && type != 0x88A8)) {
            frames.add(HexFormat.of().formatHex(frame));
        }
    }

    private Result veth(List<byte[]> packets) throws IOException, InterruptedException {
        ByteArrayOutputStream frames = new ByteArrayOutputStream();
        try (DataOutputStream data = new DataOutputStream(frames)) {
            for (byte[] packet : packets) {
                data.writeShort(packet.length);
                data.write(packet);
            }
        }
        Path in = Files.write(folder.resolve("frames"), frames.toByteArray());
        Path out = folder.resolve("out");
        Clang.run("python3", Path.of("src", "test", "resources", "peer", "veth.py").toString(), in.toString(),
                out.toString(), SENDER, RECEIVER);
        Result result = new Result(new ArrayList<>(), new ArrayList<>());
        ByteBuffer records = ByteBuffer.wrap(Files.readAllBytes(out));
        while (records.hasRemaining()) {
            boolean passed = records.get() == 'r';
            byte[] frame = new byte[records.getShort() & 0xFFFF];
            records.get(frame);
            (passed ? result.passed() : result.back()).add(HexFormat.of().formatHex(frame));
        }
        return result;
    }

    private static Result queue(Path object, List<byte[]> packets) throws Exception {
        Result result = new Result(new ArrayList<>(), new ArrayList<>());
        PacketPool pool = PacketPool.create(64, 256 + 4096);
        Packet[] burst = new Packet[32];
        try (TestGuest guest = TestGuest.running(TestGuest.MODERN); pool) {
            ProgramChain chain = ProgramChain.fromGuest("queue", 1, PacketPorts.NONE);
            chain.attach("program", ProgramObject.load(object).program("xdp"));
            guest.fromGuest().queue.programs(chain);
            for (int i = 0; i < packets.size(); i++) {
                if (i == 0 || collect(guest, result)) {
                    guest.toGuest().acceptAt(TestGuest.BUFFERS, 0, AREA);
                }
                byte[] frame = TestGuest.join(new byte[HEADER], packets.get(i));
                guest.fromGuest().sendAt(TestGuest.BUFFERS + AREA, frame, frame.length);
                if (guest.fromGuest().queue.dequeueBurst(pool, burst, 0, 1) == 1) {
                    byte[] bytes = new byte[burst[0].length()];
                    burst[0].copyTo(bytes, 0);
                    add(result.passed(), bytes);
                    burst[0].release();
                }
                guest.fromGuest().ring.poll();
            }
            collect(guest, result);
        }
        return result;
    }

    /** The guest takes what was sent back to it; whether it needs a buffer again. */
    private static boolean collect(TestGuest guest, Result result) {
        int token = guest.toGuest().ring.poll();
        if (token >= 0) {
            int length = guest.toGuest().ring.usedLength() - HEADER;
            byte[] bytes = guest.bytes(TestGuest.BUFFERS + HEADER, length);
            add(result.back(), bytes);
        }
        return token >= 0;
    }
}
