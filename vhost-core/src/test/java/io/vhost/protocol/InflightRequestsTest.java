package io.vhost.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.os.Descriptor;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** GET_INFLIGHT_FD and SET_INFLIGHT_FD, and protocol features that nobody here knows. */
class InflightRequestsTest {
    private static final int GET = 31;
    private static final int SET = 32;
    /** Two split rings of 16 entries: 16 + 256 bytes each, to the next multiple of 64. */
    private static final long BYTES = 640;

    private static byte[] set(long size, long offset, int queues, int queueSize) {
        return RawPeer.message(SET, RawPeer.NEED_REPLY, size, offset, queues | queueSize << 16, 0);
    }

    @Test
    void aRegionIsCreatedAndGivenBack() throws IOException {
        try (BackendFixture backend = new BackendFixture();
                FrontendSession front = backend.frontend(Duration.ofSeconds(30))) {
            long offered = front.handshake(VhostConfig.SUPPORTED_PROTOCOL);
            for (boolean packed : new boolean[] {false, true}) {
                front.features(packed ? offered : offered & ~Feature.VIRTIO_F_RING_PACKED.mask());
                try (InflightFile region = front.createInflight(3, 64)) {
                    // 16 + 16 * 64 and 32 + 32 * 64 bytes, to the next multiple of 64.
                    assertEquals(3L * (packed ? 2112 : 1088), region.size());
                    assertEquals(0, region.offset());
                    assertEquals(region.size(), region.file().size());
                    Path path = Path.of("/proc/self/fd/" + region.file().fd());
                    try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
                        assertThrows(IOException.class, () -> file.truncate(region.size() - 1));
                    }
                    front.inflight(region);
                    front.inflight(region);
                }
            }
        }
    }

    /** CVE-2020-10726. */
    @Test
    void manyRegionsLeaveNothingBehind() throws IOException {
        try (BackendFixture backend = new BackendFixture();
                FrontendSession front = backend.frontend(Duration.ofSeconds(30))) {
            front.handshake(VhostConfig.SUPPORTED_PROTOCOL);
            int before = Descriptor.openDescriptors();
            for (int i = 0; i < 10_000; i++) {
                front.createInflight(BackendFixture.QUEUES, 256).close();
            }
            front.barrier();
            assertEquals(before, Descriptor.openDescriptors());
        }
    }

    /** The answer is as long as the question, and the padding is zeros. */
    @Test
    void theAnswerIsPaddedAsTheQuestionIs() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.peer.send(GET, RawPeer.PLAIN, 0L, 0L, 2 | 16 << 16);
            backend.peer.expect(RawPeer.message(GET, RawPeer.REPLY, BYTES, 0L, 2 | 16 << 16));
            backend.peer.send(GET, RawPeer.PLAIN, -1L, -1L, 2 | 16 << 16, -1);
            backend.peer.expect(RawPeer.message(GET, RawPeer.REPLY, BYTES, 0L, 2 | 16 << 16, 0));
        }
    }

    @ParameterizedTest
    @CsvSource({"0,16", "5,16", "65535,16", "2,0", "2,3", "2,32769", "2,65535"})
    void noRegionIsCreatedForRingsThatAreNot(int queues, int queueSize) {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.peer.send(GET, RawPeer.PLAIN, 0L, 0L, queues | queueSize << 16, 0);
            String text = backend.closedBecause();
            assertTrue(text.contains("GET_INFLIGHT_FD refused: in-flight region for"), text);
        }
    }

    /** The file has 4096 bytes; the front-end's rows of CVE-2021-3839 among them. */
    @ParameterizedTest
    @CsvSource({"640,0,2,16,0", "640,3456,2,16,0", "4096,0,2,16,0", "639,0,2,16,1", "640,3520,2,16,1",
            "4097,0,2,16,1", "640,8,2,16,1", "640,32,2,16,1", "640,-64,2,16,1", "-1,0,2,16,1",
            "9223372036854775807,64,2,16,1", "640,9223372036854775744,2,16,1", "0,0,2,16,1",
            "4096,0,0,16,1", "4096,0,5,16,1", "4096,0,65535,16,1", "4096,0,2,0,1", "4096,0,2,15,1",
            "4096,0,4,32,0", "4096,0,4,64,1", "4096,0,2,65535,1"})
    void aRegionHasToFit(long size, long offset, int queues, int queueSize, long result) {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            int before = Descriptor.openDescriptors();
            assertEquals(result, backend.ack(set(size, offset, queues, queueSize), 1));
            assertEquals(0, backend.ack(set(BYTES, 0, 2, 16), 1), "the session goes on");
            assertEquals(before, Descriptor.openDescriptors());
        }
    }

    /** The bits of newer front-ends are never offered, and no reason to end a session. */
    @ParameterizedTest
    @ValueSource(ints = {20, 21, 22, 23, 63})
    void protocolFeaturesWithoutANameAreLeftOut(int bit) {
        try (BackendFixture backend = new BackendFixture()) {
            long offered = backend.ask(15);
            assertEquals(0, offered & 1L << bit);
            assertEquals(0, backend.ack(16, offered | 1L << bit));
            assertEquals(BackendFixture.QUEUES / 2, backend.ask(17));
        }
    }
}
