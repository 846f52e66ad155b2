package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.control.DeviceInflight;
import io.vhost.limit.ResourceLimits;
import io.vhost.limit.ResourceUsage;
import io.vhost.limit.account.ResourceAccount;
import io.vhost.memory.InflightRegion;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.Mapping;
import io.vhost.os.MemFd;
import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** In-flight tracking as a front-end drives it. */
class InflightControlTest {
    private static final int VERSION = 8;
    private static final int SIZE = TestGuest.RING;

    private static TestGuest guest(boolean packed) throws ControlException {
        TestGuest guest = new TestGuest(packed ? TestGuest.PACKED : TestGuest.MODERN, SIZE, 1);
        guest.control.connected();
        guest.control.features(guest.features);
        guest.shareMemory();
        return guest;
    }

    private static void start(TestGuest guest) throws ControlException {
        for (TestQueue queue : guest.queues) {
            queue.configure();
            queue.start();
        }
        guest.control.messageHandled();
    }

    /** Gives the device a region for its first queues; the file stays the caller's. */
    private static Descriptor track(TestGuest guest, int queues) throws ControlException {
        DeviceInflight inflight = guest.control.memory().inflight();
        long bytes = inflight.bytes(queues, SIZE);
        Descriptor file = MemFd.create("test-inflight", bytes);
        try {
            inflight.use(file.duplicate(), 0, bytes, queues, SIZE);
            return file;
        } catch (ControlException e) {
            file.close();
            throw e;
        }
    }

    private static void move(TestGuest guest, int count) {
        Packet[] packets = new Packet[1];
        TestQueue queue = guest.fromGuest();
        try (PacketPool pool = PacketPool.create(1, 512)) {
            for (int i = 0; i < count; i++) {
                int length = guest.headerLength() + 60;
                queue.sendAt(TestGuest.BUFFERS, new byte[length], length);
                assertEquals(1, queue.queue.dequeueBurst(pool, packets, 0, 1));
                packets[0].release();
                queue.assertUsed(0, 0);
            }
        }
    }

    /** What the region holds of the second queue. */
    private static MemorySegment second(TestGuest guest, Mapping mapping) {
        long stride = InflightRegion.bytes(1, guest.fromGuest().format.inflightBytes(SIZE));
        return mapping.segment().asSlice(stride, stride);
    }

