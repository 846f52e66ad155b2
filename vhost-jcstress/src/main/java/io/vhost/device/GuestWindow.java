package io.vhost.device;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import io.vhost.control.NetworkRings;
import io.vhost.device.packet.PacketFormat;
import io.vhost.memory.GuestMemory;
import io.vhost.queue.QueueSteps;
import io.vhost.queue.RingSetup;
import io.vhost.ring.DriverRing;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingFormat;
import io.vhost.ring.RingOptions;
import io.vhost.state.MemoryRegion;
import java.lang.foreign.MemorySegment;

/** A guest's memory with a ring of two entries to it, and two buffers. All have the same guest addresses. */
final class GuestWindow {
    static final int SIZE = 2;
    static final long BYTES = 256;
    static final long FEATURES = Feature.VIRTIO_F_VERSION_1.mask();
    static final RingFormat FORMAT = NetworkRings.format(FEATURES);
    static final RingOptions OPTIONS = NetworkRings.options(FEATURES, true);
    static final RingOptions FROM_GUEST = NetworkRings.options(FEATURES, false);
    static final PacketFormat PACKETS = NetworkDevice.packetFormat(FEATURES, 0);

    private static final int HEADER = PACKETS.headerLength();
    private static final long GUEST = 0x4000_0000L;
    private static final long BUFFER = 128;
    private static final long BUFFER_SIZE = 64;
    private static final RingAddresses RING = new RingAddresses(0, 32, 48);

    private final MemorySegment window;
    final GuestMemory memory;
    private DriverRing guest;

    GuestWindow(MemorySegment window) {
        this.window = window;
        this.memory = GuestMemory.of(window, new MemoryRegion(GUEST, 0, BYTES, 0));
    }

    /** What a packet carries. */
    static int number(int packet) {
        return 0x0101_0101 * (packet + 1);
    }

    /** What the front-end says to have a device begin with this ring. */
    static void begin(RingSetup setup) {
        QueueSteps.begin(setup, SIZE, RING);
    }

    /** An empty ring. */
    void newRing() {
        guest = FORMAT.driver(window, RING, SIZE, OPTIONS);
    }

    /** Offers all buffers that the guest has. */
    void offer() {
        offer(true);
    }

    /** Sends all buffers that the guest has. */
    void send() {
        offer(false);
    }

    private void offer(boolean deviceWrites) {
        int token = 0;
        while (guest.offer(token, GUEST + BUFFER + BUFFER_SIZE * token, (int) BUFFER_SIZE, deviceWrites)) {
            token++;
        }
        guest.publish();
    }

    /** Takes what the guest has got back and offers it again, so that the next state finds two buffers. */
    void recycle() {
        int token;
        do {
            token = guest.poll();
        } while (token >= 0);
        offer();
    }

    /** Clears ring and buffers. */
    void clear() {
        window.fill((byte) 0);
    }

    /** Clears the buffers. */
    void forget() {
        window.asSlice(BUFFER).fill((byte) 0);
    }

    /** Bits of the packets that are in the buffers. */
    int arrivals() {
        int bits = 0;
        for (int i = 0; i < SIZE; i++) {
            int found = window.get(JAVA_INT_UNALIGNED, BUFFER + BUFFER_SIZE * i + HEADER);
            bits += found == number(0) ? 1 : found == number(1) ? 2 : found == 0 ? 0 : 100;
        }
        return bits;
    }

    /** Chains that the guest has got back. */
    int used() {
        return guest.pending();
    }

    /** All that a device writes, as one number. */
    int fingerprint() {
        int result = 0;
        for (long i = RING.used(); i < BYTES; i += 4) {
            result = 31 * result + window.get(JAVA_INT_UNALIGNED, i);
        }
        return result;
    }
}
