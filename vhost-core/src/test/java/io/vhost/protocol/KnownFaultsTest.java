package io.vhost.protocol;

import static io.vhost.protocol.RawPeer.NEED_REPLY;
import static io.vhost.protocol.RawPeer.PLAIN;
import static io.vhost.protocol.RawPeer.message;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.Descriptor;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Faults that other back-ends had in their messages, by their names. For where the others are see the test of
 * this name in {@code io.vhost.device}.
 *
 * <p>More of the same: {@link HostileFrontendTest}, {@link InflightRequestsTest}, {@link SessionFuzzTest}.
 */
class KnownFaultsTest {
    private static final int SET_MEM_TABLE = 5;
    private static final int SET_LOG_BASE = 6;
    private static final int SET_VRING_NUM = 8;
    private static final int GET_INFLIGHT_FD = 31;
    private static final int SET_INFLIGHT_FD = 32;
    private static final int ADD_MEM_REG = 37;
    private static final int REPEATS = 20_000;
    private static final int REGIONS = 2_000;

    private int before;

    @BeforeEach
    void countDescriptors() {
        before = Descriptor.openDescriptors();
    }

    @AfterEach
    void noDescriptorIsLeft() {
        assertEquals(before, Descriptor.openDescriptors(), "open descriptors");
    }

