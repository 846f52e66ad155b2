package io.vhost.protocol;

import static io.vhost.protocol.RawPeer.NEED_REPLY;
import static io.vhost.protocol.RawPeer.PLAIN;
import static io.vhost.protocol.RawPeer.message;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.Descriptor;
import io.vhost.os.MemFd;
import io.vhost.os.Opened;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a broken front-end gets: a log line with values, and a failure or the end of its connection. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostileFrontendTest {
    private static final int UNKNOWN = 77;

    private int descriptorsBefore;

    @BeforeEach
    void countDescriptors() {
        descriptorsBefore = Descriptor.openDescriptors();
    }

    @AfterEach
    void noDescriptorIsLeft() {
        assertEquals(descriptorsBefore, Descriptor.openDescriptors(), "open descriptors");
    }

    /** Sends a bad message twice: to a session that can say so, and to one that cannot. */
    private static void refused(String reason, int descriptors, int id, Object... payload) {
        String text = "WARNING (test) " + Request.name(id) + " refused: " + reason;
        try (BackendFixture backend = BackendFixture.negotiated()) {
            assertEquals(1, backend.ack(message(id, NEED_REPLY, payload), descriptors));
            String record = backend.log.records().getLast();
            assertStartsWith(text, record);
            assertTrue(record.endsWith("; failure reply sent"), record);
            backend.ask(1);
        }
        try (BackendFixture backend = new BackendFixture()) {
            backend.peer.send(16, PLAIN, backend.ask(15));
            backend.peer.sendWithFiles(message(id, PLAIN, payload), descriptors);
            String record = backend.closedBecause();
            assertStartsWith(text, record);
            assertTrue(record.endsWith("; connection closed"), record);
            assertEquals(1, backend.log.records().size(), "log lines");
        }
    }

    private static void assertStartsWith(String expected, String actual) {
        assertEquals(expected, actual.substring(0, Math.min(expected.length(), actual.length())), actual);
    }

    @Test
    void anUnknownRequestIsRefused() {
        refused("unknown, request 77 flags=0x", 0, UNKNOWN, 1L);
        refused("unknown, request 77 flags=0x", 8, UNKNOWN, 1L);
    }

    @Test
    void aReplyIsNoRequest() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.peer.send(3, RawPeer.REPLY);
            assertStartsWith("WARNING (test) SET_OWNER refused: a reply where a request belongs, "
                    + "SET_OWNER flags=0x5", backend.closedBecause());
        }
    }

    @ParameterizedTest
    @EnumSource(Request.class)
    void everyMessageIsRefusedInTheWrongSize(Request request) {
        for (int size : new int[] {0, 1, 7, 9, 39, 41, 263, 265, 4096}) {
            if (RequestSamples.fits(request, size)) {
                continue;
            }
            try (BackendFixture backend = BackendFixture.negotiated()) {
                backend.peer.send(request.id(), PLAIN, new byte[size]);
                assertStartsWith("WARNING (test) " + request + " refused: size=" + size + ", must be ",
                        backend.closedBecause());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Request.class)
    void everyDescriptorOfEveryMessageIsClosed(Request request) {
        byte[] payload = RequestSamples.payload(request);
        for (int flags : new int[] {PLAIN, NEED_REPLY}) {
            for (int descriptors = 0; descriptors <= 8; descriptors++) {
                try (BackendFixture backend = BackendFixture.negotiated()) {
                    backend.peer.sendWithFiles(message(request.id(), flags, payload), descriptors);
                }
                assertEquals(descriptorsBefore, Descriptor.openDescriptors(),
                        request + " with " + descriptors + " descriptors");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Request.class)
    void aWrongNumberOfDescriptorsIsRefused(Request request) {
        byte[] payload = RequestSamples.payload(request);
        List<Integer> allowed = RequestSamples.descriptors(request);
        for (int descriptors = 0; descriptors <= 8; descriptors++) {
            if (!allowed.contains(descriptors)) {
                try (BackendFixture backend = BackendFixture.negotiated()) {
                    backend.peer.sendWithFiles(message(request.id(), PLAIN, payload), descriptors);
                    assertStartsWith("WARNING (test) " + request + " refused: descriptors=" + descriptors
                            + ", must be ", backend.closedBecause());
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Request.class)
    void aMessageThatIsNotImplementedIsRefusedByName(Request request) {
        if (RequestSamples.IMPLEMENTED.contains(request)) {
            return;
        }
        byte[] payload = RequestSamples.payload(request);
        int descriptors = RequestSamples.descriptors(request).getFirst();
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.peer.sendWithFiles(message(request.id(), NEED_REPLY, payload), descriptors);
            if (request.reply() == Request.Reply.ACK) {
                assertEquals(1, backend.peer.receive().u64());
            } else {
                backend.closedBecause();
            }
            assertStartsWith("WARNING (test) " + request + " refused: ", backend.log.records().getLast());
        }
    }

    @Test
    void moreDescriptorsThanAnyMessageHasEndTheConnection() {
        for (int descriptors : new int[] {16, 17, 100, 253}) {
            try (BackendFixture backend = BackendFixture.negotiated()) {
                backend.peer.sendWithFiles(message(3, PLAIN), descriptors);
                backend.closedBecause();
            }
            assertEquals(descriptorsBefore, Descriptor.openDescriptors(), descriptors + " descriptors");
        }
    }

    @Test
    void moreDescriptorsThanThatInManyPiecesEndTheConnectionAtTheFirstTooMany() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            byte[] table = message(5, PLAIN, 1, 0, 0L, 4096L, 0L, 0L);
            backend.peer.sendWithFiles(Arrays.copyOf(table, 13), 16);
            backend.peer.sendWithFiles(new byte[1], 1);
            assertEquals(
                    "WARNING (test) descriptors=17 came with 14 bytes of one message, must be at most 16;"
                            + " connection closed",
                    backend.closedBecause());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2, 3, 0xFFFFFFFE})
    void anotherVersionEndsTheConnection(int flags) {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.peer.sendWithFiles(message(13, flags | Message.NEED_REPLY, 0L), 1);
            assertStartsWith("WARNING (test) SET_VRING_CALL flags=0x" + Integer.toHexString(flags | 8)
                    + " size=8 descriptors=1 is of version=" + (flags & 3) + ", must be 1",
                    backend.closedBecause());
        }
    }

    @ParameterizedTest
    @CsvSource({"4097, 4097", "2147483647, 2147483647", "-2147483648, 2147483648", "-1, 4294967295"})
    void anOversizeMessageEndsTheConnection(int size, String text) {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.peer.sendWithFiles(RawPeer.bytes(5, NEED_REPLY, size), 8);
            assertEquals("WARNING (test) SET_MEM_TABLE flags=0x9 size=" + text
                    + " descriptors=8 is too long, size must not exceed 4096; connection closed",
                    backend.closedBecause());
        }
    }

    @Test
    void aTruncatedMessageIsReportedWithWhatArrived() {
        byte[] table = message(5, PLAIN, 1, 0, 0L, 4096L, 0L, 0L);
        for (int length = 1; length < table.length; length++) {
            BackendFixture backend = new BackendFixture();
            backend.peer.sendWithFiles(Arrays.copyOf(table, length), 1);
            backend.close();
            int wanted = length < 12 ? 12 : table.length;
            assertEquals(List.of("WARNING (test) connection ended inside a message, after " + length
                    + " bytes of " + wanted + "; connection closed"), backend.log.records());
            assertEquals(descriptorsBefore, Descriptor.openDescriptors(), "length=" + length);
        }
    }

    @Test
    void garbageEndsTheConnection() {
        try (BackendFixture backend = new BackendFixture()) {
            backend.peer.sendBytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(US_ASCII));
            assertStartsWith("WARNING (test) request 542393671 flags=0x5448202f", backend.closedBecause());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {BackendFixture.QUEUES, 0x10001, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF})
    void aRingIndexIsComparedInAllItsBits(int ring) {
        String reason = "queue " + Integer.toUnsignedString(ring) + " does not exist: there are "
                + BackendFixture.QUEUES;
        refused(reason, 0, 8, ring, 64);
        refused(reason, 0, 10, ring, 0);
        refused(reason, 0, 18, ring, 0);
        refused(reason, 0, 9, ring, 0, 0L, 0L, 0L, 0L);
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.peer.send(11, NEED_REPLY, ring, 0);
            assertStartsWith("WARNING (test) GET_VRING_BASE refused: " + reason, backend.closedBecause());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {BackendFixture.QUEUES, 0xFF})
    void aRingIndexBesideADescriptorHasEightBits(long ring) {
        for (int id : new int[] {12, 13, 14}) {
            refused("queue " + ring + " does not exist", 1, id, ring);
            refused("queue " + ring + " does not exist", 0, id, ring | 0x100);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 65536, -1, Integer.MIN_VALUE})
    void aRingSizeMustBeAPowerOfTwo(int size) {
        refused("", 0, 8, 1, size);
    }

    @Test
    void featuresThatWereNeverOfferedAreRefused() {
        refused("", 0, 2, 1L << 63);
        refused("", 0, 2, -1L);
        refused("protocol features=0x80001 contain 0x80000, which were not offered, offered=0x1b03f",
                0, 16, 0x80001L);
    }

    @Test
    void theMessagesOfAFeatureNeedTheFeature() {
        try (BackendFixture backend = new BackendFixture()) {
            backend.peer.send(16, PLAIN, 1L << 3);
            assertEquals(1, backend.ack(39, 1L));
            assertEquals("WARNING (test) SET_STATUS refused: protocol feature STATUS is not negotiated, "
                    + "negotiated=0x8; failure reply sent", backend.log.records().getLast());
        }
    }

    @Test
    void numbersOutOfRangeAreRefused() {
        refused("status 0x100 has more than eight bits", 0, 39, 0x100L);
        refused("enable=2 of ring 1, must be 0 or 1", 0, 18, 1, 2);
        refused("", 0, 10, 0, 0x10000);
        refused("", 0, 10, 0, -1);
    }

    @Test
    void aMemoryTableMustFillItsMessage() {
        long address = 0x1000;
        refused("size=40 does not fit regions=0", 0, 5, 0, 0, address, 4096L, address, 0L);
        refused("size=40 does not fit regions=2", 2, 5, 2, 0, address, 4096L, address, 0L);
        refused("descriptors=0, must be 134217728", 0, 5, 0x0800_0000, 0);
        refused("descriptors=1, must be 4294967295", 1, 5, -1, 0, address, 4096L, address, 0L);
        refused("", 0, 5, 0, 0);
    }

    @Test
    void ringsAreStartedAfterTheyHaveBeenDescribed() {
        refused("queue 0 was started before its size, its addresses and the memory table", 1, 12, 0L);
    }

    @Test
    void ringAddressesAreAlignedAndInsideTheMemory() {
        long page = BackendFixture.MEMORY;
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.mapMemory();
            backend.describeRing(0);
            assertAddressesRefused(backend, "descriptor table", page + 8, page + 2048, page + 1024);
            assertAddressesRefused(backend, "driver area", page, page + 2048, page + 1025);
            assertAddressesRefused(backend, "device area", page, page + 2050, page + 1024);
            assertEquals(0, backend.ack(message(12, NEED_REPLY, 0L), 1), "the last good addresses count");
        }
        for (long unmapped : new long[] {0, page - 16, page + 4096, page + 4080, -16, Long.MIN_VALUE}) {
            try (BackendFixture backend = BackendFixture.negotiated()) {
                backend.mapMemory();
                backend.describeRing(0);
                assertAddressesRefused(backend, "descriptor table", unmapped, page + 2048, page + 1024);
                assertAddressesRefused(backend, "driver area", page, page + 2048, unmapped);
                assertAddressesRefused(backend, "device area", page, unmapped, page + 1024);
            }
        }
    }

    private static void assertAddressesRefused(
            BackendFixture backend, String area, long desc, long used, long avail) {
        assertEquals(1, backend.ack(9, 0, 0, desc, used, avail, 0L));
        assertStartsWith("WARNING (test) SET_VRING_ADDR refused: queue 0: " + area + " at 0x",
                backend.log.records().getLast());
    }

    @Test
    void aDescriptorThatCannotBeSignalledIsRefused() {
        try (BackendFixture backend = BackendFixture.negotiated();
                Descriptor pathOnly = Opened.pathOnly(Path.of("/"))) {
            backend.mapMemory();
            backend.describeRing(0);
            for (int id : new int[] {12, 13, 14}) {
                backend.peer.sendBytes(message(id, NEED_REPLY, 0L), pathOnly.fd());
                assertEquals(1, backend.peer.receive().u64());
                String text = " refused: queue 0: descriptor cannot be signalled: ";
                assertStartsWith("WARNING (test) " + Request.name(id) + text,
                        backend.log.records().getLast());
            }
        }
    }

    @Test
    void memoryWhoseFileIsTruncatedEndsTheConnection() throws Exception {
        try (BackendFixture backend = BackendFixture.negotiated();
                Descriptor file = MemFd.create("short", 4096)) {
            long page = BackendFixture.MEMORY;
            backend.peer.sendBytes(message(5, NEED_REPLY, 1, 0, page, 4096L, page, 0L), file.fd());
            assertEquals(0, backend.peer.receive().u64());
            backend.describeRing(0);
            try (FileChannel channel = FileChannel.open(Path.of("/proc/self/fd/" + file.fd()), WRITE)) {
                channel.truncate(0);
            }
            backend.peer.sendWithFiles(message(12, NEED_REPLY, 0L), 1);
            assertEquals("WARNING (test) the device has failed; connection closed", backend.closedBecause());
        }
    }

    @Test
    void warningsOfAPeerThatGoesOnAndOnAreCounted() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            int messages = 1000;
            for (int i = 0; i < messages; i++) {
                assertEquals(1, backend.ack(8, 0, 3));
            }
            int records = backend.log.records().size();
            assertTrue(records >= WarningLimiter.BURST && records < messages, () -> records + " records");
        }
    }
}
