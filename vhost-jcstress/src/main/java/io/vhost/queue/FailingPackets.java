package io.vhost.queue;

import io.vhost.dma.DmaRegistry;
import io.vhost.dma.HeldEngine;
import io.vhost.dma.channel.ChannelAccess;
import io.vhost.dma.channel.CopyChannel;
import io.vhost.ring.DeviceRing;

/**
 * Many packets in flight, of two copies each, one of which fails. They have no chains, so that the owner can
 * follow close behind the drainer.
 */
final class FailingPackets {
    static final int PACKETS = 64;

    private static final DeviceRing RING = new TwoInFlight().ring;
    private static final CopyChannel CHANNEL =
            ChannelAccess.channel(new DmaRegistry().configure("failing", new HeldEngine()));
    private static final int ROUNDS = 2000;

    private final CopySlots<Object> copies = new CopySlots<>(PACKETS);

    FailingPackets() {
        for (int i = 0; i < PACKETS; i++) {
            copies.open(null, 2, CHANNEL, 0);
        }
    }

    /**
     * Ends all copies, as a channel does under its own lock; of each packet the first or the last has failed.
     */
    void fail() {
        for (int i = 0; i < PACKETS; i++) {
            copies.copyDone(i, i % 2 == 0);
            copies.copyDone(i, i % 2 != 0);
            // The owner takes longer, and is to wait for the next one.
            Thread.onSpinWait();
        }
    }

    /** The wrong way round. */
    void failAfterwards() {
        for (int i = 0; i < PACKETS; i++) {
            copies.copyDone(i, false);
            copies.copyDone(i, false);
            copies.undeliverable(i);
        }
    }

    /** Takes packets as they are done; how many looked as if they had been delivered. */
    int takeDelivered() {
        int delivered = 0;
        int taken = 0;
        for (int round = 0; round < ROUNDS && taken < PACKETS; round++) {
            copies.close(RING);
            for (; copies.hasClosed(); taken++) {
                delivered += copies.isUndelivered(copies.oldest()) ? 0 : 1;
                copies.empty();
            }
        }
        return delivered;
    }
}
