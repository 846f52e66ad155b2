package io.vhost.app.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.vhost.app.Await;
import io.vhost.app.demo.Exchange;
import io.vhost.app.polling.DmaKind;
import io.vhost.app.polling.PortCounters;
import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.dma.DmaRegistry;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.os.CpuAffinity;
import io.vhost.os.Descriptor;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ForwarderTest {
    private static final DriverConfig DRIVER = DriverConfig.defaults();
    private static final long PACKETS = 5_000;

    @TempDir
    private Path directory;

    private int descriptors;

    @BeforeEach
    void countDescriptors() {
        descriptors = Descriptor.openDescriptors();
    }

    @AfterEach
    void nothingIsLeftBehind() throws IOException {
        assertEquals(descriptors, Descriptor.openDescriptors());
        try (var files = Files.list(directory)) {
            assertEquals(List.of(), files.toList());
        }
    }

    @Test
    void twoSocketsArePartners() throws IOException {
        try (Forwarder forwarder = forwarder(2, false)) {
            try (Exchange exchange = Exchange.between(socket(0), socket(1), DRIVER, 0, PACKETS).start()) {
                assertEquals(2 * PACKETS, exchange.finish());
            }
            for (ForwardPort port : forwarder.ports()) {
                PortCounters counters = port.counters();
                assertEquals(PACKETS, counters.rxPackets());
                assertEquals(PACKETS, counters.txPackets());
                assertEquals(
                        PortCounters.ZERO,
                        PortCounters.dropped(counters.dropPackets(), counters.dropBytes()));
                assertEquals(0, counters.badPackets());
            }
            assertEquals(
                    forwarder.ports().get(0).counters().rxBytes(),
                    forwarder.ports().get(1).counters().txBytes());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSocketWithoutPartnerGetsItsPacketsBack(boolean swapped) throws IOException {
        try (Forwarder forwarder = forwarder(3, swapped);
                Exchange exchange = Exchange.loop(socket(2), DRIVER, 0, PACKETS, swapped).start()) {
            assertEquals(PACKETS, exchange.finish());
            assertEquals(PACKETS, forwarder.ports().get(2).counters().txPackets());
        }
    }

    @Test
    void jumboFramesPass() throws IOException {
        DriverConfig large = DRIVER.withPackets(1024, 128 + 9216, Integer.MAX_VALUE);
        try (Forwarder forwarder = forwarder(1, true);
                Exchange exchange = Exchange.loop(socket(0), large, 9014, PACKETS, true).start()) {
            assertEquals(PACKETS, exchange.finish());
            assertEquals(9014 * PACKETS, forwarder.ports().getFirst().counters().rxBytes());
        }
    }

    @Test
    void shortPacketsAreNotSwapped() throws IOException {
        try (Forwarder forwarder = forwarder(1, true);
                VirtioUser driver = VirtioUser.connect(socket(0), DRIVER)) {
            Packet[] packets = {driver.pool().take()};
            packets[0].reset(11);
            packets[0].putNetworkLong(0, 0x0102030405060708L);
            assertEquals(1, driver.transmitBurst(0, packets, 0, 1));
            Await.until("the packet comes back", () -> driver.receiveBurst(0, packets, 0, 1) == 1);
            assertEquals(11, packets[0].length());
            assertEquals(0x0102030405060708L, packets[0].networkLongAt(0));
            assertEquals(1, forwarder.ports().getFirst().counters().rxPackets());
        }
    }

    @Test
    void eachQueuePairHasItsPartner() throws IOException {
        VhostConfig config = VhostConfig.builder().queuePairs(3).build();
        int cpu = CpuAffinity.allowedCpus()[0];
        try (Forwarder forwarder = forwarder(1, false, config, List.of(cpu, cpu));
                VirtioUser driver = VirtioUser.connect(socket(0), DRIVER.withQueues(3, 64))) {
            assertEquals(2, forwarder.threads().size());
            for (int pair = 0; pair < 3; pair++) {
                Packet[] packets = {driver.pool().take()};
                packets[0].reset(60);
                packets[0].putByte(59, pair);
                assertEquals(1, driver.transmitBurst(pair, packets, 0, 1));
                int same = pair;
                Await.until(
                        "the packet comes back",
                        () -> driver.receiveBurst(same, packets, 0, 1) == 1);
                assertEquals(pair, packets[0].byteAt(59));
                packets[0].release();
            }
        }
    }

    @Test
    void packetsForNobodyAreDroppedAndCounted() throws IOException {
        try (Forwarder forwarder = forwarder(2, false);
                VirtioUser driver = VirtioUser.connect(socket(0), DRIVER)) {
            send(driver, 100);
            ForwardPort target = forwarder.ports().get(1);
            Await.until("all are dropped", () -> target.counters().dropPackets() == 100);
            assertEquals(6000, target.counters().dropBytes());
            assertEquals(100, forwarder.ports().get(0).counters().rxPackets());
            assertEquals(0, target.counters().txPackets());
        }
    }

    @Test
    void whatTheOtherSideHasNoBuffersForIsDroppedAndCounted() throws IOException {
        try (Forwarder forwarder = forwarder(2, false);
                VirtioUser sender = VirtioUser.connect(socket(0), DRIVER);
                VirtioUser idle = VirtioUser.connect(socket(1), DRIVER.withQueues(1, 16))) {
            send(sender, 100);
            ForwardPort target = forwarder.ports().get(1);
            Await.until(
                    "all are dealt with",
                    () -> target.counters().dropPackets() + target.counters().txPackets() == 100);
            assertEquals(16, target.counters().txPackets());
            assertEquals(16, idle.receiveBurst(0, new Packet[32], 0, 32));
        }
    }

    @Test
    void frontEndsComeAndGo() throws IOException {
        try (Forwarder forwarder = forwarder(2, false)) {
            for (int round = 1; round <= 3; round++) {
                try (Exchange exchange =
                        Exchange.between(socket(0), socket(1), DRIVER, 64, PACKETS).start()) {
                    assertEquals(2 * PACKETS, exchange.finish());
                }
                ForwardPort port = forwarder.ports().getFirst();
                Await.until("the front-end has gone", () -> port.device() == null);
                assertEquals(round * PACKETS, port.counters().rxPackets());
                assertEquals(round * PACKETS, port.counters().txPackets());
            }
        }
    }

    @Test
    void aFrontEndThatComesAndGoesDoesNotDisturbTheOthers() throws IOException {
        try (Forwarder forwarder = forwarder(3, false);
                Exchange steady = Exchange.loop(socket(2), DRIVER, 0, Long.MAX_VALUE, false).start()) {
            for (int round = 0; round < 20; round++) {
                long before = steady.received();
                VirtioUser.connect(socket(0), DRIVER).close();
                Await.until("packets move on", () -> steady.received() > before + 100);
            }
            steady.stop();
            long packets = steady.finish();
            assertEquals(packets, forwarder.ports().get(2).counters().txPackets());
        }
    }

    @Test
    void theSecondFrontEndOfASocketGetsThePortWhenTheFirstGoes() throws IOException {
        try (Forwarder forwarder = forwarder(1, false)) {
            VirtioUser first = VirtioUser.connect(socket(0), DRIVER);
            try (Exchange second = Exchange.loop(socket(0), DRIVER, 60, 100, false).start()) {
                send(first, 10);
                Await.until(
                        "the first is served",
                        () -> forwarder.ports().getFirst().counters().txPackets() == 10);
                assertEquals(0, second.received());
                first.close();
                assertEquals(100, second.finish());
            } finally {
                first.close();
            }
        }
    }

    @Test
    void forwardingAllocatesNothing() throws IOException {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long packets = 50_000;
        try (Forwarder forwarder = forwarder(1, true);
                Exchange exchange = Exchange.loop(socket(0), DRIVER, 64, Long.MAX_VALUE, true).start()) {
            long thread = forwarder.threads().getFirst().id();
            List<Long> allocated = new ArrayList<>();
            // Interpreted code allocates: rounds until the compiler is through, and none of them
            // may be missing.
            do {
                long before = threads.getThreadAllocatedBytes(thread);
                long goal = exchange.received() + packets;
                Await.until("more packets", () -> exchange.received() >= goal);
                allocated.add(threads.getThreadAllocatedBytes(thread) - before);
            } while (allocated.getLast() != 0 && allocated.size() < 40);
            exchange.stop();
            exchange.finish();
            assertEquals(
                    0,
                    allocated.getLast(),
                    () -> "bytes in rounds of " + packets + " packets: " + allocated);
        }
    }

    @Test
    void aMaskedFeatureIsNotOffered() throws IOException {
        VhostConfig config = VhostConfig.builder().without(Feature.VIRTIO_F_IN_ORDER).build();
        try (Forwarder forwarder = forwarder(1, false, config, List.of());
                VirtioUser driver = VirtioUser.connect(socket(0), DRIVER)) {
            assertFalse(driver.has(Feature.VIRTIO_F_IN_ORDER));
            assertTrue(driver.has(Feature.VIRTIO_F_EVENT_IDX));
            assertFalse(forwarder.isOver());
        }
    }

    /**
     * Two queue pairs each, two polling threads, a channel for each thread;
     * and front-ends that go while copies run.
     */
    @ParameterizedTest
    @EnumSource(DmaKind.class)
    void dmaChannelsCopyWhatIsForwarded(DmaKind kind) throws IOException {
        int[] cpus = CpuAffinity.allowedCpus();
        try (DmaRegistry dma = kind.channels(2);
                Forwarder forwarder = forwarder(
                        2, false, VhostConfig.builder().queuePairs(2).asyncCopy(dma).build(),
                        List.of(cpus[0], cpus[cpus.length - 1]))) {
            for (int round = 0; round < 3; round++) {
                try (Exchange exchange = Exchange.between(socket(0), socket(1), DRIVER, 0, PACKETS).start()) {
                    assertEquals(2 * PACKETS, exchange.finish());
                }
            }
            forwarder.check();
            for (ForwardPort port : forwarder.ports()) {
                Await.until("copies are settled", () -> port.inFlight() == 0);
                assertEquals(3 * PACKETS, port.counters().txPackets());
                assertEquals(0, port.counters().dropPackets());
            }
        }
    }

    /** Nobody gets packets back because a partner is not there yet. */
    @Test
    void allPortsAreThereBeforeAnybodyCanConnect() throws IOException {
        List<String> order = new ArrayList<>();
        List<Forwarder.Opening> openings = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Path path = socket(i);
            openings.add((offer, port) -> {
                order.add("open " + path.getFileName());
                return VhostServer.listen(path, offer, port);
            });
        }
        try (Forwarder forwarder = new Forwarder(VhostConfig.defaults(), List.of("a", "b"), openings, false,
                List.of(), port -> order.add("added " + port.fromGuest().place().port()))) {
            assertEquals(List.of("added 1", "added 2", "open port0", "open port1"), order);
            assertEquals(2, forwarder.ports().size());
        }
    }

    private Path socket(int number) {
        return directory.resolve("port" + number);
    }

    private Forwarder forwarder(int ports, boolean swap) throws IOException {
        return forwarder(ports, swap, VhostConfig.defaults(), List.of());
    }

    private Forwarder forwarder(int ports, boolean swap, VhostConfig config, List<Integer> cpus)
            throws IOException {
        List<String> names = new ArrayList<>();
        List<Forwarder.Opening> openings = new ArrayList<>();
        for (int i = 0; i < ports; i++) {
            Path path = socket(i);
            names.add(path.toString());
            openings.add((offer, port) -> VhostServer.listen(path, offer, port));
        }
        return new Forwarder(config, names, openings, swap, cpus, _ -> {});
    }

    private static void send(VirtioUser driver, int count) {
        Packet[] packets = new Packet[count];
        assertEquals(count, driver.pool().take(packets, 0, count));
        for (Packet packet : packets) {
            packet.reset(60);
        }
        assertEquals(count, driver.transmitBurst(0, packets, 0, count));
    }
}
