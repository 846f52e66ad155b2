package io.vhost.app.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.cli.EndSignal;
import io.vhost.bpf.Clang;
import io.vhost.pcap.CaptureFormat;
import io.vhost.pcap.CapturedPacket;
import io.vhost.pcap.Captures;
import io.vhost.pcap.PcapReader;
import io.vhost.pcap.PcapWriter;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** bpf run and bpf test. */
class BpfRunCommandTest {
    private static final String SOURCE = """
            static void *(*lookup)(void *, const void *) = (void *) 1;
            static long (*update)(void *, const void *, const void *, __u64) = (void *) 2;
            static long (*event)(void *, void *, __u64, void *, __u64) = (void *) 25;
            static long (*head)(struct xdp_md *, int) = (void *) 44;
            static long (*output)(void *, void *, __u64, __u64) = (void *) 130;
            struct seen { __u32 packets; };
            struct { __uint(type, 1); __uint(max_entries, 8); __type(key, __u32); \
            __type(value, struct seen); } kinds SEC(".maps");
            struct { __uint(type, 27); __uint(max_entries, 4096); } samples SEC(".maps");
            struct { __uint(type, 4); __uint(max_entries, 4); __uint(key_size, 4); \
            __uint(value_size, 4); } events SEC(".maps");
            const volatile __u32 shift = 0;
            SEC("xdp") int kind(struct xdp_md *ctx) {
                unsigned char *p = (void *) (long) ctx->data;
                if ((void *) (p + 14) > (void *) (long) ctx->data_end) return 0;
                __u32 kind = p[0] << shift;
                struct seen *seen = lookup(&kinds, &kind), fresh = { 1 };
                if (seen) seen->packets++;
                else update(&kinds, &kind, &fresh, 0);
                if (kind == 3) head(ctx, 4);
                if (kind == 1) output(&samples, &kind, 4, 0);
                if (kind == 2) event(ctx, &events, 0xffffffff, &kind, 4);
                return kind;
            }
            """;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path folder;

    private Path capture;

    @BeforeEach
    void writeCapture() throws IOException {
        capture = folder.resolve("in.pcap");
        try (PcapWriter writer = PcapWriter.pcap(Files.newOutputStream(capture), CaptureFormat.ETHERNET)) {
            for (int kind : new int[] {1, 2, 3, 2, 9}) {
                byte[] packet = new byte[60];
                packet[0] = (byte) kind;
                writer.write(new CapturedPacket(kind, 60, packet));
            }
        }
    }

    private int run(String... arguments) {
        return runWith("", arguments);
    }

