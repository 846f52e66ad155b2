package io.vhost.app.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.app.demo.Exchange;
import io.vhost.device.Feature;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.DriverConfig.TransmitMode;
import io.vhost.driver.VirtioUser;
import io.vhost.peer.Counters;
import io.vhost.peer.TestPmd;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Our driver with DPDK's back-end, with split and with packed rings. */
@Tag("peer")
class DpdkBackEndTest {
    private static final DriverConfig DRIVER = DriverConfig.defaults();
    private static final long PACKETS = 100_000;

    @TempDir
    private Path directory;

    @BeforeEach
    void needs() {
        TestPmd.require();
    }

    private Path socket() {
        return directory.resolve("port");
    }

    static Stream<DriverConfig> rings() {
        return Stream.of(DRIVER, DRIVER.withPackedRings());
    }

    static Stream<DriverConfig> drivers() {
        return Stream.of(
                DRIVER,
                DRIVER.without(Feature.VIRTIO_F_IN_ORDER),
                DRIVER.without(Feature.VIRTIO_NET_F_MRG_RXBUF),
                DRIVER.without(Feature.VIRTIO_F_EVENT_IDX, Feature.VIRTIO_F_INDIRECT_DESC),
                DRIVER.without(Feature.VIRTIO_F_VERSION_1, Feature.VIRTIO_F_IN_ORDER),
                DRIVER.without(Feature.VIRTIO_F_IN_ORDER).withTransmitMode(TransmitMode.CHAINED),
                DRIVER.withTransmitMode(TransmitMode.INDIRECT),
                DRIVER.withPackets(1024, 2048 + 128, 256))
                .flatMap(driver -> Stream.of(driver, driver.withPackedRings()));
    }

    @ParameterizedTest
    @MethodSource("drivers")
    void ourDriverExchangesVerifiedPacketsWithTheirBackEnd(DriverConfig driver) throws IOException {
        try (TestPmd back = TestPmd.backEnd(socket()).cpu(0).start()) {
            back.start();
            try (VirtioUser user = VirtioUser.connect(socket(), driver)) {
                boolean packed = Feature.VIRTIO_F_RING_PACKED.in(driver.features());
                assertEquals(packed, user.has(Feature.VIRTIO_F_RING_PACKED));
            }
            try (Exchange exchange = Exchange.loop(socket(), driver, 0, PACKETS, false).start()) {
                assertEquals(PACKETS, exchange.finish());
            }
            back.stop();
            Counters counters = back.forwardCounters();
            assertEquals(PACKETS, counters.received());
            assertEquals(PACKETS, counters.sent());
            assertEquals(0, counters.value("TX-dropped"));
        }
    }

    /**
     * Each in five buffers there and back: their packet buffers have 2 KiB,
     * and so have those that are offered to them.
     */
    @ParameterizedTest
    @MethodSource("rings")
    void jumboFramesComeBackIntactFromTheirBackEnd(DriverConfig driver) throws IOException {
        DriverConfig large = driver.withPackets(1024, 128 + 9216, 2048);
        try (TestPmd back = TestPmd.backEnd(socket()).cpu(0).start()) {
            back.start();
            try (Exchange exchange = Exchange.loop(socket(), large, 9014, PACKETS / 10, false).start()) {
                assertEquals(PACKETS / 10, exchange.finish());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("rings")
    void theirBackEndServesOneDriverOfOursAfterAnother(DriverConfig driver) throws IOException {
        try (TestPmd back = TestPmd.backEnd(socket()).cpu(0).mode("macswap").start()) {
            back.start();
            for (int round = 0; round < 3; round++) {
                try (Exchange exchange = Exchange.loop(socket(), driver, 1514, PACKETS, true).start()) {
                    assertEquals(PACKETS, exchange.finish());
                }
            }
        }
    }
}
