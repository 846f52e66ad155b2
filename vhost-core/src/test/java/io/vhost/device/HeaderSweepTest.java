package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.InternetChecksum;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.net.Segmenter;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Each field of a packet's header at its limits, in all combinations (row 26): what is not negotiated or
 * points outside the packet is dropped and counted, what arrives can be summed, cut and passed on.
 */
class HeaderSweepTest extends EachFormat {
    private static final int LENGTH = 200;
    private static final int IP = 14;
    private static final int TCP = 34;
    private static final int[] FLAGS = {0, 1, 0xFE, 0xFF};
    private static final int[] TYPES = {0, 1, 2, 3, 4, 5, 0x80, 0x81, 0x84, 0xFF};
    private static final int[] HEADERS = {0, 54, LENGTH - 1, LENGTH, 0xFFFF};
    private static final int[] SIZES = {0, 1, 48, 1448, 0xFFFF};
    private static final int[] STARTS = {0, TCP, LENGTH - 2, LENGTH - 1, 0xFFFF};
    private static final int[] OFFSETS = {0, 16, LENGTH - TCP - 2, LENGTH - TCP - 1, 0xFFFF};

    private final PacketPool pool = PacketPool.create(8, PacketPool.DEFAULT_HEADROOM + 2048);
    private final Packet[] packets = new Packet[1];
    private final Segmenter segmenter = new Segmenter();
    private long delivered;
    private long dropped;

    /** Features left out: none, checksums to the guest, from it, segmentation of both, modern headers. */
    @ParameterizedTest
    @ValueSource(longs = {0, 1L << 1, 1L, 0x3F80, (1L << 32) | (1L << 15)})
    void whateverAHeaderAsksForIsPossibleOrDropped(long without) throws ControlException {
        long supported = VhostConfig.SUPPORTED & ~Feature.VIRTIO_F_RING_PACKED.mask();
        long features = (features() | supported) & ~without;
        VhostConfig config = VhostConfig.builder().features(VhostConfig.SUPPORTED).build();
        try (TestGuest guest = new TestGuest(features, TestGuest.RING, config)) {
            guest.start();
            long from = guest.fromGuest().allocate(256);
            long to = guest.toGuest().allocate(256);
            for (int flags : FLAGS) {
                for (int type : TYPES) {
                    for (int headers : HEADERS) {
                        for (int size : SIZES) {
                            for (int start : STARTS) {
                                for (int offset : OFFSETS) {
                                    long word = NetHeader.offload(flags, type, headers, size, start);
                                    pass(guest, from, to, word, offset);
                                }
                            }
                        }
                    }
                }
            }
            assertTrue(guest.fromGuest().queue.isRunning() && guest.toGuest().queue.isRunning());
            assertEquals(dropped, guest.fromGuest().queue.counters().get(Counter.BAD_OFFLOAD));
            assertEquals(delivered, guest.fromGuest().queue.counters().get(Counter.PACKETS));
            assertTrue(delivered > 1000 && dropped > 1000, delivered + " delivered, " + dropped + " dropped");
        }
        assertEquals(0, pool.outstanding());
        pool.close();
    }