    private static void refused(int descriptors, int id, Object... payload) {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.mapMemory();
            int open = Descriptor.openDescriptors();
            assertEquals(1, backend.ack(message(id, NEED_REPLY, payload), descriptors));
            // Descriptors are closed behind the answer.
            backend.ask(1);
            assertEquals(open, Descriptor.openDescriptors());
        }
    }

    @Test
    void cve201914818RepeatedSizesAndDescriptorsThatNobodyAskedFor() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.ask(1);
            int open = Descriptor.openDescriptors();
            for (int i = 0; i < REPEATS; i++) {
                backend.peer.send(SET_VRING_NUM, PLAIN, i % BackendFixture.QUEUES, 256);
            }
            backend.ask(1);
            assertEquals(1, backend.ack(message(SET_VRING_NUM, NEED_REPLY, 0, 256), 8));
            backend.ask(1);
            assertEquals(open, Descriptor.openDescriptors());
        }
    }

    @ParameterizedTest
    @CsvSource({"-1,1", "-1,-1", "1,-1", "9223372036854775807,1", "9223372036854775807,9223372036854775807",
            "-4096,4096", "0,0"})
    void cve202010722SizeAndOffsetOfALogThatOverflow(long size, long offset) {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.peer.sendWithFiles(message(SET_LOG_BASE, NEED_REPLY, size, offset), 1);
            String text = backend.closedBecause();
            assertTrue(text.startsWith("WARNING (test) SET_LOG_BASE refused: dirty log of size="), text);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0x10001, 0x10000, 0x7FFF_0001, 0x8000_0001})
    void cve202010723ARingIndexWhoseLowerHalfIsGood(int index) {
        refused(0, SET_VRING_NUM, index, 64);
        refused(0, 10, index, 0);
        refused(0, 18, index, 0);
        refused(0, 9, index, 0, BackendFixture.MEMORY, BackendFixture.MEMORY, BackendFixture.MEMORY, 0L);
    }

    @Test
    void cve202010726RegionsThatAreAskedForAgainAndAgain() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.ask(1);
            int open = Descriptor.openDescriptors();
            for (int i = 0; i < REGIONS; i++) {
                backend.peer.send(GET_INFLIGHT_FD, PLAIN, 0L, 0L, 2 | 16 << 16, 0);
                assertEquals(1, backend.peer.receive().descriptors());
            }
            backend.ask(1);
            assertEquals(open, Descriptor.openDescriptors());
        }
    }

    /** The file has 4096 bytes; queues, size of a queue, bytes. */
    @ParameterizedTest
    @CsvSource({"65535,16,4096", "5,16,4096", "0,16,4096", "2,0,4096", "2,65535,4096",
            "2,16,639", "2,16,4097"})
    void cve20213839AnInflightRegionForMoreThanThereIs(int queues, int size, long bytes) {
        refused(1, SET_INFLIGHT_FD, bytes, 0L, queues | size << 16, 0);
    }

    @Test
    void cve20220669DescriptorsWithInflightMessages() {
        for (int descriptors : new int[] {0, 2, 8}) {
            refused(descriptors, SET_INFLIGHT_FD, 640L, 0L, 2 | 16 << 16, 0);
        }
        for (int descriptors : new int[] {1, 8}) {
            try (BackendFixture backend = BackendFixture.negotiated()) {
                backend.peer.sendWithFiles(
                        message(GET_INFLIGHT_FD, PLAIN, 0L, 0L, 2 | 16 << 16, 0), descriptors);
                backend.closedBecause();
            }
            assertEquals(before, Descriptor.openDescriptors());
        }
    }

    /** The first that there is not, the next, and the last. */
    @ParameterizedTest
    @ValueSource(ints = {BackendFixture.QUEUES, BackendFixture.QUEUES + 1, -1})
    void queueIndexesOffByOneAndNegative(int index) {
        refused(0, SET_VRING_NUM, index, 64);
        refused(0, 18, index, 1);
        refused(1, 12, index & 0xFFL);
    }

    @Test
    void descriptorsOfMessagesThatAreCutOffOrTooLong() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.peer.sendWithFiles(RawPeer.bytes(SET_MEM_TABLE, NEED_REPLY, 4097), 8);
            backend.closedBecause();
        }
        assertEquals(before, Descriptor.openDescriptors());
        for (int descriptors : new int[] {17, 253}) {
            try (BackendFixture backend = BackendFixture.negotiated()) {
                backend.peer.sendWithFiles(message(3, PLAIN), descriptors);
                backend.closedBecause();
            }
            assertEquals(before, Descriptor.openDescriptors());
        }
    }

    @Test
    void placeGAMessageThatArrivesByteByByte() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            byte[] bytes = message(SET_VRING_NUM, NEED_REPLY, 0, 64);
            for (int i = 0; i < bytes.length; i++) {
                backend.peer.sendBytes(Arrays.copyOfRange(bytes, i, i + 1));
            }
            assertEquals(0, backend.peer.receive().u64());
        }
    }

    /** Guest address, size, front-end's address, offset; the file has 4096 bytes. */
    @ParameterizedTest
    @CsvSource({"0,0,0,0", "-4096,8192,4096,0", "4096,8192,-4096,0", "4096,-1,4096,1", "4096,4096,4096,-4096",
            "4096,4096,4096,4096", "4096,4097,4096,0"})
    void placeMARegionThatIsEmptyOrWrapsAround(long guest, long size, long user, long offset) {
        refused(1, ADD_MEM_REG, 0L, guest, size, user, offset);
    }

    @Test
    void placeNARegionThatComesTwice() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            for (int i = 0; i < 2; i++) {
                byte[] region = message(ADD_MEM_REG, NEED_REPLY, 0L, 4096L, 4096L, 4096L, 0L);
                assertEquals(0, backend.ack(region, 1));
            }
        }
    }

    /** There, 0 ended the process well and others not so well. */
    @ParameterizedTest
    @ValueSource(ints = {0, 45, 77, -1})
    void libvhostUserAMessageThatIsNone(int id) {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.peer.send(id, NEED_REPLY);
            RawPeer.Answer answer = backend.peer.receive();
            assertTrue(answer == null || answer.u64() != 0);
        }
        try (BackendFixture another = BackendFixture.negotiated()) {
            another.ask(1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 9, 0x0800_0000, -1})
    void libvhostUserATableOfAnyNumberOfRegions(int regions) {
        refused(Math.clamp(regions, 0, 9), SET_MEM_TABLE, regions, 0, 4096L, 4096L, 4096L, 0L);
    }
}
