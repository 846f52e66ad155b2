package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.control.NetworkRings;
import io.vhost.os.EventFd;
import io.vhost.queue.ControlException;
import io.vhost.ring.DriverRing;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingFormat;
import io.vhost.ring.RingOptions;
import java.util.Arrays;

/** One queue of a {@link TestGuest}, seen from the guest. */
final class TestQueue implements AutoCloseable {
    private static final long AREA = 0x4_0000;

    final VirtQueue queue;
    final EventFd kick = EventFd.create();
    final EventFd call = EventFd.create();
    final EventFd error = EventFd.create();
    final RingAddresses addresses;
    DriverRing ring;
    final RingFormat format;

    private final TestGuest guest;
    private final int index;
    private final int size;
    private final long features;
    private long nextBuffer;

    TestQueue(TestGuest guest, int index) {
        this(guest, index, guest.ringSize);
    }

    TestQueue(TestGuest guest, int index, int size) {
        this(guest, index, size, guest.features);
    }

    /** One whose features are not those that the guest began with. */
    TestQueue(TestGuest guest, int index, int size, long features) {
        this.guest = guest;
        this.index = index;
        this.size = size;
        this.features = features;
        this.queue = guest.device.queue(index);
        long begin = index * AREA;
        this.format = NetworkRings.format(features);
        long avail = begin + format.descBytes(size);
        long used = (avail + format.driverBytes(size) + 63) / 64 * 64;
        this.addresses = new RingAddresses(begin, avail, used);
        this.nextBuffer = TestGuest.BUFFERS + index * 0x8_0000L;
        newRing();
    }

    /** An empty ring, indexes at 0. */
    void newRing() {
        RingOptions options = NetworkRings.options(features, NetworkDevice.isToGuest(index));
        ring = format.driver(guest.memory, addresses, size, options);
    }

    void configure() throws ControlException {
        guest.control.ringSize(index, size);
        guest.control.ringBase(index, format.start());
        addresses();
        guest.control.call(index, call.descriptor().duplicate());
        guest.control.error(index, error.descriptor().duplicate());
    }

    void addresses() throws ControlException {
        long user = TestGuest.USER;
        guest.control.ringAddresses(
                index, user + addresses.desc(), user + addresses.avail(), user + addresses.used(), 0, 0);
    }

    void start() throws ControlException {
        guest.control.kick(index, kick.descriptor().duplicate());
        // A start may interrupt, for what a predecessor did not tell.
        call.drain();
        if (Feature.VHOST_USER_F_PROTOCOL_FEATURES.in(features)) {
            guest.control.enable(index, true);
        }
    }

    /** The base of a ring of which so many descriptors were taken and given back, in chains of one. */
    int baseAfter(int descriptors) {
        if (format == RingFormat.SPLIT) {
            return descriptors & 0xFFFF;
        }
        int wrap = descriptors / size % 2 == 0 ? 0x8000 : 0;
        int position = (descriptors % size) | wrap;
        return position << 16 | position;
    }

    int size() {
        return size;
    }

    /** Room for {@code length} bytes that nobody else uses. */
    long allocate(int length) {
        long offset = nextBuffer;
        nextBuffer += (length + 63L) / 64 * 64;
        return offset;
    }

    /** Offers a frame, header included, in buffers of these lengths; in one piece at the offset returned. */
    long send(byte[] frame, int... lengths) {
        long offset = allocate(frame.length);
        sendAt(offset, frame, lengths);
        return offset;
    }

    void sendAt(long offset, byte[] frame, int... lengths) {
        guest.put(offset, frame);
        assertTrue(ring.offer(0, split(offset, lengths), lengths, lengths.length, lengths.length));
        ring.publish();
    }

    void sendThroughTable(byte[] frame, int... lengths) {
        long offset = allocate(frame.length);
        guest.put(offset, frame);
        long table = allocate(16 * lengths.length);
        int count = lengths.length;
        assertTrue(ring.offerIndirect(
                0, table, TestGuest.GUEST + table, split(offset, lengths), lengths, count, count));
        ring.publish();
    }

    /** Offers a chain of buffers to be filled, in one piece at the offset returned. */
    long accept(int token, int... lengths) {
        long offset = allocate(Arrays.stream(lengths).sum());
        acceptAt(offset, token, lengths);
        return offset;
    }

    void acceptAt(long offset, int token, int... lengths) {
        assertTrue(ring.offer(token, split(offset, lengths), lengths, 0, lengths.length));
        ring.publish();
    }

    private static long[] split(long offset, int[] lengths) {
        long[] addresses = new long[lengths.length];
        long position = TestGuest.GUEST + offset;
        for (int i = 0; i < lengths.length; i++) {
            addresses[i] = position;
            position += lengths[i];
        }
        return addresses;
    }

    /** The next used chain must be this one. */
    void assertUsed(int token, int length) {
        assertEquals(token, ring.poll());
        assertEquals(length, ring.usedLength());
    }

    @Override
    public void close() {
        kick.close();
        call.close();
        error.close();
    }
}
