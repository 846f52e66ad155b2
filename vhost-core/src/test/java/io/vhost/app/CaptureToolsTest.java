package io.vhost.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.cli.EndSignal;
import io.vhost.bpf.Clang;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Peers;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What Wireshark's relatives make of captures: of files, a ring of them, a live pipe, and by extcap. */
@Tag("peer")
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CaptureToolsTest {
    private static final int UDP_CHECKSUM = 34 + 6;

    @TempDir
    private Path directory;
    private Path socket;
    private Path file;

    @BeforeEach
    void needs() {
        Peers.require("tshark", "capinfos");
        socket = directory.resolve("a.sock");
        file = directory.resolve("a.pcapng");
    }

    /** Runs {@code forward} with these words while something is done. */
    private CommandRun forward(Work work, String... words) throws Exception {
        List<String> all = new ArrayList<>(List.of("forward", "--socket-path", socket.toString(), "--quiet"));
        all.addAll(List.of(words));
        EndSignal end = new EndSignal();
        AtomicReference<CommandRun> run = new AtomicReference<>();
        Thread thread = Thread.ofPlatform().start(
                () -> run.set(CommandRun.of(end, all.toArray(String[]::new))));
        try {
            MainProcess.awaitListening(socket);
            try (VirtioUser driver = VirtioUser.connect(socket, DriverConfig.defaults())) {
                work.with(driver);
            }
        } finally {
            end.raise();
            thread.join();
        }
        return run.get();
    }

    private interface Work {
        void with(VirtioUser driver) throws Exception;
    }

    /** A datagram; its checksum is right, or left to the device. */
    private static byte[] datagram(int port, boolean complete) {
        ByteBuffer packet = ByteBuffer.allocate(60);
        packet.put(0, new byte[] {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}).put(12, (byte) 8).put(14, (byte) 0x45);
        packet.putShort(16, (short) 46).put(22, (byte) 64).put(23, (byte) 17).putInt(26, 0x0A000001)
                .putInt(30, 0x0A000002).putShort(34, (short) 1234).putShort(36, (short) port)
                .putShort(38, (short) 26);
        packet.putShort(24, (short) ~sum(packet, 14, 34, 0));
        int pseudo = sum(packet, 26, 34, 17 + 26);
        int whole = sum(packet, 34, 60, pseudo);
        packet.putShort(UDP_CHECKSUM, (short) (complete ? ~whole : pseudo));
        return packet.array();
    }

    private static int sum(ByteBuffer packet, int from, int to, int begin) {
        int sum = begin;
        for (int at = from; at < to; at += 2) {
            sum += packet.getShort(at) & 0xFFFF;
            sum = (sum & 0xFFFF) + (sum >>> 16);
        }
        return sum;
    }

    private static void send(VirtioUser driver, boolean complete, int... ports) {
        Packet[] packets = new Packet[ports.length];
        assertEquals(ports.length, driver.pool().take(packets, 0, ports.length));
        for (int i = 0; i < ports.length; i++) {
            packets[i].copyFrom(datagram(ports[i], complete), 0, 60);
            if (!complete) {
                packets[i].requestChecksum(34, 6);
            }
        }
        assertEquals(ports.length, driver.transmitBurst(0, packets, 0, ports.length));
        Packet[] one = new Packet[1];
        int[] back = new int[1];
        Await.until("packets", () -> {
            while (driver.receiveBurst(0, one, 0, 1) == 1) {
                one[0].release();
                back[0]++;
            }
            return back[0] == ports.length;
        });
    }

    /** Standard output of a command that succeeds. */
    private static String output(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), () -> command + "\n" + text);
        return text;
    }

    private static List<String> fields(Path file, String... names) throws Exception {
        List<String> command = new ArrayList<>(List.of("tshark", "-r", file.toString(), "-T", "fields",
                "-E", "separator=|", "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"));
        for (String name : names) {
            command.addAll(List.of("-e", name));
        }
        return output(command).lines().toList();
    }

    private static String packets(Path file) throws Exception {
        return output(List.of("capinfos", "-c", "-M", "-r", "-T", file.toString())).strip().split("\t")[1];
    }

    @Test
    void aFileIsReadWithAllThatIsInIt() throws Exception {
        long before = System.currentTimeMillis() / 1000;
        forward(driver -> {
            send(driver, true, 53, 80);
            send(driver, false, 443);
        }, "--capture", "0/both=" + file);
        List<String> read = fields(file, "frame.interface_name", "frame.packet_flags_direction",
                "udp.dstport", "udp.checksum.status", "ip.checksum.status", "frame.comment");
        String name = socket.toString();
        String left = "virtio-net: checksum left to the device (csum_start 34, csum_offset 6)";
        // Status 1: good, 0: bad.
        for (String expected : List.of(name + "/in/0|0x00000001|53|1|1|", name + "/in/0|0x00000001|80|1|1|",
                name + "/out/0|0x00000002|80|1|1|", name + "/in/0|0x00000001|443|0|1|" + left)) {
            assertTrue(read.contains(expected), () -> expected + " is not in " + String.join("\n", read));
        }
        assertEquals(6, read.size());
        for (String time : fields(file, "frame.time_epoch")) {
            assertTrue(time.matches("\\d+\\.\\d{9}"), time);
            long seconds = Long.parseLong(time.substring(0, time.indexOf('.')));
            assertTrue(seconds >= before && seconds <= System.currentTimeMillis() / 1000 + 1, time);
        }
        String all = output(List.of("capinfos", file.toString()));
        assertTrue(all.contains("nanoseconds (9)"), all);
        assertTrue(all.contains("Number of stat entries = 1"), all);
        assertTrue(all.contains("Number of packets = 3"), all);
        assertEquals("6", packets(file));
    }

    @Test
    void filesOfARingAreWhole() throws Exception {
        forward(driver -> {
            for (int i = 0; i < 400; i++) {
                send(driver, true, new int[60]);
            }
        }, "--capture", "0/both=" + file, "--capture-file-size", "1", "--capture-files", "3");
        List<Path> files;
        try (Stream<Path> all = Files.list(directory)) {
            files = all.filter(each -> each.toString().endsWith(".pcapng")).sorted().toList();
        }
        assertEquals(3, files.size());
        for (Path each : files) {
            assertTrue(Files.size(each) <= 1 << 20);
            assertEquals(Integer.parseInt(packets(each)), fields(each, "udp.srcport").size());
        }
        // 132 bytes a packet.
        assertTrue(Integer.parseInt(packets(files.getFirst())) > 7000, packets(files.getFirst()));
    }

    @Test
    void aFilterOfEbpfChooses() throws Exception {
        Path object = Clang.compile(directory, "only53", """
                SEC("xdp") int only53(struct xdp_md *ctx) {
                    unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
                    return data + 38 <= end && data[36] == 0 && data[37] == 53 ? 2 : 1;
                }""");
        Path writing = Clang.compile(directory, "writing", """
                SEC("xdp") int writing(struct xdp_md *ctx) {
                    unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
                    if (data + 1 <= end) data[0] = 0;
                    return 2;
                }""");
        CommandRun run = forward(driver -> send(driver, true, 53, 80, 53, 443), "--capture", "0=" + file,
                "--capture-filter", object.toString());
        assertEquals(List.of("53", "53"), fields(file, "udp.dstport"));
        assertTrue(run.out().lines().anyMatch(line -> line.matches(" +port 0 in queue 0 +4 +2 +0 +2")),
                run::toString);
        CommandRun refused = CommandRun.of("forward", "--socket-path", socket.toString(), "--capture",
                "0=" + file, "--capture-filter", writing.toString());
        assertEquals(2, refused.status());
        assertTrue(refused.err().contains("program writing may change packets"), refused::toString);
    }

    @Test
    void aLivePipeIsRead() throws Exception {
        Path pipe = directory.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        forward(driver -> {
            send(driver, true, 1);
            Process tshark = tshark(List.of(), "-i", pipe.toString());
            awaitLive(driver, tshark);
        }, "--capture", "0=" + pipe);
    }

    private static Process tshark(List<String> environment, String... words) throws IOException {
        List<String> command = new ArrayList<>(List.of("env"));
        command.addAll(environment);
        command.addAll(List.of("tshark", "-l", "-T", "fields", "-e", "udp.dstport", "-c", "3"));
        command.addAll(List.of(words));
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    /** Sends until tshark has seen what it was to see. */
    private static void awaitLive(VirtioUser driver, Process tshark) throws Exception {
        try (BufferedReader lines = tshark.inputReader()) {
            Await.until("tshark ends", () -> {
                send(driver, true, 77);
                try {
                    return tshark.waitFor(50, TimeUnit.MILLISECONDS);
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            assertEquals(List.of("77", "77", "77"), lines.lines().limit(3).toList());
            assertEquals(0, tshark.exitValue());
        } finally {
            tshark.destroyForcibly();
        }
    }

    /** Interfaces are listed, and one is recorded, by tshark as by Wireshark. */
    @Test
    void tsharkStartsACaptureByExtcap() throws Exception {
        Path folder = Files.createDirectories(directory.resolve(".config/wireshark/extcap"));
        Path script = Files.writeString(folder.resolve("vhost-extcap"), """
                #!/bin/sh
                exec %s -XX:+UseSerialGC -XX:TieredStopAtLevel=1 --enable-native-access=ALL-UNNAMED \
                -cp '%s' %s extcap "$@"
                """.formatted(Path.of(System.getProperty("java.home"), "bin", "java"),
                MainProcess.classPath(), Main.class.getName()));
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path monitor = directory.resolve("monitor");
        List<String> environment = List.of("VHOST_MONITOR=" + monitor, "HOME=" + directory);
        forward(driver -> {
            List<String> listing = new ArrayList<>(List.of("env"));
            listing.addAll(environment);
            listing.addAll(List.of("tshark", "-D"));
            String interfaces = output(listing);
            assertTrue(interfaces.contains("vhost-0-0 (vhost port 0: " + socket + ")"), interfaces);
            Process known = tshark(environment, "-i", "vhost-0-0", "-o", "extcap.vhost_0_0.direction:in");
            awaitLive(driver, known);
            Process named = tshark(environment, "-i", "vhost", "-o", "extcap.vhost.monitor:" + monitor,
                    "-o", "extcap.vhost.direction:in");
            awaitLive(driver, named);
        }, "--monitor", monitor.toString(), "--monitor-mutating");
    }
}
