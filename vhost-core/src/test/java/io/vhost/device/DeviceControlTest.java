package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.control.DeviceControl;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.MemFd;
import io.vhost.os.Opened;
import io.vhost.queue.ControlException;
import io.vhost.state.MemoryRegion;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The requests of a front-end, in any order, and what becomes of the descriptors that come with them. */
class DeviceControlTest extends EachFormat {
    private final PacketPool pool = PacketPool.create(64, 512);
    private final Packet[] packets = new Packet[64];
    private int descriptors;

    @BeforeEach
    void count() {
        descriptors = Descriptor.openDescriptors();
    }

    @AfterEach
    void everyDescriptorIsClosedAndEveryPacketAccountedFor() {
        Await.until("all descriptors are closed", () -> Descriptor.openDescriptors() == descriptors);
        pool.close();
    }

    private static void assertRefused(Executable request, String... values) {
        ControlException refusal = assertThrows(ControlException.class, request);
        for (String value : values) {
            assertTrue(refusal.getMessage().contains(value), refusal.getMessage() + " should name " + value);
        }
    }

    private static Descriptor eventFd() {
        return EventFd.create().descriptor();
    }

    private int dequeue(TestGuest guest) {
        int count = guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 32);
        pool.release(packets, 0, count);
        return count;
    }

    @Test
    void onlyWhatIsOfferedCanBeNegotiated() throws ControlException {
        VhostConfig config = VhostConfig.builder().without(Feature.VIRTIO_NET_F_CSUM).build();
        DeviceControl control = DeviceControl.create("test", config, new DeviceListener() {});
        assertTrue(Feature.VHOST_USER_F_PROTOCOL_FEATURES.in(control.features()));
        assertFalse(Feature.VIRTIO_NET_F_CSUM.in(control.features()));
        assertRefused(() -> control.features(1), "0x1");
        long unknown = control.features() | 1L << 33;
        assertRefused(() -> control.features(unknown), "0x200000000");
        assertRefused(() -> control.features(Feature.VIRTIO_NET_F_GUEST_UFO.mask()), "0x400");
        assertEquals(0, control.device().features());
        control.features(control.features());
        assertTrue(control.device().has(Feature.VIRTIO_F_VERSION_1));
        assertEquals(2, control.queueCount());
    }

    @ParameterizedTest
    @EnumSource(Feature.class)
    void everyFeatureCanBeLeftOut(Feature feature) {
        VhostConfig config = VhostConfig.builder().segmentation().without(feature).build();
        DeviceControl control = DeviceControl.create("test", config, new DeviceListener() {});
        long always = Feature.VHOST_USER_F_PROTOCOL_FEATURES.mask();
        assertEquals((VhostConfig.SUPPORTED & ~feature.mask()) | always, control.features());
        if (feature.mask() != always) {
            assertRefused(() -> control.features(feature.mask()), Long.toHexString(feature.mask()));
        }
    }

    /** Whichever of its first pair's rings stops first; a second pair may go as it likes. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void theDeviceGoesBeforeTheFirstOfItsRingsStops(int first) throws ControlException {
        try (TestGuest guest = new TestGuest(features(), TestGuest.RING, 2)) {
            guest.start();
            guest.listener.take();
            guest.control.stopRing(3);
            guest.control.stopRing(2);
            assertEquals(List.of("vring 3 off lock 3", "vring 2 off lock 2"), guest.listener.take());
            guest.control.stopRing(first);
            assertEquals(List.of("destroyDevice", "vring " + first + " off lock " + first),
                    guest.listener.take());
            guest.control.stopRing(1 - first);
            assertEquals(List.of("vring " + (1 - first) + " off lock " + (1 - first)),
                    guest.listener.take());
        }
    }

    @Test
    void featuresCannotChangeUnderAStartedRing() throws ControlException {
        try (TestGuest guest = running()) {
            guest.control.features(guest.features);
            long other = guest.features & ~Feature.VIRTIO_F_INDIRECT_DESC.mask();
            assertRefused(() -> guest.control.features(other), Long.toHexString(other), "queue 0");
            assertEquals(guest.features, guest.device.features());
            guest.control.stopRing(0);
            assertRefused(() -> guest.control.features(other), "queue 1");
            guest.control.stopRing(1);
            guest.control.features(other);
            assertEquals(other, guest.device.features());
        }
    }

    @Test
    void withoutProtocolFeaturesRingsAreEnabledFromTheStart() throws ControlException {
        try (TestGuest guest = new TestGuest(
                without(Feature.VHOST_USER_F_PROTOCOL_FEATURES), TestGuest.RING, 1)) {
            guest.start();
            assertTrue(guest.toGuest().queue.isRunning());
            assertTrue(guest.listener.calls.contains("newDevice"));
            assertRefused(() -> guest.control.enable(0, false), "queue 0");
            assertTrue(guest.toGuest().queue.isRunning());
        }
    }

    /** What disables them must not leave them so for ever: no request enables them. */
    @Test
    void withoutProtocolFeaturesRingsRunAgainWhenTheyAreStartedAfterAReset() throws ControlException {
        try (TestGuest guest = new TestGuest(
                without(Feature.VHOST_USER_F_PROTOCOL_FEATURES), TestGuest.RING, 1)) {
            guest.start();
            guest.fromGuest().send(new byte[72], 72);
            assertEquals(1, dequeue(guest));
            guest.control.resetOwner();
            assertFalse(guest.fromGuest().queue.isRunning());
            guest.control.features(guest.features);
            guest.control.kick(1, null);
            guest.fromGuest().send(new byte[72], 72);
            assertEquals(1, dequeue(guest), "where it was");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, 32769, 65536, 0x1_0000 + 256, Integer.MIN_VALUE})
    void aRingSizeThatIsNoneIsRefused(int size) throws ControlException {
        try (TestGuest guest = new TestGuest(features(), TestGuest.RING, 1)) {
            guest.control.connected();
            assertRefused(() -> guest.control.ringSize(0, size), Integer.toUnsignedString(size), "queue 0");
            guest.control.ringSize(0, 32768);
            guest.control.ringSize(0, 1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, -1, 256, 0x1_0001, Integer.MIN_VALUE})
    void aQueueThatDoesNotExistIsRefusedByEveryRequest(int queue) throws ControlException {
        try (TestGuest guest = running()) {
            DeviceControl control = guest.control;
            String name = Integer.toUnsignedString(queue);
            assertRefused(() -> control.ringSize(queue, 64), name);
            assertRefused(() -> control.ringAddresses(queue, 0, 0, 0, 0, 0), name);
            assertRefused(() -> control.ringBase(queue, 0), name);
            assertRefused(() -> control.stopRing(queue), name);
            assertRefused(() -> control.enable(queue, true), name);
            assertRefused(() -> control.kick(queue, eventFd()), name);
            assertRefused(() -> control.call(queue, eventFd()), name);
            assertRefused(() -> control.error(queue, eventFd()), name);
            assertRefused(() -> control.error(queue, null), name);
            assertEquals(descriptors + 1 + 12, Descriptor.openDescriptors(), "the guest's and the device's");
        }
    }

    @Test
    void ringsAreSetUpInAnyOrderAndStartWhenAllIsKnown() throws ControlException {
        try (TestGuest guest = new TestGuest(features(), TestGuest.RING, 1)) {
            guest.control.connected();
            guest.control.enable(0, true);
            assertFalse(guest.toGuest().queue.isRunning());
            guest.control.features(guest.features);
            guest.shareMemory();
            guest.toGuest().configure();
            guest.control.kick(0, null);
            assertTrue(guest.toGuest().queue.isRunning(), "enabled before the features, as QEMU does");
        }
        try (TestGuest guest = new TestGuest(features(), TestGuest.RING, 1)) {
            TestQueue queue = guest.fromGuest();
            guest.control.connected();
            guest.control.features(guest.features);
            guest.control.enable(1, true);
            guest.control.call(1, eventFd());
            guest.control.error(1, eventFd());
            assertRefused(() -> guest.control.kick(1, eventFd()), "queue 1", "addresses");
            assertRefused(() -> guest.control.ringAddresses(1, 8, 0, 0, 0, 0), "descriptor");
            assertRefused(() -> guest.control.ringAddresses(1, 0, 1, 0, 0, 0), "driver");
            assertRefused(() -> guest.control.ringAddresses(1, 0, 0, 2, 0, 0), "device");
            queue.addresses();
            assertRefused(() -> guest.control.kick(1, eventFd()), "queue 1", "size");
            guest.shareMemory();
            guest.control.ringBase(1, queue.format.start());
            assertRefused(() -> guest.control.kick(1, eventFd()), "queue 1", "size");
            guest.control.ringSize(1, TestGuest.RING);
            assertFalse(queue.queue.isRunning());
            guest.control.kick(1, null);
            assertTrue(queue.queue.isRunning());
            queue.send(new byte[72], 72);
            assertEquals(1, dequeue(guest));
        }
    }

    @Test
    void sizeAndPositionOfAStartedRingCannotChange() throws ControlException {
        try (TestGuest guest = running()) {
            assertRefused(() -> guest.control.ringSize(1, 32), "queue 1", "size");
            assertRefused(() -> guest.control.ringBase(1, 5), "queue 1", "base");
            guest.control.stopRing(1);
            guest.control.ringSize(1, 32);
            int base = guest.fromGuest().baseAfter(5);
            guest.control.ringBase(1, base);
            assertEquals(base, guest.control.stopRing(1));
        }
    }

    /** A refused change leaves a running ring running, where it is. */
    @Test
    void refusedAddressesLeaveTheRingAsItIs() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.fromGuest();
            long desc = TestGuest.USER;
            long avail = TestGuest.USER + 0x2000;
            long used = TestGuest.USER + 0x3000;
            assertRefused(() -> guest.control.ringAddresses(1, desc + 8, avail, used, 0, 0), "descriptor");
            assertRefused(() -> guest.control.ringAddresses(1, desc, avail + 1, used, 0, 0), "driver", "1");
            assertRefused(() -> guest.control.ringAddresses(1, desc, avail, used + 2, 0, 0), "device", "2");
            assertRefused(() -> guest.control.ringAddresses(1, 0x5000, avail, used, 0, 0), "0x5000", "1024");
            long bytes = queue.format.driverBytes(TestGuest.RING);
            long across = TestGuest.USER + TestGuest.BORDER - bytes / 8 * 4;
            assertRefused(() -> guest.control.ringAddresses(1, desc, across, used, 0, 0),
                    "driver", Long.toString(bytes));
            assertRefused(() -> guest.control.ringAddresses(1, desc, avail, -4, 0, 0), "device");
            assertRefused(() -> guest.control.ringAddresses(1, desc, avail, used, 7, 2), "0x2", "0x7");
            queue.send(new byte[72], 72);
            assertTrue(queue.queue.isRunning());
            assertEquals(1, dequeue(guest));
            assertEquals("newDevice", guest.listener.take().getLast(), "nobody was told anything");
        }
    }

    @Test
    void aRingMovesWhileItRuns() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.fromGuest();
            queue.send(new byte[72], 72);
            queue.send(new byte[72], 72);
            assertEquals(2, dequeue(guest));
            queue.addresses();
            guest.control.kick(1, eventFd());
            guest.shareMemory();
            guest.control.enable(1, false);
            queue.send(new byte[72], 72);
            assertEquals(0, dequeue(guest));
            guest.control.enable(1, true);
            assertEquals(1, dequeue(guest));
            assertEquals(queue.baseAfter(3), guest.control.stopRing(1));
            guest.control.kick(1, null);
            queue.send(new byte[72], 72);
            assertEquals(1, dequeue(guest));
            assertEquals(4, queue.ring.pending());
        }
    }

    @Test
    void aTableThatLacksARingStopsItAndTheNextStartIsClean() throws ControlException {
        try (TestGuest guest = running()) {
            long offset = TestGuest.BUFFERS;
            List<MemoryRegion> without = List.of(
                    new MemoryRegion(TestGuest.GUEST + offset, TestGuest.USER + offset, 0x1_0000, offset));
            guest.listener.take();
            assertRefused(
                    () -> guest.control.memory().replace(without, List.of(guest.file.duplicate())), "queue");
            assertFalse(guest.toGuest().queue.isRunning() || guest.fromGuest().queue.isRunning());
            assertEquals(List.of("vring 0 off lock 0", "vring 1 off lock 1"), guest.listener.take());
            guest.shareMemory();
            assertFalse(guest.fromGuest().queue.isRunning(), "it has to be started again");
            guest.control.kick(1, null);
            guest.fromGuest().send(new byte[72], 72);
            assertEquals(1, dequeue(guest));
        }
    }

    @Test
    void aTableThatIsWrongLeavesTheOldOne() throws ControlException {
        try (TestGuest guest = running()) {
            guest.listener.take();
            List<MemoryRegion> tooLong = List.of(new MemoryRegion(0, 0, TestGuest.SIZE + 4096, 0));
            assertRefused(() -> guest.control.memory().replace(tooLong, List.of(guest.file.duplicate())));
            assertRefused(() -> guest.control.memory().replace(List.of(), List.of(guest.file.duplicate())));
            assertRefused(
                    () -> guest.control.memory().replace(guest.regions(), List.of(guest.file.duplicate())));
            assertEquals(List.of(), guest.listener.take());
            guest.fromGuest().send(new byte[72], 72);
            assertEquals(1, dequeue(guest));
        }
    }

    @Test
    void manyTablesLeaveNothingBehind() throws Exception {
        try (TestGuest guest = running()) {
            long mappings = guest.mappings();
            for (int i = 0; i < 200; i++) {
                guest.shareMemory();
                guest.fromGuest().send(new byte[72], 72);
                assertEquals(1, dequeue(guest));
                guest.fromGuest().assertUsed(0, 0);
            }
            assertEquals(mappings, guest.mappings());
            guest.control.disconnected();
            assertEquals(1, guest.mappings(), "the guest's own");
        }
    }

    @Test
    void descriptorsAreClosedWhenTheyAreReplaced() throws ControlException {
        try (TestGuest guest = running()) {
            int before = Descriptor.openDescriptors();
            for (int i = 0; i < 20; i++) {
                guest.control.kick(0, eventFd());
                guest.control.call(0, eventFd());
                guest.control.error(0, eventFd());
            }
            assertEquals(before, Descriptor.openDescriptors());
            guest.control.kick(0, null);
            guest.control.call(0, null);
            guest.control.error(0, null);
            assertEquals(before - 3, Descriptor.openDescriptors());
            guest.control.stopRing(1);
            assertEquals(before - 4, Descriptor.openDescriptors(), "a stop closes the kick descriptor");
        }
    }

    @Test
    void aDescriptorThatIsNoDoorbellIsRefused() throws ControlException {
        try (TestGuest guest = running()) {
            int before = Descriptor.openDescriptors();
            assertRefused(() -> guest.control.kick(0, Opened.pathOnly(Path.of("/"))), "queue 0");
            assertRefused(() -> guest.control.call(0, Opened.pathOnly(Path.of("/"))), "queue 0");
            assertRefused(() -> guest.control.error(0, Opened.pathOnly(Path.of("/"))), "queue 0");
            assertRefused(() -> guest.control.call(0, MemFd.create("writable, no eventfd", 0)), "queue 0");
            assertEquals(before, Descriptor.openDescriptors());
            assertTrue(guest.toGuest().queue.isRunning());
        }
    }

    @Test
    void whatIsLeftIsClosedWhenTheFrontEndGoes() throws ControlException {
        TestGuest guest = running();
        guest.control.disconnected();
        assertEquals(descriptors + 1 + 6, Descriptor.openDescriptors(), "the guest's own");
        assertFalse(guest.toGuest().queue.isRunning());
        assertEquals(0, dequeue(guest));
        guest.control.disconnected();
        guest.close();
    }

    @Test
    void whatIsLeftIsClosedEvenIfNobodyWasToldOfTheConnection() throws ControlException {
        try (TestGuest guest = new TestGuest(features(), TestGuest.RING, 1)) {
            guest.control.features(guest.features);
            guest.shareMemory();
            assertEquals(0, guest.holds());
            for (TestQueue queue : guest.queues) {
                queue.configure();
                queue.start();
            }
            guest.control.disconnected();
            assertEquals(descriptors + 1 + 6, Descriptor.openDescriptors());
            assertFalse(guest.listener.calls.contains("destroyConnection"));
        }
    }

    @Test
    void withTheStatusFeatureADeviceIsNewWhenTheDriverIsOk() throws ControlException {
        try (TestGuest guest = new TestGuest(features(), TestGuest.RING, 1)) {
            guest.control.protocolFeatures(1L << 16);
            guest.start();
            assertFalse(guest.listener.calls.contains("newDevice"));
            assertRefused(() -> guest.control.status(0x100), "0x100");
            guest.control.status(3);
            guest.control.messageHandled();
            assertFalse(guest.listener.calls.contains("newDevice"));
            guest.control.status(7);
            guest.control.messageHandled();
            assertTrue(guest.listener.calls.contains("newDevice"));
            assertEquals(7, guest.control.status());
        }
    }

    @Test
    void aResetOfTheStatusKeepsThePositions() throws ControlException {
        try (TestGuest guest = running()) {
            guest.fromGuest().send(new byte[72], 72);
            assertEquals(1, dequeue(guest));
            guest.control.status(0);
            assertEquals(guest.fromGuest().baseAfter(1), guest.control.stopRing(1));
        }
    }
}
