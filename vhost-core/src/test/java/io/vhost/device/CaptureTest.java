package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.vhost.app.Await;
import io.vhost.capture.Capture;
import io.vhost.capture.CaptureBlocks;
import io.vhost.capture.CaptureBlocks.Block;
import io.vhost.capture.CaptureOptions;
import io.vhost.capture.CaptureRegistry;
import io.vhost.capture.CaptureState;
import io.vhost.capture.QueueCapture;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.pcap.CapturedPacket;
import io.vhost.pcap.Captures;
import io.vhost.pcap.PcapReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Captures of chains, by the programs of queues. */
class CaptureTest {
    private static final long BILLION = 1_000_000_000L;
    private static final int ROOM = 70_000;

    /** What a pipe holds. */
    private static final int PIPE = 1 << 16;

    @TempDir
    private Path folder;

    private final PacketPool pool = PacketPool.create(64, ROOM);
    private final Packet[] packets = new Packet[64];
    private final ProgramChain in = ProgramChain.fromGuest("vm0", 1, PacketPorts.NONE);
    private final ProgramChain out = ProgramChain.toGuest("vm0", 1);
    private final QueuePrograms fromGuest = queue(0, false, in);
    private final QueuePrograms toGuest = queue(0, true, out);

    @AfterEach
    void nothingIsLeft() {
        assertEquals(0, pool.outstanding(), "packets that are missing");
        pool.close();
        assertEquals(List.of(), in.links());
        assertEquals(List.of(), out.links());
    }

    private static QueuePrograms queue(int pair, boolean toGuest, ProgramChain chain) {
        QueuePrograms queue = new QueuePrograms(pair, toGuest, (_, _, _, _) -> 0);
        queue.chain(chain);
        return queue;
    }

    private void fill(int... lengths) {
        assertEquals(lengths.length, pool.take(packets, 0, lengths.length));
        for (int i = 0; i < lengths.length; i++) {
            packets[i].reset(lengths[i]);
            for (int at = 0; at < lengths[i]; at++) {
                packets[i].putByte(at, at * 7 + i);
            }
        }
    }

    /** Sends packets of these lengths from the guest; how many come through. */
    private int send(QueuePrograms queue, int... lengths) {
        fill(lengths);
        return passThrough(queue, lengths.length);
    }

    private int passThrough(QueuePrograms queue, int count) {
        ProgramChain chain = queue.atWork();
        boolean isOut = queue.equals(toGuest);
        int passed = chain == null ? count
                : isOut ? queue.toGuest(chain, packets, 0, count)
                        : queue.fromGuest(chain, packets, 0, count, null);
        pool.release(packets, 0, isOut ? count : passed);
        return passed;
    }

    private static int[] lengths(int count, int length) {
        int[] lengths = new int[count];
        Arrays.fill(lengths, length);
        return lengths;
    }

    private static void assertSettled(Capture capture) {
        for (QueueCapture queue : capture.counters()) {
            assertEquals(queue.accepted(), queue.dropped() + queue.written(), queue::toString);
        }
    }

    private static List<CapturedPacket> read(InputStream stream) throws IOException {
        List<CapturedPacket> read = new ArrayList<>();
        try (PcapReader reader = Captures.open(stream)) {
            for (CapturedPacket one = reader.next(); one != null; one = reader.next()) {
                read.add(one);
            }
        }
        return read;
    }

    private Path pipe() throws Exception {
        Path pipe = folder.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        return pipe;
    }

