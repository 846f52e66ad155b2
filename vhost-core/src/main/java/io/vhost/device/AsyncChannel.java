package io.vhost.device;

import io.vhost.device.QueueCounters.Counter;
import io.vhost.dma.DmaChannel;
import io.vhost.net.Packet;
import io.vhost.ring.DeviceRing;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/**
 * The asynchronous side of a registered queue: finds out what is done, gives chains back to the guest and
 * packets to the application, and waits for copies when the ring goes. Used under the queue's lock.
 */
final class AsyncChannel {
    private static final long WAIT_NANOS = 20_000;

    private final VirtQueue queue;
    private final QueueCounters counters;
    private final VhostConfig config;
    private AsyncCopies copies;
    private HeaderReader header;

    AsyncChannel(VirtQueue queue, VhostConfig config, ActiveRing active) {
        this.queue = queue;
        this.counters = queue.counters();
        this.config = config;
        this.copies = new AsyncCopies(active.ring().size(), config.copyThreshold());
        this.header = active.header();
    }

    AsyncCopies copies() {
        return copies;
    }

    int inFlight() {
        return copies.inFlight();
    }

    /** Name of the channel that has the oldest copy under way; empty for none. */
    String channelName() {
        return copies.copying() == 0 ? "" : copies.awaited().name();
    }

    /**
     * The ring has come back, perhaps with another size; packets of its predecessor wait to be given back.
     */
    void attached(ActiveRing active) {
        header = active.header();
        if (copies.ringSize() != active.ring().size()) {
            copies = copies.resized(active.ring().size());
        }
    }

    /** Tells the channel's owners what is done, and gives chains back. */
    void harvest(DmaChannel channel, DeviceRing ring) {
        channel.drain();
        copies.close(ring);
        if (!copies.hasClosed()) {
            reportStall();
        }
    }

    private void reportStall() {
        if (copies.copying() == 0) {
            return;
        }
        long age = copies.stalledFor(System.nanoTime());
        if (age > config.copyStall().toNanos()) {
            copies.stallReported();
            counters.add(Counter.COPY_STALLS, 1);
            QueueEvents.CopyStall.emit(queue, age, copies.copying());
        }
    }

    /** Packets to the guest whose copies are done, delivered or not. */
    int takeSent(Packet[] out, int offset, int count) {
        int taken = 0;
        int delivered = 0;
        long bytes = 0;
        while (taken < count && copies.hasClosed()) {
            boolean undelivered = copies.isUndelivered(copies.oldest());
            Packet packet = copies.empty();
            packet.undelivered(undelivered);
            if (!undelivered) {
                delivered++;
                bytes += packet.length();
            }
            out[offset + taken++] = packet;
        }
        copies.settle();
        count(taken, delivered, bytes);
        return taken;
    }

    /** Packets from the guest whose data has arrived; those without are put back into their pool. */
    int takeReceived(Packet[] out, int offset, int count) {
        int taken = 0;
        int ended = 0;
        long bytes = 0;
        while (taken < count && copies.hasClosed()) {
            int slot = copies.oldest();
            long offload = copies.offload(slot);
            int checksumOffset = copies.checksumOffset(slot);
            boolean undelivered = copies.isUndelivered(slot);
            Packet packet = copies.empty();
            ended++;
            if (!undelivered && header.apply(packet, offload, checksumOffset)) {
                bytes += packet.length();
                out[offset + taken++] = packet;
            } else {
                packet.release();
            }
        }
        copies.settle();
        count(ended, taken, bytes);
        return taken;
    }

    private void count(int ended, int delivered, long bytes) {
        counters.add(Counter.COMPLETED, ended);
        counters.add(Counter.COPY_FAILED, ended - delivered);
        counters.add(Counter.PACKETS, delivered);
        counters.add(Counter.BYTES, bytes);
    }

    /**
     * Waits until no copy touches the ring's memory any more, and gives the chains back to the guest. A
     * channel that takes longer than the configured time is abandoned: its engine is closed and its copies
     * have failed.
     */
    void finish(DeviceRing ring) {
        long deadline = System.nanoTime() + config.copyTimeout().toNanos();
        copies.close(ring);
        while (copies.copying() > 0) {
            int before = copies.copying();
            DmaChannel awaited = copies.awaited();
            awaited.drain();
            copies.close(ring);
            if (copies.copying() == before) {
                if (System.nanoTime() - deadline > 0) {
                    abandon(awaited, ring);
                } else {
                    LockSupport.parkNanos(WAIT_NANOS);
                }
            }
        }
    }

    private void abandon(DmaChannel late, DeviceRing ring) {
        int before = copies.copying();
        late.abandon(new TimeoutException("%s: copies of %d packets did not complete within %s"
                .formatted(queue, before, config.copyTimeout())));
        copies.close(ring);
        if (copies.copying() == before) {
            // The channel knows nothing of these copies, so nobody makes them.
            copies.giveUp();
        }
    }
}
