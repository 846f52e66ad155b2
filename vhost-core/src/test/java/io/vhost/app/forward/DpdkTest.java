package io.vhost.app.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.vhost.app.Await;
import io.vhost.app.demo.Exchange;
import io.vhost.app.polling.DmaKind;
import io.vhost.app.polling.PortCounters;
import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.dma.DmaRegistry;
import io.vhost.driver.DriverConfig;
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
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Forwarding between DPDK's virtio-user and itself, us, and another.
 * {@code -Dpeer.seconds} says how long traffic flows in those tests where that matters; where it is said,
 * packed rings are tried in as many combinations as split ones.
 */
@Tag("peer")
class DpdkTest {
    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("peer.seconds", 1));
    private static final boolean LONG = Integer.getInteger("peer.seconds") != null;
    private static final int CYCLES = Integer.getInteger("peer.cycles", 5);
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final DriverConfig DRIVER = DriverConfig.defaults();
    private static final long PACKETS = 100_000;
    private static final int BURSTS = 8;
    private static final int JUMBO = 9014;
    /** Stands for sizes that vary up to a full frame, and to a jumbo frame. */
    private static final int VARIED = 0;
    private static final int VARIED_TO_JUMBO = -JUMBO;

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

    /** The ways in which it works with a packed ring. */
    static Stream<String> packedPaths() {
        return Stream.of("packed_vq=1", "packed_vq=1,in_order=0", "packed_vq=1,mrg_rxbuf=0",
                "packed_vq=1,mrg_rxbuf=0,in_order=0", "packed_vq=1,mrg_rxbuf=0,in_order=1,vectorized=1");
    }

    static Stream<String> paths() {
        return Stream.concat(splitPaths(), packedPaths());
    }

    private static Stream<Arguments> with(Stream<String> paths, Integer... sizes) {
        return paths.flatMap(path -> Stream.of(sizes).map(size -> Arguments.of(path, size)));
    }

    static Stream<Arguments> pathsAndSizes() {
        return Stream.concat(
                with(splitPaths(), 64, 1518),
                LONG ? with(packedPaths(), 64, 1518, JUMBO) : with(packedPaths(), 64, 1518));
    }

    static Stream<Arguments> pathsAndPatterns() {
        return LONG
                ? with(paths(), 64, 1518, VARIED, VARIED_TO_JUMBO)
                : Stream.concat(
                        with(splitPaths(), 64, 1518, VARIED), with(packedPaths(), VARIED, VARIED_TO_JUMBO));
    }

    /** In the short form one of the two engines each. */
    static Stream<Arguments> pathsPatternsAndEngines() {
        return LONG
                ? andEngines(with(paths(), 64, 1518, VARIED_TO_JUMBO))
                : paths().map(path -> Arguments.of(path, VARIED_TO_JUMBO,
                        path.contains("in_order=0") ? DmaKind.INLINE : DmaKind.WORKER));
    }

    static Stream<Arguments> splitPathsSizesAndEngines() {
        return andEngines(with(splitPaths(), 64, 1518));
    }

    static Stream<Arguments> pathsSizesAndEngines() {
        Stream<Arguments> packed = LONG
                ? andEngines(with(packedPaths(), 64, 1518, JUMBO))
                : packedPaths().flatMap(path -> Stream.of(
                        Arguments.of(path, 64, DmaKind.WORKER), Arguments.of(path, 1518, DmaKind.INLINE)));
        return Stream.concat(splitPathsSizesAndEngines(), packed);
    }

    private static Stream<Arguments> andEngines(Stream<Arguments> paths) {
        return paths.flatMap(one -> Stream.of(DmaKind.values())
                .map(kind -> Arguments.of(one.get()[0], one.get()[1], kind)));
    }

    static Stream<Arguments> restartedPaths() {
        return Stream.concat(
                splitPaths().map(path -> Arguments.of(path, 10)),
                packedPaths().map(path -> Arguments.of(path, CYCLES)));
    }

    static Stream<Arguments> restartedPathsAndEngines() {
        return Stream.of("", "packed_vq=1")
                .flatMap(path -> Stream.of(DmaKind.values()).map(kind -> Arguments.of(path, kind)));
    }

    @ParameterizedTest
    @MethodSource("pathsAndSizes")
    void nothingIsLostAndBothSidesCountTheSame(String path, int size) throws IOException {
        exchange(path, size, VhostConfig.defaults());
    }

    /** The same through the asynchronous calls, with a thread that copies and without. */
    @ParameterizedTest
    @MethodSource("pathsSizesAndEngines")
    void nothingIsLostWhenDmaChannelsCopy(String path, int size, DmaKind kind) throws IOException {
        try (DmaRegistry dma = kind.channels(1)) {
            exchange(path, size, VhostConfig.builder().asyncCopy(dma).build());
        }
    }

    /** A front-end whose ring is the one that {@code path} says. */
    private TestPmd start(String path, TestPmd.Builder builder, int size, Forwarder forwarder) {
        TestPmd front = (Math.abs(size) == JUMBO ? builder.jumbo() : builder).device(path).cpu(1).start();
        Await.until("the queues run", () -> forwarder.ports().getFirst().device() != null);
        VhostDevice device = forwarder.ports().getFirst().device();
        assertEquals(path.contains("packed_vq=1"), device.has(Feature.VIRTIO_F_RING_PACKED));
        return front;
    }

    private void exchange(String path, int size, VhostConfig config) throws IOException {
        try (Forwarder forwarder = forwarder(1, false, config);
                TestPmd front =
                        start(path, TestPmd.frontEnd(socket(0)).packetBytes(size), size, forwarder)) {
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
    @MethodSource("pathsAndPatterns")
    void everyByteComesBackFromTheOtherSide(String path, int size) throws IOException {
        verify(path, size, VhostConfig.defaults());
    }

    @ParameterizedTest
    @MethodSource("pathsPatternsAndEngines")
    void everyByteComesBackWhenDmaChannelsCopy(String path, int size, DmaKind kind) throws IOException {
        try (DmaRegistry dma = kind.channels(1)) {
            verify(path, size, VhostConfig.builder().asyncCopy(dma).build());
        }
    }

    private void verify(String path, int size, VhostConfig config) throws IOException {
        try (Forwarder forwarder = forwarder(2, false, config);
                TestPmd front =
                        start(path, TestPmd.frontEnd(socket(0)).mode("macswap"), size, forwarder)) {
            front.start();
            DriverConfig driver = driver(path, size);
            long enough = Math.abs(size) == JUMBO ? PACKETS / 10 : PACKETS;
            long passed;
            try (Exchange exchange = exchange(driver, size).start()) {
                assertFalse(front.ended(TIME), front::output);
                Await.until("enough has passed", () -> exchange.received() >= enough);
                exchange.stop();
                passed = exchange.finish();
            }
            assertEquals(passed, front.portCounters().received());
            PortCounters theirs = forwarder.ports().get(0).counters();
            assertEquals(new PortCounters(passed, theirs.rxBytes(), passed, theirs.rxBytes(), 0, 0, 0),
                    theirs);
            System.out.printf("forward: %s, %s bytes: %,d packets verified%n",
                    path.isEmpty() ? "default" : path,
                    size > 0 ? size : "60 to " + (size == VARIED ? 1514 : JUMBO), passed);
        }
    }

    private Exchange exchange(DriverConfig driver, int size) throws IOException {
        return size == VARIED_TO_JUMBO
                ? Exchange.loopUpTo(JUMBO, socket(1), driver, Long.MAX_VALUE, true)
                : Exchange.loop(socket(1), driver, size, Long.MAX_VALUE, true);
    }

    /** Our driver has the same kind of ring as theirs. */
    private static DriverConfig driver(String path, int size) {
        DriverConfig driver = Math.abs(size) == JUMBO
                ? DRIVER.withPackets(512, 128 + 9216, Integer.MAX_VALUE)
                : DRIVER;
        return path.contains("packed_vq=1") ? driver.withPackedRings() : driver;
    }

    /** -Dpeer.cycles says how often those with packed rings. */
    @ParameterizedTest
    @MethodSource("restartedPaths")
    void thePortIsStoppedAndStartedAgain(String path, int times) throws IOException {
        try (Forwarder forwarder = forwarder(1);
                TestPmd front = start(path, TestPmd.frontEnd(socket(0)), 64, forwarder)) {
            for (int round = 0; round < times; round++) {
                front.restartUnderTraffic();
            }
            assertEquals(0, forwarder.ports().getFirst().counters().badPackets());
            assertEquals(0, front.quit());
            System.out.printf("forward: %s: stopped and started %d times%n", path, times);
        }
    }

    /** -Dpeer.cycles says how often; packets are in flight each time. */
    @ParameterizedTest
    @MethodSource("restartedPathsAndEngines")
    void thePortIsStoppedAndStartedUnderTrafficWhileDmaChannelsCopy(String path, DmaKind kind)
            throws IOException {
        try (DmaRegistry dma = kind.channels(1);
                Forwarder forwarder = forwarder(1, false, VhostConfig.builder().asyncCopy(dma).build());
                TestPmd front = start(path, TestPmd.frontEnd(socket(0)), 64, forwarder)) {
            for (int cycle = 0; cycle < CYCLES; cycle++) {
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
        return new Forwarder(config, names, openings, swap, List.of(), _ -> {});
    }
}
