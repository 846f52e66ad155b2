package io.vhost.bench;

import io.vhost.queue.ControlException;
import io.vhost.device.DeviceControl;
import io.vhost.device.DeviceListener;
import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaRegistry;
import io.vhost.memory.MemoryRegion;
import io.vhost.os.Descriptor;
import io.vhost.os.Mapping;
import io.vhost.os.MemFd;
import io.vhost.ring.RingFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A guest that costs nothing: its rings are filled once, and offering a burst is one store to an index. So a
 * benchmark sees the device side alone, without another processor's cache lines.
 */
final class SyntheticGuest implements AutoCloseable {
    static final int RING_SIZE = 1024;

    private static final long GUEST_BASE = 1L << 40;
    private static final int SMALLEST_BUFFER = 2048 + 64;
    private static final int LARGE_BUFFERS = 256;
    private static final long RING_BYTES = 64 * 1024;
    private static final long BUFFERS = 2 * RING_BYTES;
    private static final int HEADER = 12;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INDEX = SHORT.varHandle().withInvokeExactBehavior();

    private final int buffer;
    /** More descriptors than these share buffers; fewer are ever in flight. */
    private final int distinct;
    private final Mapping mapping;
    private final MemorySegment memory;
    private final DeviceControl control;
    private final int[] availIdx = new int[2];

    /** A guest whose packets to the device have {@code packetLength} bytes. */
    SyntheticGuest(int packetLength) throws ControlException {
        this(packetLength, VhostConfig.defaults());
    }

    /** The same with DMA channels, for copies of {@code threshold} bytes and more. */
    SyntheticGuest(int packetLength, DmaRegistry registry, int threshold) throws ControlException {
        this(packetLength, VhostConfig.builder().asyncCopy(registry).copyThreshold(threshold).build());
    }

    private SyntheticGuest(int packetLength, VhostConfig config) throws ControlException {
        this(packetLength, config, new DeviceListener() {});
    }

    /** The same for somebody who wants to know of the device. */
    SyntheticGuest(int packetLength, VhostConfig config, DeviceListener listener) throws ControlException {
        buffer = Math.max(SMALLEST_BUFFER, (HEADER + packetLength + 63) & ~63);
        distinct = buffer == SMALLEST_BUFFER ? RING_SIZE : LARGE_BUFFERS;
        long size = BUFFERS + 2L * distinct * buffer;
        Descriptor file = MemFd.create("synthetic-guest", size);
        mapping = Mapping.reserve(size);
        mapping.place(0, file, 0, size);
        memory = mapping.segment();
        for (int queue = 0; queue < 2; queue++) {
            fillRing(queue, packetLength);
        }
        control = DeviceControl.create("synthetic", config, listener);
        control.connected();
        control.features(control.features()
                & ~Feature.mask(Feature.VIRTIO_F_EVENT_IDX, Feature.VIRTIO_F_RING_PACKED));
        control.memory()
                .replace(List.of(new MemoryRegion(GUEST_BASE, memory.address(), size, 0)), List.of(file));
        for (int queue = 0; queue < 2; queue++) {
            control.ringSize(queue, RING_SIZE);
            control.ringBase(queue, 0);
            long ring = memory.address() + queue * RING_BYTES;
            control.ringAddresses(queue, ring, ring + avail(), ring + used(), 0, 0);
            control.kick(queue, null);
            control.enable(queue, true);
        }
        control.messageHandled();
    }

    private static long avail() {
        return RingFormat.SPLIT.descBytes(RING_SIZE);
    }

    private static long used() {
        return (avail() + RingFormat.SPLIT.driverBytes(RING_SIZE) + 63) & ~63L;
    }

    private void fillRing(int queue, int packetLength) {
        long ring = queue * RING_BYTES;
        for (int i = 0; i < RING_SIZE; i++) {
            long position = BUFFERS + (long) (queue * distinct + i % distinct) * buffer;
            long desc = ring + 16L * i;
            memory.set(ValueLayout.JAVA_LONG, desc, GUEST_BASE + position);
            memory.set(ValueLayout.JAVA_INT, desc + 8, queue == 0 ? buffer : HEADER + packetLength);
            memory.set(SHORT, desc + 12, (short) (queue == 0 ? 2 : 0));
            memory.set(SHORT, ring + avail() + 4 + 2L * i, (short) i);
        }
        // No interrupts, please.
        memory.set(SHORT, ring + avail(), (short) 1);
    }

    VirtQueue queue(int index) {
        return control.device().queue(index);
    }

    /** Makes {@code count} more chains available on a queue. */
    void offer(int queue, int count) {
        availIdx[queue] += count;
        INDEX.setRelease(memory, queue * RING_BYTES + avail() + 2, (short) availIdx[queue]);
    }

    @Override
    public void close() {
        control.disconnected();
        mapping.close();
    }
}