    private void pass(TestGuest guest, long from, long to, long word, int offset) {
        byte[] frame = frame(guest.headerLength(), word, offset);
        // The header in one piece, or cut in its middle.
        if (((word + offset) & 1) == 0) {
            guest.fromGuest().sendAt(from, frame, frame.length);
        } else {
            guest.fromGuest().sendAt(from, frame, 7, frame.length - 7);
        }
        boolean possible = isPossible(guest.features, word, offset);
        String text = "word=0x%x offset=%d".formatted(word, offset);
        assertEquals(possible ? 1 : 0, guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 1), text);
        guest.fromGuest().assertUsed(0, 0);
        if (!possible) {
            dropped++;
            return;
        }
        delivered++;
        boolean asks = (word & NetHeader.NEEDS_CHECKSUM) != 0 || NetHeader.gsoType(word) != 0;
        assertEquals(asks ? word & ~0xFEL : 0, packets[0].offload(), text);
        assertEquals(asks ? offset : 0, packets[0].checksumOffset(), text);
        cut(packets[0]);
        sum(packets[0]);
        passOn(guest, packets[0], to, text);
        packets[0].release();
    }

    /** What virtio and the features allow, said in another way than the device does. */
    private static boolean isPossible(long features, long word, int offset) {
        boolean checksum = (word & NetHeader.NEEDS_CHECKSUM) != 0;
        int type = NetHeader.gsoType(word);
        if (!checksum) {
            return type == NetHeader.GSO_NONE;
        }
        boolean known = switch (type) {
            case 0 -> true;
            case 1, 0x81 -> Feature.VIRTIO_NET_F_HOST_TSO4.in(features);
            case 4, 0x84 -> Feature.VIRTIO_NET_F_HOST_TSO6.in(features);
            default -> false;
        };
        boolean inside = NetHeader.checksumStart(word) + offset <= LENGTH - 2;
        boolean cuttable =
                type == 0 || (NetHeader.gsoSize(word) > 0 && NetHeader.headerLength(word) < LENGTH);
        return Feature.VIRTIO_NET_F_CSUM.in(features) && known && inside && cuttable;
    }

    private void cut(Packet packet) {
        int segments = packet.gsoType() == NetHeader.GSO_NONE ? 0 : segmenter.begin(packet);
        for (int i = 0; i < segments; i++) {
            Packet segment = pool.take();
            segmenter.next(segment);
            assertTrue(InternetChecksum.complete(segment));
            segment.release();
        }
    }

    private void sum(Packet packet) {
        Packet copy = pool.take();
        copy.copyFrom(packet);
        boolean possible = packet.gsoType() == NetHeader.GSO_NONE || !packet.needsChecksum();
        assertEquals(possible, InternetChecksum.complete(copy));
        copy.release();
    }

    /** To a guest that takes it as it is, or with its checksum; or not at all, and counted. */
    private void passOn(TestGuest guest, Packet packet, long to, String text) {
        long word = packet.offload();
        int type = packet.gsoType();
        boolean partial = Feature.VIRTIO_NET_F_GUEST_CSUM.in(guest.features);
        boolean takes = type == NetHeader.GSO_NONE || guest.toGuest().queue.accepts(packet);
        long before = guest.toGuest().queue.counters().get(Counter.BAD_OFFLOAD);
        guest.toGuest().acceptAt(to, 0, 256);
        assertEquals(1, guest.toGuest().queue.enqueueBurst(packets, 0, 1), text);
        long bad = guest.toGuest().queue.counters().get(Counter.BAD_OFFLOAD) - before;
        assertEquals(takes ? 0 : 1, bad, text);
        if (takes) {
            guest.toGuest().assertUsed(0, guest.headerLength() + LENGTH);
            long expected = partial || type != NetHeader.GSO_NONE ? word : 0;
            assertEquals(expected, guest.memory.get(ValueLayout.JAVA_LONG_UNALIGNED, to), text);
        } else {
            // The buffer is still the guest's: the next packet that it takes goes there.
            packet.clearOffload();
            assertEquals(1, guest.toGuest().queue.enqueueBurst(packets, 0, 1), text);
            guest.toGuest().assertUsed(0, guest.headerLength() + LENGTH);
        }
    }

    private static byte[] frame(int header, long word, int offset) {
        byte[] frame = new byte[header + LENGTH];
        for (int i = 0; i < 8; i++) {
            frame[i] = (byte) (word >>> (8 * i));
        }
        frame[8] = (byte) offset;
        frame[9] = (byte) (offset >>> 8);
        frame[header + IP - 2] = 0x08;
        frame[header + IP] = 0x45;
        frame[header + IP + 9] = 6;
        frame[header + TCP + 12] = 0x50;
        return frame;
    }
}
