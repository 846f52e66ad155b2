package io.vhost.bench;

import io.vhost.control.DeviceControl;
import io.vhost.device.DeviceListener;
import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.device.VirtQueue;
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

/**
 * A guest whose chains keep all rules and are as much work as they can be: the whole ring is full of them
 * all the time, and every chain is one indirect table of the same descriptors, so that they cost it nothing.
 */
final class HostileGuest implements AutoCloseable {
    private static final long GUEST_BASE = 1L << 40;
    private static final long RINGS = 0x10_0000;
    private static final long TABLE = 2 * RINGS;
    private static final long SIZE = TABLE + 0x10_0000;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INDEX = SHORT.varHandle().withInvokeExactBehavior();

    private final Mapping mapping;
    private final MemorySegment memory;
    private final DeviceControl control;
    private final int queue;
    private final int ringSize;

    /**
     * A guest with one queue.
     *
     * @param queue its index: 0 to the guest, 1 from it
     * @param ringSize entries of the ring
     * @param bytes of each chain, in as many buffers of one byte
     * @param empty descriptors without bytes in front of them
     * @param mergeable whether several chains may hold one packet
     */
    HostileGuest(int queue, int ringSize, int bytes, int empty, boolean mergeable) throws ControlException {
        this.queue = queue;
        this.ringSize = ringSize;
        Descriptor file = MemFd.create("hostile-guest", SIZE);
        mapping = Mapping.reserve(SIZE);
        mapping.place(0, file, 0, SIZE);
        memory = mapping.segment();
        fill(bytes, empty);
        control = DeviceControl.create("hostile", VhostConfig.defaults(), new DeviceListener() {});
        control.connected();
        long left = Feature.mask(Feature.VIRTIO_F_EVENT_IDX, Feature.VIRTIO_F_RING_PACKED);
        control.features(control.features()
                & ~(mergeable ? left : left | Feature.VIRTIO_NET_F_MRG_RXBUF.mask()));
        control.memory()
                .replace(List.of(new MemoryRegion(GUEST_BASE, memory.address(), SIZE, 0)), List.of(file));
        control.ringSize(queue, ringSize);
        control.ringBase(queue, RingFormat.SPLIT.start());
        long ring = memory.address();
        control.ringAddresses(queue, ring, ring + avail(), ring + used(), 0, 0);
        control.kick(queue, null);
        control.enable(queue, true);
        control.messageHandled();
        offer();
    }

    private long avail() {
        return RingFormat.SPLIT.descBytes(ringSize);
    }

    private long used() {
        return (avail() + RingFormat.SPLIT.driverBytes(ringSize) + 63) & ~63L;
    }

    private void fill(int bytes, int empty) {
        int flags = queue == 0 ? 2 : 0;
        int entries = bytes + empty;
        for (int i = 0; i < ringSize; i++) {
            put(16L * i, TABLE, 16 * entries, 4, 0);
            memory.set(SHORT, avail() + 4 + 2L * i, (short) i);
        }
        for (int i = 0; i < entries; i++) {
            boolean last = i == entries - 1;
            put(TABLE + 16L * i, TABLE, i < empty ? 0 : 1, last ? flags : flags | 1, i + 1);
        }
        memory.set(SHORT, avail(), (short) 1);
    }

    private void put(long entry, long position, int length, int flags, int next) {
        memory.set(ValueLayout.JAVA_LONG, entry, GUEST_BASE + position);
        memory.set(ValueLayout.JAVA_LONG, entry + 8,
                length | (long) flags << 32 | (long) (next & 0xFFFF) << 48);
    }

    VirtQueue queue() {
        return control.device().queue(queue);
    }

    /** Makes the ring full again. */
    void offer() {
        short used = (short) INDEX.getAcquire(memory, used() + 2);
        INDEX.setRelease(memory, avail() + 2, (short) (used + ringSize));
    }

    @Override
    public void close() {
        control.disconnected();
        mapping.close();
    }
}