    private static Mapping map(Descriptor file) {
        Mapping mapping = Mapping.reserve(file.size());
        mapping.place(0, file, 0, file.size());
        return mapping;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aTrackedRingGoesOnOverEveryStop(boolean packed) throws ControlException {
        int descriptors = Descriptor.openDescriptors();
        try (TestGuest guest = guest(packed);
                Descriptor file = track(guest, 2);
                Mapping mapping = map(file)) {
            MemorySegment region = second(guest, mapping);
            start(guest);
            move(guest, SIZE + 3);
            assertEquals(1, region.get(ValueLayout.JAVA_SHORT, VERSION));
            guest.shareMemory();
            assertTrue(guest.fromGuest().queue.isRunning());
            move(guest, SIZE + 3);
            int base = guest.control.stopRing(1);
            assertEquals(0, region.get(ValueLayout.JAVA_SHORT, VERSION), "the front-end knows where");
            assertThrows(ControlException.class, () -> track(guest, 2), "the other ring is started");
            guest.control.ringBase(1, base);
            guest.control.kick(1, null);
            move(guest, 3);
            guest.control.stopRing(1);
            guest.memory.asSlice(guest.fromGuest().addresses.desc(), 0x4_0000).fill((byte) 0);
            guest.fromGuest().newRing();
            guest.control.ringBase(1, guest.fromGuest().format.start());
            guest.control.kick(1, null);
            move(guest, 3);
        }
        assertEquals(descriptors, Descriptor.openDescriptors());
    }

    /** The base is that of the first start, as QEMU has it after a back-end that died. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theRegionKnowsBetterThanAStaleBase(boolean packed) throws ControlException {
        try (TestGuest guest = guest(packed);
                Descriptor file = track(guest, 2);
                Mapping mapping = map(file)) {
            start(guest);
            move(guest, SIZE + 5);
            MemorySegment region = second(guest, mapping);
            byte[] left = region.toArray(ValueLayout.JAVA_BYTE);
            guest.control.stopRing(1);
            MemorySegment.copy(left, 0, region, ValueLayout.JAVA_BYTE, 0, left.length);
            guest.control.ringBase(1, guest.fromGuest().format.start());
            guest.control.kick(1, null);
            assertNull(guest.fromGuest().queue.violation());
            move(guest, SIZE);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRegionThatContradictsItselfFencesItsQueueAlone(boolean packed) throws ControlException {
        try (TestGuest guest = guest(packed);
                Descriptor file = track(guest, 2);
                Mapping mapping = map(file)) {
            start(guest);
            second(guest, mapping).set(ValueLayout.JAVA_SHORT, VERSION, (short) 7);
            guest.fromGuest().error.drain();
            guest.shareMemory();
            assertEquals(RingViolation.INFLIGHT_MISMATCH, guest.fromGuest().queue.violation());
            assertFalse(guest.fromGuest().queue.isRunning());
            assertEquals(1, guest.fromGuest().error.drain());
            assertTrue(guest.toGuest().queue.isRunning());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRegionOfOtherRingsKeepsTheRingFromStarting(boolean packed) throws ControlException {
        try (TestGuest guest = guest(packed); Descriptor _ = track(guest, 2)) {
            guest.control.ringSize(1, SIZE / 2);
            guest.fromGuest().addresses();
            ControlException refusal =
                    assertThrows(ControlException.class, () -> guest.control.kick(1, null));
            String text = refusal.getMessage();
            assertTrue(text.contains("rings of 64 entries") && text.contains("ring of 32"), text);
            assertFalse(guest.fromGuest().queue.isRunning());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void queuesThatTheRegionDoesNotHaveAreNotTracked(boolean packed) throws ControlException {
        try (TestGuest guest = guest(packed); Descriptor _ = track(guest, 1)) {
            start(guest);
            move(guest, 3);
            assertTrue(guest.toGuest().queue.isRunning());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFrontEndThatTruncatesItsRegionLosesItsDevice(boolean packed) throws Exception {
        try (TestGuest guest = guest(packed); Descriptor file = track(guest, 2)) {
            start(guest);
            move(guest, 1);
            Path path = Path.of("/proc/self/fd/" + file.fd());
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                channel.truncate(0);
            }
            int length = guest.headerLength() + 60;
            guest.fromGuest().sendAt(TestGuest.BUFFERS, new byte[length], length);
            try (PacketPool pool = PacketPool.create(1, 512)) {
                assertEquals(0, guest.fromGuest().queue.dequeueBurst(pool, new Packet[1], 0, 1));
                assertEquals(1, pool.available());
            }
            assertEquals(RingViolation.MEMORY_LOST, guest.fromGuest().queue.violation());
            assertTrue(guest.device.isFailed());
        }
    }

    /** As other memory of a front-end: in the account, within the limits, of the files that are wanted. */
    @Test
    void aRegionIsMemoryOfAFrontEnd() throws ControlException {
        long bytes = InflightRegion.bytes(2, RingFormat.SPLIT.inflightBytes(SIZE));
        for (long limit : new long[] {TestGuest.SIZE, TestGuest.SIZE - 1}) {
            VhostConfig config = VhostConfig.builder().requireSealedMemory(true)
                    .limits(ResourceLimits.builder().mappedBytes(limit).build()).build();
            try (TestGuest guest = new TestGuest(TestGuest.MODERN, SIZE, config);
                    Descriptor unsealed = MemFd.create("test-inflight", bytes);
                    Descriptor large = MemFd.createSealed("test-inflight", TestGuest.SIZE)) {
                guest.control.connected();
                guest.control.features(guest.features);
                DeviceInflight inflight = guest.control.memory().inflight();
                ResourceUsage before = ResourceAccount.ofProcess().usage();
                assertThrows(ControlException.class,
                        () -> inflight.use(unsealed.duplicate(), 0, bytes, 2, SIZE));
                assertEquals(before.mappings(), ResourceAccount.ofProcess().usage().mappings());
                if (limit < TestGuest.SIZE) {
                    assertThrows(ControlException.class,
                            () -> inflight.use(large.duplicate(), 0, TestGuest.SIZE, 2, SIZE));
                } else {
                    inflight.use(large.duplicate(), 0, TestGuest.SIZE, 2, SIZE);
                    ResourceUsage with = ResourceAccount.ofProcess().usage();
                    assertEquals(before.mappings() + 1, with.mappings());
                    assertEquals(before.mappedBytes() + TestGuest.SIZE, with.mappedBytes());
                }
                guest.control.disconnected();
                ResourceUsage after = ResourceAccount.ofProcess().usage();
                assertEquals(before.mappings(), after.mappings());
                assertEquals(before.mappedBytes(), after.mappedBytes());
            }
        }
    }

    /** QEMU enables all rings, also those that a guest which was started again does not use. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRingThatIsEnabledAndNotSetUpDoesNotLookReady(boolean packed) throws ControlException {
        try (TestGuest guest = guest(packed); Descriptor _ = track(guest, 2)) {
            guest.toGuest().configure();
            guest.toGuest().start();
            guest.control.enable(1, true);
            guest.control.messageHandled();
            assertTrue(guest.toGuest().queue.isRunning());
            assertFalse(guest.fromGuest().queue.isRunning());
            assertThrows(ControlException.class, () -> guest.control.kick(1, null));
            assertFalse(guest.fromGuest().queue.isRunning());
        }
    }

    /** VIRTIO_F_RING_RESET: one ring is stopped, and set up anew with another size. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void oneRingCanBeResetAlone(boolean packed) throws ControlException {
        long features = packed ? TestGuest.PACKED : TestGuest.MODERN;
        assertTrue(Feature.VIRTIO_F_RING_RESET.in(features) && Feature.VIRTIO_F_ORDER_PLATFORM.in(features));
        try (TestGuest guest = new TestGuest(features, SIZE, 1)) {
            guest.start();
            move(guest, 5);
            guest.control.stopRing(1);
            guest.control.enable(1, false);
            assertTrue(guest.toGuest().queue.isRunning());
            guest.memory.asSlice(guest.fromGuest().addresses.desc(), 0x4_0000).fill((byte) 0);
            try (TestQueue smaller = new TestQueue(guest, 1, SIZE / 2)) {
                smaller.configure();
                smaller.start();
                assertTrue(smaller.queue.isRunning());
                int length = guest.headerLength() + 60;
                Packet[] packets = new Packet[1];
                try (PacketPool pool = PacketPool.create(1, 512)) {
                    for (int i = 0; i < SIZE; i++) {
                        smaller.sendAt(TestGuest.BUFFERS, new byte[length], length);
                        assertEquals(1, smaller.queue.dequeueBurst(pool, packets, 0, 1));
                        packets[0].release();
                        smaller.assertUsed(0, 0);
                    }
                }
            }
        }
    }
}