    @Test
    void packetsOfBothDirectionsAreInTheFileWithAllThatIsKnownOfThem() throws IOException {
        Path file = folder.resolve("a.pcapng");
        Instant before = Instant.now();
        Capture capture = Capture.start(file, CaptureOptions.defaults());
        try (capture) {
            capture.add(in);
            capture.add(out);
            assertEquals(2, send(fromGuest, 60, 1));
            fill(1500, 61);
            packets[0].requestChecksum(34, 16);
            packets[0].offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 54, 1448, 34),
                    16);
            assertEquals(2, passThrough(toGuest, 2));
            assertEquals(1, send(queue(3, false, in), 99));
        }
        Instant after = Instant.now();
        List<Block> blocks = CaptureBlocks.of(file);
        List<Block> interfaces = CaptureBlocks.of(blocks, CaptureBlocks.INTERFACE);
        assertEquals(List.of("vm0/in/0", "vm0/out/0", "vm0/in/3"),
                interfaces.stream().map(one -> one.text(2)).toList());
        assertEquals("port vm0 (ifindex 1), packets from the guest, queue pair 3, virtqueue 7",
                interfaces.get(2).text(1));
        assertArrayEquals(new byte[] {9}, interfaces.getFirst().options().get(9));
        List<Block> recorded = CaptureBlocks.of(blocks, CaptureBlocks.PACKET);
        assertEquals(List.of(60, 1, 1500, 61, 99),
                recorded.stream().map(one -> one.packet().length).toList());
        assertEquals(List.of(0, 0, 1, 1, 2), recorded.stream().map(Block::number).toList());
        assertEquals(List.of(1L, 1L, 2L, 2L, 1L), recorded.stream().map(one -> one.number(2)).toList());
        assertEquals(List.of(0L, 0L, 0L, 0L, 3L), recorded.stream().map(one -> one.number(6)).toList());
        assertEquals(List.of("", "", "virtio-net: checksum left to the device (csum_start 34,"
                + " csum_offset 16); GSO TCPv4 (gso_size 1448, hdr_len 54)", "", ""),
                recorded.stream().map(one -> one.text(1)).toList());
        for (int at = 0; at < 1500; at++) {
            assertEquals((byte) (at * 7), recorded.get(2).packet()[at]);
        }
        for (Block one : recorded) {
            assertTrue(one.nanoseconds() >= nanoseconds(before) - 1_000_000
                    && one.nanoseconds() <= nanoseconds(after) + 1_000_000, "" + one.nanoseconds());
        }
        List<Block> statistics = CaptureBlocks.of(blocks, CaptureBlocks.STATISTICS);
        assertEquals(3, statistics.size());
        for (int option : new int[] {4, 6, 8}) {
            assertEquals(List.of(2L, 2L, 1L), statistics.stream().map(one -> one.number(option)).toList());
        }
        assertEquals(5, read(Files.newInputStream(file)).size());
        assertEquals(Files.size(file), capture.bytes());
        assertEquals(CaptureState.ENDED, capture.state());
        assertEquals("rw-------", PosixFilePermissions.toString(
                Files.getPosixFilePermissions(file)));
        assertSettled(capture);
    }

    private static long nanoseconds(Instant time) {
        return time.getEpochSecond() * BILLION + time.getNano();
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "63, 63", "64, 64", "65, 64", "65536, 64"})
    void aPacketIsCutAtTheSnapLength(int length, int captured) throws IOException {
        Path file = folder.resolve("a.pcapng");
        try (Capture capture = Capture.start(file, CaptureOptions.defaults().snapLength(64))) {
            capture.add(in);
            assertEquals(3, send(fromGuest, length, 60, length));
        }
        List<CapturedPacket> read = read(Files.newInputStream(file));
        assertEquals(List.of(length, 60, length), read.stream().map(CapturedPacket::length).toList());
        assertEquals(List.of(captured, 60, captured), read.stream().map(one -> one.bytes().length).toList());
    }

    @Test
    void whatOptionsCannotBeIsRefused() {
        CaptureOptions options = CaptureOptions.defaults();
        for (int bytes : new int[] {0, -1, CaptureOptions.SNAP_LENGTH + 1}) {
            assertThrows(IllegalArgumentException.class, () -> options.snapLength(bytes));
        }
        for (int bytes : new int[] {0, CaptureOptions.LEAST_BUFFER - 1, CaptureOptions.MOST_BUFFER + 1}) {
            assertThrows(IllegalArgumentException.class, () -> options.buffer(bytes));
        }
        assertThrows(IllegalArgumentException.class, () -> options.files(CaptureOptions.LEAST_FILE - 1, 1));
        assertThrows(IllegalArgumentException.class, () -> options.files(CaptureOptions.LEAST_FILE, -1));
        assertEquals(CaptureOptions.SNAP_LENGTH, options.snapLength(CaptureOptions.SNAP_LENGTH).snapLength());
        assertEquals(1 << 17, options.buffer((1 << 16) + 1).bufferSize());
        assertEquals(1 << 16, options.buffer(1 << 16).bufferSize());
        assertEquals(1 << 30, options.buffer(1 << 30).bufferSize());
    }

    /** The writer cannot write: what the buffer has no room for is dropped and counted, and passes. */
    @Test
    void whatFindsNoRoomIsDroppedAndCounted() throws Exception {
        Path pipe = pipe();
        Capture capture = Capture.start(pipe, CaptureOptions.defaults().buffer(CaptureOptions.LEAST_BUFFER));
        List<CapturedPacket> read;
        try (capture) {
            capture.add(in);
            try (InputStream stream = Files.newInputStream(pipe)) {
                Await.until("recording", () -> !in.links().isEmpty());
                // Far more than buffer, pipe and blocks can hold.
                for (int i = 0; i < 200; i++) {
                    assertEquals(32, send(fromGuest, lengths(32, 1000)));
                }
                QueueCapture counters = capture.counters().getFirst();
                assertEquals(6400, counters.seen());
                assertTrue(counters.dropped() > 0, counters::toString);
                Thread end = Thread.ofPlatform().start(capture::close);
                read = read(stream);
                end.join();
            }
        }
        QueueCapture counters = capture.counters().getFirst();
        assertEquals(read.size(), counters.written());
        assertTrue(read.size() > 60, "" + read.size());
        assertSettled(capture);
    }

    /** The next packet would make the file one byte too long, or just not. */
    @Test
    void filesOfARingEndBeforeTheyAreTooLarge() throws IOException {
        long each = recordedBlock(1000);
        long around = fileLength(10) - 10 * each;
        for (long size : new long[] {around + 10 * each - 1, around + 10 * each, around + 10 * each + 1}) {
            int fits = size < around + 10 * each ? 9 : 10;
            Path file = folder.resolve("ring" + size + ".pcapng");
            Capture capture = Capture.start(file, CaptureOptions.defaults().files(size, 3));
            try (capture) {
                capture.add(in);
                for (int i = 0; i < fits * 4 + 1; i++) {
                    send(fromGuest, 1000);
                }
            }
            List<Integer> counts = new ArrayList<>();
            for (int number = 3; number <= 5; number++) {
                Path one = folder.resolve("ring" + size + "_0000" + number + ".pcapng");
                assertTrue(Files.size(one) <= size);
                counts.add(read(Files.newInputStream(one)).size());
            }
            assertEquals(List.of(fits, fits, 1), counts, "" + size);
            assertTrue(Files.notExists(folder.resolve("ring" + size + "_00002.pcapng")));
            assertEquals(5, capture.files());
            assertSettled(capture);
        }
    }

    private long fileLength(int count) throws IOException {
        Path file = folder.resolve("alone" + count);
        try (Capture capture = Capture.start(file, CaptureOptions.defaults())) {
            capture.add(in);
            send(fromGuest, lengths(count, 1000));
        }
        return Files.size(file);
    }

    private long recordedBlock(int ignored) throws IOException {
        return fileLength(ignored / 250) - fileLength(3);
    }

    @Test
    void aFirstPacketThatIsLargerThanAFileIsInOneOfItsOwn() throws IOException {
        Path file = folder.resolve("a");
        try (Capture capture = Capture.start(file, CaptureOptions.defaults().files(4096, 0))) {
            capture.add(in);
            send(fromGuest, 9000, 9000);
        }
        for (int number = 1; number <= 2; number++) {
            assertEquals(1, read(Files.newInputStream(folder.resolve("a_0000" + number))).size());
        }
        assertTrue(Files.notExists(folder.resolve("a_00003")));
    }

    @Test
    void aFullDiskEndsTheCaptureAndNothingElse() throws IOException {
        Capture capture = Capture.start(Path.of("/dev/full"), CaptureOptions.defaults());
        try (capture) {
            try {
                capture.add(in);
            } catch (IllegalStateException e) {
                // It has failed already: with the first block.
                assertTrue(e.getMessage().contains("has ended"), e.getMessage());
            }
            assertEquals(2, send(fromGuest, 60, 60));
            Await.until("failure", () -> capture.state() == CaptureState.FAILED);
            assertTrue(capture.failure().orElseThrow().contains("No space left on device"));
            assertEquals(List.of(), in.links());
            assertThrows(IllegalStateException.class, () -> capture.add(out));
        }
        assertEquals(CaptureState.FAILED, capture.state());
        assertSettled(capture);
    }

    @Test
    void whatCannotBeWrittenIsNamed() throws IOException {
        Path socket = folder.resolve("socket");
        try (ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.bind(UnixDomainSocketAddress.of(socket));
            refused(socket, "socket");
        }
        refused(folder, "is a directory");
        refused(folder.resolve("absent/a.pcapng"), "its directory does not exist");
        refused(Path.of("/sys/a.pcapng"), "this user may not write there");
        Path old = Files.writeString(folder.resolve("old"), "precious");
        IOException e = assertThrows(IOException.class,
                () -> Capture.start(old, CaptureOptions.defaults().newFile()));
        assertTrue(e.getMessage().contains("there is a file already"), e.getMessage());
        assertEquals("precious", Files.readString(old));
    }

    private static void refused(Path file, String text) {
        IOException e = assertThrows(IOException.class, () -> Capture.start(file, CaptureOptions.defaults()));
        assertTrue(e.getMessage().contains(text), e.getMessage());
    }

    /** While nobody reads nothing hangs on the chain; readers may come and go, and so may the pipe. */
    @Test
    void aPipeIsRecordedToWhileSomebodyReads() throws Exception {
        Path pipe = pipe();
        Capture capture = Capture.start(pipe, CaptureOptions.defaults());
        try (capture) {
            capture.add(in);
            assertEquals(CaptureState.WAITING, capture.state());
            assertEquals(List.of(), in.links());
            assertEquals(1, send(fromGuest, 60));
            for (int round = 1; round <= 2; round++) {
                try (InputStream stream = Files.newInputStream(pipe)) {
                    Await.until("recording", () -> capture.state() == CaptureState.RECORDING);
                    assertEquals(1, send(fromGuest, 60 + round));
                    PcapReader reader = Captures.open(stream);
                    assertEquals(60 + round, reader.next().length());
                }
                Await.until("the reader is missed", () -> capture.state() == CaptureState.WAITING);
                assertEquals(List.of(), in.links());
            }
            Files.delete(pipe);
            Await.until("the end", () -> capture.state() == CaptureState.ENDED);
        }
        QueueCapture counters = capture.counters().getFirst();
        assertEquals(2, counters.written());
        assertEquals(2, capture.files());
        assertSettled(capture);
    }

    @Test
    void aReaderThatGoesUnderTrafficLosesNothingElse() throws Exception {
        Path pipe = pipe();
        Capture capture = Capture.start(pipe, CaptureOptions.defaults());
        try (capture) {
            capture.add(in);
            for (int round = 0; round < 5; round++) {
                try (InputStream stream = Files.newInputStream(pipe)) {
                    Await.until("recording", () -> capture.state() == CaptureState.RECORDING);
                    for (int i = 0; i < 20; i++) {
                        assertEquals(32, send(fromGuest, lengths(32, 500)));
                    }
                    assertEquals(10, stream.readNBytes(10).length);
                }
                while (capture.state() == CaptureState.RECORDING) {
                    assertEquals(32, send(fromGuest, lengths(32, 500)));
                }
            }
        }
        assertSettled(capture);
    }

    /** Much waits at the end, and the pipe has room for little at a time: that is no reader that hangs. */
    @Test
    void aReaderThatReadsInPiecesGetsAllAtTheEnd() throws Exception {
        Path pipe = pipe();
        Capture capture = Capture.start(pipe, CaptureOptions.defaults());
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        try (capture) {
            capture.add(in);
            try (InputStream stream = Files.newInputStream(pipe)) {
                Await.until("recording", () -> !in.links().isEmpty());
                for (int i = 0; i < 100; i++) {
                    assertEquals(32, send(fromGuest, lengths(32, 1000)));
                }
                Thread end = Thread.ofPlatform().start(capture::close);
                Await.until("the end", () -> in.links().isEmpty());
                byte[] piece = new byte[4096];
                for (int size = stream.read(piece); size > 0; size = stream.read(piece)) {
                    read.write(piece, 0, size);
                }
                end.join();
            }
        }
        QueueCapture counters = capture.counters().getFirst();
        assertEquals(0, counters.dropped(), counters::toString);
        assertEquals(3200, read(new ByteArrayInputStream(read.toByteArray())).size());
    }

    /** All captures end at once: none waits for another's reader. */
    @Test
    void aReaderThatHangsKeepsNoOtherCaptureFromItsEnd() throws Exception {
        CaptureRegistry registry = new CaptureRegistry();
        registry.add(in);
        Path pipe = pipe();
        Capture slow = registry.start(pipe, CaptureOptions.defaults(), List.of(in));
        try (InputStream stream = Files.newInputStream(pipe)) {
            Await.until("recording", () -> !in.links().isEmpty());
            for (int i = 0; i < 100; i++) {
                assertEquals(32, send(fromGuest, lengths(32, 1000)));
            }
            Capture other = registry.start(folder.resolve("other"), CaptureOptions.defaults(), List.of(in));
            Thread end = Thread.ofPlatform().start(registry::close);
            byte[] piece = new byte[4096];
            // Little by little, so that the slow one goes on for as long as this looks.
            Await.until("the end of the other one",
                    () -> other.state() == CaptureState.ENDED || readSome(stream, piece) < 0);
            int left = 0;
            for (int size = readSome(stream, piece); size > 0; size = readSome(stream, piece)) {
                left += size;
            }
            assertTrue(left > 2 * PIPE, left + " bytes were left: the other one has waited");
            end.join();
        }
        assertEquals(CaptureState.ENDED, slow.state());
    }

    private static int readSome(InputStream stream, byte[] piece) {
        try {
            return stream.read(piece);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aDirectoryIsNotSeveralFiles() throws Exception {
        IOException e = assertThrows(IOException.class,
                () -> Capture.start(folder, CaptureOptions.defaults().files(4096, 2)));
        assertTrue(e.getMessage().contains("is a directory"), e::getMessage);
    }

    @Test
    void aPipeIsNotSeveralFiles() throws Exception {
        Path pipe = pipe();
        assertThrows(IllegalArgumentException.class,
                () -> Capture.start(pipe, CaptureOptions.defaults().files(4096, 2)));
    }

    /** Whatever a filter says or does, packets pass; those of which it says PASS are recorded. */
    @Test
    void aFilterChoosesWhatIsRecorded() throws IOException {
        Path file = folder.resolve("a.pcapng");
        PacketProgram filter = burst -> {
            for (int i = 0; i < burst.count(); i++) {
                switch (burst.packet(i).length()) {
                    case 60 -> burst.drop(i);
                    case 61 -> burst.abort(i);
                    case 62 -> burst.redirect(i, 7);
                    case 63 -> burst.transmit(i);
                    case 64 -> throw new IllegalStateException("on purpose");
                    default -> { }
                }
            }
        };
        Capture capture = Capture.start(file, CaptureOptions.defaults().filter(filter, "length"));
        try (capture) {
            capture.add(in);
            ProgramLink link = in.attach("last", _ -> { });
            assertEquals(6, send(fromGuest, 60, 61, 62, 70, 63, 71));
            assertEquals(2, send(fromGuest, 70, 64));
            assertEquals(1, send(fromGuest, 72));
            assertEquals(9, link.packets());
            in.detach(link);
        }
        assertEquals(List.of(70, 71, 72),
                read(Files.newInputStream(file)).stream().map(CapturedPacket::length).toList());
        QueueCapture counters = capture.counters().getFirst();
        assertEquals(9, counters.seen());
        assertEquals(3, counters.accepted());
        assertEquals("\0length", CaptureBlocks.of(CaptureBlocks.of(file), CaptureBlocks.INTERFACE).getFirst()
                .text(11));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void itIsRecordedBeforeProgramsOrBehind(boolean passed) throws IOException {
        Path file = folder.resolve("a.pcapng");
        ProgramLink first = in.attach("first", burst -> {
            for (int i = 0; i < burst.count(); i++) {
                if (burst.packet(i).length() == 60) {
                    burst.drop(i);
                } else {
                    burst.packet(i).trimTail(1);
                }
            }
        }, passed ? Integer.MAX_VALUE : Integer.MIN_VALUE + 1, EnumSet.of(Verdict.PASS));
        CaptureOptions options = CaptureOptions.defaults();
        try (Capture capture = Capture.start(file, passed ? options.passed() : options)) {
            capture.add(in);
            assertEquals(1, send(fromGuest, 60, 80));
        }
        in.detach(first);
        assertEquals(passed ? List.of(79) : List.of(60, 80),
                read(Files.newInputStream(file)).stream().map(CapturedPacket::length).toList());
    }

    @Test
    void placesCanBeTakenAway() throws IOException {
        Path file = folder.resolve("a.pcapng");
        Capture capture = Capture.start(file, CaptureOptions.defaults());
        capture.add(in);
        capture.add(out);
        assertThrows(IllegalStateException.class, () -> capture.add(in));
        send(fromGuest, 60);
        capture.remove(in);
        capture.remove(in);
        send(fromGuest, 61);
        send(toGuest, 62);
        assertEquals(CaptureState.RECORDING, capture.state());
        capture.remove(out);
        Await.until("the end", () -> capture.state() == CaptureState.ENDED);
        assertThrows(IllegalStateException.class, () -> capture.add(in));
        assertEquals(List.of(60, 62),
                read(Files.newInputStream(file)).stream().map(CapturedPacket::length).toList());
        capture.close();
    }

    /** Detached while bursts pass: all that was accepted is in the file, or counted. */
    @Test
    void theEndUnderTrafficLosesNothingUncounted() throws Exception {
        for (int round = 0; round < 10; round++) {
            Path file = folder.resolve("a" + round);
            Capture capture = Capture.start(file, CaptureOptions.defaults());
            capture.add(in);
            List<Thread> threads = IntStream.range(0, 3).mapToObj(number -> Thread.ofPlatform().start(() -> {
                QueuePrograms queue = queue(number, false, in);
                Packet[] mine = new Packet[8];
                do {
                    assertEquals(8, pool.take(mine, 0, 8));
                    for (Packet packet : mine) {
                        packet.reset(100);
                    }
                    ProgramChain chain = queue.atWork();
                    int passed = chain == null ? 8 : queue.fromGuest(chain, mine, 0, 8, null);
                    pool.release(mine, 0, passed);
                } while (queue.atWork() != null);
            })).toList();
            Await.until("bytes", () -> capture.bytes() > 10_000);
            capture.close();
            for (Thread thread : threads) {
                thread.join();
            }
            assertSettled(capture);
            assertEquals(read(Files.newInputStream(file)).size(),
                    capture.counters().stream().mapToLong(QueueCapture::written).sum());
        }
    }

    @Test
    void recordingAllocatesNothingWherePacketsPass() throws IOException {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long me = Thread.currentThread().threadId();
        List<Long> allocated = new ArrayList<>();
        try (Capture capture = Capture.start(Path.of("/dev/null"), CaptureOptions.defaults())) {
            capture.add(in);
            fill(lengths(32, 64));
            ProgramChain chain = fromGuest.atWork();
            do {
                long before = threads.getThreadAllocatedBytes(me);
                for (int i = 0; i < 5000; i++) {
                    fromGuest.fromGuest(chain, packets, 0, 32, null);
                }
                allocated.add(threads.getThreadAllocatedBytes(me) - before);
            } while (allocated.getLast() != 0 && allocated.size() < 40);
            pool.release(packets, 0, 32);
        }
        assertEquals(0, allocated.getLast(), () -> "bytes in rounds of 160,000 packets: " + allocated);
    }
}
