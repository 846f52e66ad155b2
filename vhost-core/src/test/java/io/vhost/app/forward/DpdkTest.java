package io.vhost.app.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.vhost.app.Await;
import io.vhost.app.demo.Exchange;
import io.vhost.app.polling.DmaKind;
import io.vhost.app.polling.PortCounters;
import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.dma.DmaRegistry;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.DriverConfig.TransmitMode;
import io.vhost.peer.Counters;
import io.vhost.peer.TestPmd;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Forwarding between DPDK's virtio-user and itself, us, and another; and our driver with DPDK's back-end.
 * {@code -Dpeer.seconds} says how long traffic flows in those tests where that matters.
 */
@Tag("peer")
class DpdkTest {
    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("peer.seconds", 1));
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final DriverConfig DRIVER = DriverConfig.defaults();
    private static final long PACKETS = 100_000;
    private static final int BURSTS = 8;

    @TempDir
    private Path directory;

    @BeforeEach
    void needs() {
        TestPmd.require();
    }

    /** The ways in which virtio-user works with a split ring, as its device arguments. */
    static Stream<String> splitPaths() {
        return Stream.of("", "in_order=0", "mrg_rxbuf=0,in_order=0", "mrg_rxbuf=0,in_order=1",
                "mrg_rxbuf=0,in_order=0,vectorized=1");
    }

    static Stream<Arguments> splitPathsAndSizes() {
        return splitPaths().flatMap(path -> Stream.of(Arguments.of(path, 64), Arguments.of(path, 1518)));
    }

    /** The same, and with sizes that vary. */
    static Stream<Arguments> splitPathsAndPatterns() {
        return Stream.concat(splitPathsAndSizes(), splitPaths().map(path -> Arguments.of(path, 0)));
    }

    static Stream<Arguments> splitPathsSizesAndEngines() {
        return splitPathsAndSizes().flatMap(one -> Stream.of(DmaKind.values())
                .map(kind -> Arguments.of(one.get()[0], one.get()[1], kind)));
    }

    @ParameterizedTest
    @MethodSource("splitPathsAndSizes")
    void nothingIsLostAndBothSidesCountTheSame(String path, int size) throws IOException {
        exchange(path, size, VhostConfig.defaults());
    }

    /** The same through the asynchronous calls, with a thread that copies and without. */
    @ParameterizedTest
    @MethodSource("splitPathsSizesAndEngines")
    void nothingIsLostWhenDmaChannelsCopy(String path, int size, DmaKind kind) throws IOException {
        try (DmaRegistry dma = kind.channels(1)) {
            exchange(path, size, VhostConfig.builder().asyncCopy(dma).build());
        }
    }

    private void exchange(String path, int size, VhostConfig config) throws IOException {
        try (Forwarder forwarder = forwarder(1, false, config);
                TestPmd front = TestPmd.frontEnd(socket(0)).cpu(1).device(path).packetBytes(size).start()) {
            long sent = front.circulate(TIME);
            assertEquals(0, front.forwardCounters().value("TX-dropped"));
            ForwardPort port = forwarder.ports().getFirst();
            Await.until("all that was sent is forwarded", () -> port.counters().txPackets() >= sent);
            assertEquals(new PortCounters(sent, size * sent, sent, size * sent, 0, 0, 0), port.counters());

            Counters theirs = front.drain(sent);
            assertEquals(size * sent, theirs.value("RX-bytes"));
            assertEquals(0,
                    theirs.value("RX-errors") + theirs.value("TX-errors") + theirs.value("RX-missed"));
            System.out.printf("forward: %s, %d bytes: %,d packets there and back, none lost%n",
                    path.isEmpty() ? "default" : path, size, sent);
        }
    }

    /**
     * Our guest, our forwarder, DPDK, and back:
     * each packet passes the forwarder twice, and is checked to the last byte.
     */
    @ParameterizedTest
    @MethodSource("splitPathsAndPatterns")
    void everyByteComesBackFromTheOtherSide(String path, int size) throws IOException {
        try (Forwarder forwarder = forwarder(2);
                TestPmd front = TestPmd.frontEnd(socket(0)).cpu(1).device(path).mode("macswap").start()) {
            front.start();
            long passed;
            try (Exchange exchange = Exchange.loop(socket(1), DRIVER, size, Long.MAX_VALUE, true).start()) {
                assertFalse(front.ended(TIME), front::output);
                Await.until("enough has passed", () -> exchange.received() >= PACKETS);
                exchange.stop();
                passed = exchange.finish();
            }
            assertEquals(passed, front.portCounters().received());
            PortCounters theirs = forwarder.ports().get(0).counters();
            assertEquals(new PortCounters(passed, theirs.rxBytes(), passed, theirs.rxBytes(), 0, 0, 0),
                    theirs);
            System.out.printf("forward: %s, %s bytes: %,d packets verified%n",
                    path.isEmpty() ? "default" : path, size == 0 ? "60 to 1514" : size, passed);
        }
    }

    @ParameterizedTest
    @MethodSource("splitPaths")
    void thePortIsStoppedAndStartedTenTimes(String path) throws IOException {
        try (Forwarder forwarder = forwarder(1);
                TestPmd front = TestPmd.frontEnd(socket(0)).cpu(1).device(path).start()) {
            for (int round = 0; round < 10; round++) {
                front.restartUnderTraffic();
            }
            assertEquals(0, forwarder.ports().getFirst().counters().badPackets());
            assertEquals(0, front.quit());
        }
    }

    /** -Dpeer.cycles says how often; packets are in flight each time. */
    @ParameterizedTest
    @EnumSource(DmaKind.class)
    void thePortIsStoppedAndStartedUnderTrafficWhileDmaChannelsCopy(DmaKind kind) throws IOException {
        try (DmaRegistry dma = kind.channels(1);
                Forwarder forwarder = forwarder(1, false, VhostConfig.builder().asyncCopy(dma).build());
                TestPmd front = TestPmd.frontEnd(socket(0)).cpu(1).start()) {
            for (int cycle = 0; cycle < Integer.getInteger("peer.cycles", 5); cycle++) {
                front.restartUnderTraffic();
            }
            forwarder.check();
            assertEquals(0, forwarder.ports().getFirst().counters().badPackets());
            assertEquals(0, front.quit());
        }
    }

    @Test
    void twoPortsAreBridged() throws IOException {
        try (Forwarder forwarder = forwarder(2);
                TestPmd one = TestPmd.frontEnd(socket(0)).cpu(0).start();
                TestPmd other =
                        TestPmd.frontEnd(socket(1))
                                .cpu(1)
                                .device("in_order=0")
                                .packetBytes(1518)
                                .start()) {
            one.start();
            other.startSending(BURSTS);
            assertFalse(other.ended(TIME), other::output);
            other.awaitPortCounters(counters -> counters.received() > 1_000, LIMIT);
            one.awaitPortCounters(counters -> counters.received() > 1_000, LIMIT);
            other.stop();
            one.stop();
            for (ForwardPort port : forwarder.ports()) {
                assertEquals(0, port.counters().dropPackets() + port.counters().badPackets());
            }
            long sentByOne = one.portCounters().sent();
            long sentByOther = other.portCounters().sent();
            Await.until(
                    "all is forwarded",
                    () ->
                            forwarder.ports().get(0).counters().txPackets() == sentByOther
                                    && forwarder.ports().get(1).counters().txPackets()
                                            == sentByOne);
        }
    }

    @Test
    void macswapSwapsForThemAsWell() throws IOException {
        try (Forwarder forwarder = forwarder(1, true);
                TestPmd front = TestPmd.frontEnd(socket(0)).cpu(1).mode("macswap").start()) {
            front.startSending(BURSTS);
            front.awaitPortCounters(counters -> counters.received() > 10_000, LIMIT);
            assertEquals(0, forwarder.ports().getFirst().counters().dropPackets());
        }
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
                DRIVER.withPackets(1024, 2048 + 128, 256));
    }

    @ParameterizedTest
    @MethodSource("drivers")
    void ourDriverExchangesVerifiedPacketsWithTheirBackEnd(DriverConfig driver) throws IOException {
        try (TestPmd back = TestPmd.backEnd(socket(0)).cpu(0).start()) {
            back.start();
            try (Exchange exchange = Exchange.loop(socket(0), driver, 0, PACKETS, false).start()) {
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
    @Test
    void jumboFramesComeBackIntactFromTheirBackEnd() throws IOException {
        DriverConfig large = DRIVER.withPackets(1024, 128 + 9216, 2048);
        try (TestPmd back = TestPmd.backEnd(socket(0)).cpu(0).start()) {
            back.start();
            try (Exchange exchange = Exchange.loop(socket(0), large, 9014, PACKETS / 10, false).start()) {
                assertEquals(PACKETS / 10, exchange.finish());
            }
        }
    }

    @Test
    void theirBackEndServesOneDriverOfOursAfterAnother() throws IOException {
        try (TestPmd back = TestPmd.backEnd(socket(0)).cpu(0).mode("macswap").start()) {
            back.start();
            for (int round = 0; round < 3; round++) {
                try (Exchange exchange = Exchange.loop(socket(0), DRIVER, 1514, PACKETS, true).start()) {
                    assertEquals(PACKETS, exchange.finish());
                }
            }
        }
    }

    private Path socket(int number) {
        return directory.resolve("port" + number);
    }

    private Forwarder forwarder(int ports) throws IOException {
        return forwarder(ports, false);
    }

    private Forwarder forwarder(int ports, boolean swap) throws IOException {
        return forwarder(ports, swap, VhostConfig.defaults());
    }

    private Forwarder forwarder(int ports, boolean swap, VhostConfig config) throws IOException {
        List<String> names = new ArrayList<>();
        List<Forwarder.Opening> openings = new ArrayList<>();
        for (int i = 0; i < ports; i++) {
            Path path = socket(i);
            names.add(path.toString());
            openings.add((offer, port) -> VhostServer.listen(path, offer, port));
        }
        return new Forwarder(config, names, openings, swap, List.of());
    }
}
