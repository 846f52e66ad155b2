package io.vhost.app.demo;

import io.vhost.app.polling.Idle;
import io.vhost.app.polling.PolledDevice;
import io.vhost.app.polling.PolledDevices;
import io.vhost.app.polling.PollingThread;
import io.vhost.app.polling.PortPrograms;
import io.vhost.app.vswitch.DeviceLink;
import io.vhost.app.vswitch.LearningSwitch;
import io.vhost.app.vswitch.Link;
import io.vhost.app.vswitch.SwitchPort;
import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.dma.DmaRegistry;
import io.vhost.driver.DriverConfig;
import io.vhost.net.NetHeader;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * Two guests that send each other packets through a {@link LearningSwitch}: sockets in a directory
 * of their own, shared memory, three polling threads. One thread starts, watches and closes it.
 */
final class Demo implements AutoCloseable {
    private static final long[] ADDRESSES = {0x02_00_00_00_00_0AL, 0x02_00_00_00_00_0BL};
    private static final List<String> NAMES = List.of("a", "b");

    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private final CountDownLatch attached = new CountDownLatch(ADDRESSES.length);
    private final LearningSwitch ethernet;
    private final PollingThread switching;
    private final List<Guest> guests = new ArrayList<>();
    private final List<DemoFlow> flows = new ArrayList<>();
    private final SwitchPort[] ports = new SwitchPort[ADDRESSES.length];
    private final PolledDevice[] devices = new PolledDevice[ADDRESSES.length];
    private final DmaRegistry dma;
    private final Set<Feature> features;

    /**
     * Starts everything but the traffic.
     *
     * @param driver both guests' network cards
     * @param size of each packet in bytes, 0: varies
     * @param packets that each guest sends at most
     * @param dma what copies the switch's packets; null: the switch does. Closed by the caller, afterwards
     * @param wiring puts something between a guest's device and the switch; for tests
     * @throws IOException if sockets or memory cannot be had
     */
    Demo(DriverConfig driver, int size, long packets, DmaRegistry dma, UnaryOperator<Link> wiring)
            throws IOException {
        this.dma = dma;
        int bufferSize = driver.bufferSize();
        boolean complete = false;
        try {
            Path directory = Files.createTempDirectory("vhost-demo");
            opened.push(() -> Files.delete(directory));
            ethernet = new LearningSwitch(bufferSize, LearningSwitch.AGE);
            opened.push(ethernet);
            for (int i = 0; i < ADDRESSES.length; i++) {
                int index = i;
                opened.push(VhostServer.listen(directory.resolve(NAMES.get(i)), config(),
                        new PolledDevices(dma, PortPrograms.NONE,
                                (device, runs) -> changed(index, device, runs, wiring))));
            }
            switching = new PollingThread("demo switch", OptionalInt.empty(), Idle.sharing(),
                    () -> ethernet.poll(System.nanoTime()));
            opened.push(switching);
            plan(driver, size, packets);
            for (int i = 0; i < ADDRESSES.length; i++) {
                Guest guest =
                        Guest.connect(
                                "demo guest " + NAMES.get(i),
                                directory.resolve(NAMES.get(i)),
                                driver,
                                flows.get(i).source(),
                                flows.get(1 - i).sink());
                opened.push(guest);
                guests.add(guest);
            }
            awaitDevices();
            features = Feature.named(guests.getFirst().features());
            complete = true;
        } finally {
            if (!complete) {
                close();
            }
        }
    }

    /** Connects a guest's device with its port of the switch, or takes it away. */
    private void changed(int index, PolledDevice device, boolean runs, UnaryOperator<Link> wiring) {
        if (runs) {
            devices[index] = device;
            ports[index] = ethernet.attach(wiring.apply(new DeviceLink(device)));
            attached.countDown();
        } else {
            ethernet.detach(ports[index]);
        }
    }

    private VhostConfig config() {
        return dma == null ? VhostConfig.defaults() : VhostConfig.builder().asyncCopy(dma).build();
    }

    /** Packets that DMA channels are copying. */
    long copying() {
        return Arrays.stream(devices).mapToLong(PolledDevice::inFlight).sum();
    }

    /** Packets that DMA channels have copied, from a guest or to one. */
    long copied() {
        return Arrays.stream(devices).mapToLong(PolledDevice::copied).sum();
    }

    /** Whether DMA channels copy packets. */
    boolean copies() {
        return dma != null;
    }

    /** Both directions: flow 0 is sent by guest 0, and so on. */
    private void plan(DriverConfig driver, int size, long packets) {
        int window = window(driver, size);
        for (int i = 0; i < ADDRESSES.length; i++) {
            TestPattern pattern = new TestPattern(ADDRESSES[1 - i], ADDRESSES[i], size);
            TrafficSink sink = new TrafficSink(pattern);
            flows.add(new DemoFlow(NAMES.get(i) + " -> " + NAMES.get(1 - i),
                    new TrafficSource(pattern, sink, window, packets), sink));
        }
    }

    /**
     * How many packets may be under way to a guest: they fill half of its ring at most. The other
     * half may be waiting to be offered again, so the switch always finds room.
     */
    static int window(DriverConfig driver, int size) {
        int longest = NetHeader.LENGTH + (size == 0 ? TestPattern.MAX_VARIED_LENGTH : size);
        int buffers = (longest + driver.receiveSize() - 1) / driver.receiveSize();
        return Math.max(1, driver.queueSize() / 2 / Math.max(1, buffers));
    }

    private void awaitDevices() throws IOException {
        try {
            if (!attached.await(10, TimeUnit.SECONDS)) {
                throw new IOException("the guests' queues did not start within 10 s");
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the guests were starting");
        }
    }

    /** Begins the traffic. */
    void start() {
        switching.start();
        guests.forEach(Guest::start);
    }

    /** The features that the guests have negotiated. */
    Set<Feature> features() {
        return features;
    }

    /** Both directions. */
    List<DemoFlow> flows() {
        return flows;
    }

    /**
     * Packets of flow {@code index} that found no room on their way: in the switch, or in the
     * receiver's buffers.
     */
    long dropped(int index) {
        return ports[1 - index].dropped() + guests.get(1 - index).dropped();
    }

    /** Whether all packets to be sent have been sent. */
    boolean hasEnded() {
        return flows.stream().allMatch(flow -> flow.source().hasEnded());
    }

    /**
     * Ends the sending, waits until the last packet has arrived or {@code patience} is over, and
     * ends the threads.
     */
    void finish(Duration patience) {
        flows.forEach(flow -> flow.source().stop());
        Stall stall = new Stall(flows, patience);
        while (!(hasEnded() && flows.stream().allMatch(flow -> flow.underway() == 0)) && !stall.lasts()) {
            check();
            pause();
        }
        guests.forEach(Guest::stop);
        switching.close();
        check();
    }

    private static void pause() {
        try {
            Thread.sleep(1);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** Throws if a thread has failed or a rule of the ring was broken. */
    void check() {
        switching.check();
        guests.forEach(Guest::check);
    }

    /** Ends all threads and removes the sockets and their directory. */
    @Override
    public void close() throws IOException {
        while (!opened.isEmpty()) {
            closeOne(opened.pop());
        }
    }

    private static void closeOne(AutoCloseable resource) throws IOException {
        try {
            resource.close();
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(e);
        }
    }
}
