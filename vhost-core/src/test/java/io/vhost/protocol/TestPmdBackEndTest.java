package io.vhost.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.Feature;
import io.vhost.device.ProtocolFeature;
import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.MemFd;
import io.vhost.peer.Peers;
import io.vhost.peer.TestPmd;
import io.vhost.state.MemoryRegion;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** DPDK's vhost driver understands our front-end session, and answers as it expects. */
@Tag("peer")
class TestPmdBackEndTest {
    private static final long ALL =
            ProtocolFeature.mask(ProtocolFeature.MQ, ProtocolFeature.REPLY_ACK, ProtocolFeature.STATUS);
    private static final int SIZE = 1 << 16;
    private static final long ADDRESS = 0x7000_0000_0000L;

    @TempDir
    private Path directory;

    @BeforeEach
    void needs() {
        Peers.require("dpdk-testpmd", "stdbuf");
        Peers.requireHugePages(512);
    }

    @Test
    void everyMessageIsAcknowledged() throws Exception {
        Path socket = directory.resolve("socket");
        try (TestPmd _ = TestPmd.backEnd(socket).start();
                FrontendSession session = FrontendSession.connect(socket, Duration.ofSeconds(30));
                EventFd eventfd = EventFd.create();
                Descriptor memory = MemFd.create("memory", SIZE)) {
            long offered = session.handshake(ALL);
            assertEquals(ALL, session.protocolFeatures());
            assertTrue(session.queuePairs() >= 1);
            session.call(0, eventfd.descriptor());
            session.call(1, eventfd.descriptor());
            session.features(offered
                    & Feature.mask(Feature.VIRTIO_F_VERSION_1, Feature.VHOST_USER_F_PROTOCOL_FEATURES));
            session.status(0xB);
            assertEquals(0xB, session.status());
            session.memory(List.of(new MemoryRegion(ADDRESS, ADDRESS, SIZE, 0)), List.of(memory));
            for (int ring = 0; ring < 2; ring++) {
                session.ringSize(ring, 256);
                session.ringBase(ring, 0);
                long desc = ADDRESS + ring * SIZE / 2;
                session.ringAddresses(ring, desc, desc + 0x1000, desc + 0x2000, 0, 0);
                session.error(ring, null);
                session.kick(ring, eventfd.descriptor());
            }
            session.enable(0, true);
            session.enable(1, true);
            session.status(0xF);
            session.barrier();
            session.enable(0, false);
            session.enable(1, false);
            assertEquals(0, session.stopRing(0));
            assertEquals(0, session.stopRing(1));
            assertThrows(ProtocolException.class, () -> session.ringSize(0, 3));
        }
    }
}
