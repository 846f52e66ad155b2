package io.vhost.bench;

import io.vhost.control.DeviceControl;
import io.vhost.device.DeviceListener;
import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaRegistry;
import io.vhost.os.Descriptor;
import io.vhost.os.Mapping;
import io.vhost.os.MemFd;
import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import io.vhost.state.MemoryRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.IntFunction;

/**
 * A guest that costs next to nothing: its rings are filled once, and offering a burst is one store to an
 * index, or in a packed ring one to each descriptor. So a benchmark sees the device side alone, without
 * another processor's cache lines.
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
    private final RingFormat format;
    /** Chains offered since the beginning. */
    private final int[] offered = new int[2];
    private final int packetLength;

    /** A guest whose packets to the device have {@code packetLength} bytes. */
    SyntheticGuest(int packetLength) throws ControlException {
        this(packetLength, RingFormat.SPLIT);
    }

    /** The same with rings of a format. */
    SyntheticGuest(int packetLength, RingFormat format) throws ControlException {
        this(packetLength, VhostConfig.defaults(), new DeviceListener() {}, format);
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
        this(packetLength, config, listener, RingFormat.SPLIT);
    }

    private SyntheticGuest(int packetLength, VhostConfig config, DeviceListener listener, RingFormat format)
            throws ControlException {
        this.packetLength = packetLength;
        this.format = format;
        buffer = Math.max(SMALLEST_BUFFER, (HEADER + packetLength + 63) & ~63);
        distinct = buffer == SMALLEST_BUFFER ? RING_SIZE : LARGE_BUFFERS;
        long size = BUFFERS + 2L * distinct * buffer;
        Descriptor file = MemFd.create("synthetic-guest", size);
        mapping = Mapping.reserve(size);
        mapping.place(0, file, 0, size);
        memory = mapping.segment();
        for (int queue = 0; queue < 2; queue++) {
            fillRing(queue);
        }
        control = DeviceControl.create("synthetic", config, listener);
        control.connected();
        long features = control.features() & ~Feature.VIRTIO_F_EVENT_IDX.mask();
        control.features(format == RingFormat.PACKED
                ? features : features & ~Feature.VIRTIO_F_RING_PACKED.mask());
        control.memory()
                .replace(List.of(new MemoryRegion(GUEST_BASE, memory.address(), size, 0)), List.of(file));
        for (int queue = 0; queue < 2; queue++) {
            control.ringSize(queue, RING_SIZE);
            control.ringBase(queue, format.start());
            long ring = memory.address() + queue * RING_BYTES;
            control.ringAddresses(queue, ring, ring + avail(), ring + used(), 0, 0);
            control.kick(queue, null);
            control.enable(queue, true);
        }
        control.messageHandled();
    }

    private long avail() {
        return format.descBytes(RING_SIZE);
    }

    private long used() {
        return (avail() + format.driverBytes(RING_SIZE) + 63) & ~63L;
    }

    private void fillRing(int queue) {
        long ring = queue * RING_BYTES;
        for (int i = 0; i < RING_SIZE; i++) {
            long position = BUFFERS + (long) (queue * distinct + i % distinct) * buffer;
            long desc = ring + 16L * i;
            memory.set(ValueLayout.JAVA_LONG, desc, GUEST_BASE + position);
            if (format == RingFormat.PACKED) {
                continue;
            }
            memory.set(ValueLayout.JAVA_INT, desc + 8, queue == 0 ? buffer : HEADER + packetLength);
            memory.set(SHORT, desc + 12, (short) (queue == 0 ? 2 : 0));
            memory.set(SHORT, ring + avail() + 4 + 2L * i, (short) i);
        }
        // No interrupts, please: the flags of a driver area, or those of an event suppression area.
        memory.set(SHORT, ring + avail() + (format == RingFormat.PACKED ? 2 : 0), (short) 1);
    }

    /** Puts what {@code frames} says into each buffer with a packet for the device. */
    void fill(IntFunction<byte[]> frames) {
        for (int i = 0; i < distinct; i++) {
            byte[] frame = frames.apply(i);
            MemorySegment.copy(frame, 0, memory, ValueLayout.JAVA_BYTE,
                    BUFFERS + (long) (distinct + i) * buffer + HEADER, frame.length);
        }
    }

    VirtQueue queue(int index) {
        return control.device().queue(index);
    }

    /** Makes {@code count} more chains available on a queue. */
    void offer(int queue, int count) {
        if (format == RingFormat.PACKED) {
            offerPacked(queue, count);
        } else {
            offered[queue] += count;
            INDEX.setRelease(memory, queue * RING_BYTES + avail() + 2, (short) offered[queue]);
        }
    }

    /** Length, id and flags of each descriptor anew, since used ones stand there. */
    private void offerPacked(int queue, int count) {
        long length = queue == 0 ? buffer : HEADER + packetLength;
        for (int i = 0; i < count; i++) {
            int position = (offered[queue] + i) % RING_SIZE;
            boolean wrap = (offered[queue] + i) / RING_SIZE % 2 == 0;
            long flags = (wrap ? 0x80 : 0x8000) | (queue == 0 ? 2 : 0);
            memory.set(ValueLayout.JAVA_LONG, queue * RING_BYTES + 16L * position + 8,
                    length | (long) position << 32 | flags << 48);
        }
        offered[queue] = (offered[queue] + count) % (2 * RING_SIZE);
    }

    @Override
    public void close() {
        control.disconnected();
        mapping.close();
    }
}