    private int runWith(String in, String... arguments) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return BpfCommand.commandLine(new EndSignal(),
                new ByteArrayInputStream(in.getBytes(StandardCharsets.US_ASCII)))
                .setOut(new PrintWriter(out)).setErr(new PrintWriter(err, true)).execute(arguments);
    }

    @Test
    void aDirectoryIsNamed() {
        assertEquals(1, run("verify", folder.toString()));
        assertEquals(folder + ": Is a directory\n", err.toString());
    }

    /** A FIFO that nobody writes to, and a user who has had enough. */
    @ParameterizedTest
    @ValueSource(strings = {"run", "verify"})
    void whoBreaksOffDoesNotWaitForAFile(String command) throws Exception {
        Path fifo = folder.resolve("fifo");
        assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
        EndSignal end = new EndSignal();
        end.raise();
        List<String> arguments = new ArrayList<>(List.of(command, fifo.toString()));
        if (command.equals("run")) {
            arguments.addAll(List.of("--pcap", capture.toString()));
        }
        assertEquals(1, BpfCommand.commandLine(end).setErr(new PrintWriter(err, true))
                .execute(arguments.toArray(String[]::new)));
        assertTrue(err.toString().contains("not read to its end: interrupted"), err::toString);
    }

    private List<Integer> lengths(Path file) throws IOException {
        List<Integer> lengths = new ArrayList<>();
        try (PcapReader reader = Captures.open(Files.newInputStream(file))) {
            for (CapturedPacket p = reader.next(); p != null; p = reader.next()) {
                lengths.add(p.bytes().length);
            }
        }
        return lengths;
    }

    @Test
    @Tag("peer")
    void eachPacketTheTotalsAndTheMapsAreShown() throws Exception {
        String object = Clang.compile(folder, "kind", SOURCE).toString();
        Path left = folder.resolve("out.pcapng");
        for (String how : List.of("--interpret", "--program=kind")) {
            assertEquals(0, run("run", object, "--pcap", capture.toString(), "--out", left.toString(), how),
                    err::toString);
            assertEquals("""
                         1     60 bytes  DROP     %1$s
                                4 bytes to samples: 01 00 00 00
                         2     60 bytes  PASS     %1$s
                                4 bytes to events: 02 00 00 00
                         3     60 bytes  TX        56 bytes
                         4     60 bytes  PASS     %1$s
                                4 bytes to events: 02 00 00 00
                         5     60 bytes  UNKNOWN 9
                    5 packets: 1 DROP, 2 PASS, 1 TX, 1 UNKNOWN 9, 2 records in events, 1 records in samples
                    3 packets written
                    kinds: HASH, 4 entries
                      1: {packets = 1}
                      2: {packets = 2}
                      3: {packets = 1}
                      9: {packets = 1}
                    samples: RINGBUF, 0 bytes wait, 0 records found no room
                    events: PERF_EVENT_ARRAY
                      0: map events
                    .rodata: ARRAY, 1 entry
                      {shift = 0}
                    """.formatted("").replaceAll("(?m) +$", ""), out.toString().replaceAll("(?m) +$", ""));
            assertEquals(List.of(60, 56, 60), lengths(left));
        }
    }

    @Test
    @Tag("peer")
    void packetsAreRunMoreThanOnceAndVariablesSet() throws Exception {
        String object = Clang.compile(folder, "kind", SOURCE).toString();
        assertEquals(0, run("run", object, "--pcap", capture.toString(), "--repeat=3", "--quiet",
                "--set", "shift=0x1"), err::toString);
        assertTrue(out.toString().startsWith("5 packets, 15 runs: 3 PASS, 6 REDIRECT, 3 UNKNOWN 18,"),
                out::toString);
        assertTrue(out.toString().contains("  4: {packets = 6}\n"), out::toString);
        assertTrue(out.toString().contains(" ns a run, the packet's copy and the clock included\n"));
    }

    @Test
    @Tag("peer")
    void aProgramThatMayDoHarmIsNotRun() throws Exception {
        String object = Clang.compile(folder, "wild", """
                SEC("xdp") int wild(struct xdp_md *ctx) {
                    return *(volatile int *) (long) ctx->ingress_ifindex;
                }
                """).toString();
        assertEquals(1, run("run", object, "--pcap", capture.toString()), out::toString);
        assertTrue(err.toString().contains("wild.o: load the address again: this is a number"),
                err::toString);
        assertTrue(err.toString().contains("R1 invalid mem access 'scalar'"), err::toString);
    }

    @Test
    @Tag("peer")
    void anAbortedRunIsNamed() throws Exception {
        String object = Clang.compile(folder, "loop", """
                SEC("xdp") int endless(struct xdp_md *ctx) {
                    volatile int going = 1;
                    while (going)
                        ;
                    return 2;
                }
                """).toString();
        assertEquals(1, run("run", object, "--pcap", capture.toString()), out::toString);
        assertTrue(err.toString().contains("loop.o: "), err::toString);
        assertEquals(0, run("run", object, "--pcap", capture.toString(), "--budgeted"), err::toString);
        assertTrue(out.toString().startsWith("     1     60 bytes  ABORTED   "), out::toString);
        assertTrue(out.toString().contains("5 packets: 5 ABORTED\n"), out::toString);
    }

    @Test
    @Tag("peer")
    void verifyTellsWhatMayRunAndWhy() throws Exception {
        String good = Clang.compile(folder, "kind", SOURCE).toString();
        assertEquals(0, run("verify", good), err::toString);
        assertTrue(out.toString().matches(
                "(?s)\\w+: accepted, \\d+ instructions followed in \\d+ states, ends\n.*"), out::toString);
        String wild = Clang.compile(folder, "wild", """
                SEC("xdp") int wild(struct xdp_md *ctx) {
                    return *(volatile int *) (long) ctx->ingress_ifindex;
                }
                """).toString();
        assertEquals(1, run("verify", wild, "--log=1"), out::toString);
        assertTrue(out.toString().contains("R1 invalid mem access 'scalar'"), out::toString);
        assertTrue(err.toString().contains("wild.o: load the address again"), err::toString);
        assertEquals(2, run("verify", wild, "--log=3"), out::toString);
    }

    @Test
    @Tag("peer")
    void aClassifierGetsASocketBuffer() throws Exception {
        String object = Clang.compile(folder, "tc", """
                SEC("tc") int small(struct __sk_buff *skb) {
                    return skb->protocol == 0x0081 && skb->len == 60 ? 2 : -1;
                }
                """).toString();
        Path tagged = folder.resolve("tagged.pcap");
        try (PcapWriter writer = PcapWriter.pcap(Files.newOutputStream(tagged), CaptureFormat.ETHERNET)) {
            byte[] packet = new byte[60];
            packet[12] = (byte) 0x81;
            writer.write(new CapturedPacket(0, 60, packet));
            writer.write(new CapturedPacket(0, 61, new byte[61]));
        }
        assertEquals(0, run("run", object, "--pcap", tagged.toString()), err::toString);
        assertTrue(out.toString().contains("2 packets: 1 SHOT, 1 UNSPEC\n"), out::toString);
    }

    @Test
    @Tag("peer")
    void whatIsWrongIsOneLine() throws Exception {
        String object = Clang.compile(folder, "kind", SOURCE + """
                SEC("xdp") int other(struct xdp_md *ctx) { return 1; }
                """).toString();
        String in = capture.toString();
        assertEquals(1, run("run", object, "--pcap", in));
        assertEquals(object + ": which program? Say --program NAME; there are [kind, other]\n",
                err.toString());
        assertEquals(1, run("run", object, "--pcap", in, "--program=third"));
        assertEquals(object + ": no program third; there are [kind, other]\n", err.toString());
        assertEquals(1, run("run", object, "--pcap", in, "--program=kind", "--set", "shift=x"));
        assertEquals(object + ": --set shift: x is no number\n", err.toString());
        assertEquals(1, run("run", object, "--pcap", in, "--program=kind", "--set", "left=1"));
        assertEquals(object + ": --set: no variable left; there are [shift]\n", err.toString());
        assertEquals(1, run("run", object, "--pcap", folder.resolve("none").toString(), "--program=kind"));
        assertEquals(folder.resolve("none") + ": no such file\n", err.toString());
        assertEquals(1, run("run", object, "--pcap", object, "--program=kind"));
        assertTrue(err.toString().startsWith(object + ": at offset "), err::toString);
        assertEquals(1, run("run", in, "--pcap", in));
        assertTrue(err.toString().startsWith(in + ": ELF at offset 0"), err::toString);
        assertEquals(2, run("run", object, "--pcap", in, "--repeat=0"));
        assertEquals(2, run("run", object));
    }

    @Test
    void theConformanceRunnersContractIsKept() {
        // r0 = *(u16 *) (r1 + 1); r0 += r2; exit
        String code = "69 10 01 00 00 00 00 00 0f 20 00 00 00 00 00 00 95 00 00 00 00 00 00 00\n";
        for (String how : List.of("--debug", "--interpret")) {
            assertEquals(0, runWith(code, "test", "aa bb cc", how), err::toString);
            assertEquals("ccbe\n", out.toString());
        }
        assertEquals(0, run("test", "--program", "b7 00 00 00 ff ff ff ff 95 00 00 00 00 00 00 00"));
        assertEquals("ffffffffffffffff\n", out.toString());
        assertEquals(1, runWith(code, "test", "aa", "--interpret"));
        assertEquals("access outside the program's memory at instruction 0\n", err.toString());
        assertEquals("", out.toString());
        assertEquals(1, runWith("95 00", "test"));
        assertTrue(err.toString().startsWith("2 bytes are no instructions"), err::toString);
        assertEquals(1, runWith("zz", "test"));
        assertFalse(err.toString().isEmpty());
        assertEquals(1, runWith("00 11", "test", "--elf"));
    }

    @Test
    @Tag("peer")
    void theConformanceRunnerMayGiveAnElfFile() throws Exception {
        byte[] file = Files.readAllBytes(Clang.compile(folder, "elf", """
                SEC(".text") __u64 one(unsigned char *memory, __u64 length) { return memory[0] + length; }
                """, "-g0"));
        String hex = java.util.HexFormat.ofDelimiter(" ").formatHex(file);
        assertEquals(0, runWith(hex, "test", "10 20", "--elf"), err::toString);
        assertEquals("12\n", out.toString());
    }
}
