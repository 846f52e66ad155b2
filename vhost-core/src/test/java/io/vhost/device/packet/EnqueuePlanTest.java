package io.vhost.device.packet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vhost.memory.GuestMemory;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.QueueTally;
import io.vhost.ring.DeviceRing;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingFormat;
import io.vhost.ring.RingOptions;
import io.vhost.state.MemoryRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EnqueuePlanTest {
    private static final int AT = 3;

    private final MemorySegment memory = Arena.ofAuto().allocate(4096, 64);

    private EnqueuePlan plan(boolean legacy) {
        PacketFormat format = new PacketFormat(
                NetHeader.length(!legacy, !legacy), !legacy, true, new Segmentations(false, false, false));
        GuestMemory guest = GuestMemory.of(memory, new MemoryRegion(0, 0, 4096, 0));
        DeviceRing ring = RingFormat.SPLIT.device(guest, new RingAddresses(1024, 2048, 3072), 4,
                new RingOptions(true, true, false, false), 0);
        return new EnqueuePlan(ring, format, new QueueTally());
    }

    private byte[] header() {
        return memory.asSlice(0, AT + 12 + 1).toArray(ValueLayout.JAVA_BYTE);
    }

    /** In memory that cannot be written every store is an exception. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aHeaderIsWrittenOnlyWhereItDiffers(boolean legacy) {
        EnqueuePlan plan = plan(legacy);
        try (PacketPool pool = PacketPool.create(1, 512)) {
            Packet packet = pool.take();
            packet.reset(100);
            packet.offload(NetHeader.offload(1, 0, 54, 1448, 34), 16);
            memory.fill((byte) 0xAA);
            plan.putHeader(packet, memory, AT, 1);
            byte[] written = header();
            byte[] expected = {
                (byte) 0xAA, (byte) 0xAA, (byte) 0xAA,
                1, 0, 54, 0, (byte) 0xA8, 5, 34, 0, 16, 0, 1, 0,
                (byte) 0xAA
            };
            if (legacy) {
                expected[AT + 10] = (byte) 0xAA;
                expected[AT + 11] = (byte) 0xAA;
            }
            assertArrayEquals(expected, written);
            plan.putHeader(packet, memory.asReadOnly(), AT, 1);
            packet.offload(packet.offload(), 6);
            assertThrows(RuntimeException.class, () -> plan.putHeader(packet, memory.asReadOnly(), AT, 1));
            packet.offload(packet.offload() ^ 2, 16);
            assertThrows(RuntimeException.class, () -> plan.putHeader(packet, memory.asReadOnly(), AT, 1));
            assertArrayEquals(written, header());
            packet.release();
        }
    }
}
