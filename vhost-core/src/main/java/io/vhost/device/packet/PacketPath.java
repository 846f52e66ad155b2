package io.vhost.device.packet;

import io.vhost.dma.DmaRegistry;
import io.vhost.dma.channel.CopyChannel;
import io.vhost.memory.MemoryFault;
import io.vhost.net.Packet;
import io.vhost.queue.CopyLimits;
import io.vhost.queue.CopySlots;
import io.vhost.queue.CopyStatus;
import io.vhost.queue.CopyTracker;
import io.vhost.queue.QueueEvents;
import io.vhost.queue.QueueLife;
import io.vhost.queue.QueueTally;
import io.vhost.queue.QueueUser;
import io.vhost.ring.DeviceRing;
import io.vhost.ring.WorkBudget;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The packets' way through one queue: what its two directions have in common, asynchronous copies above all.
 * Everything is used under the queue's lock, without exception.
 */
public abstract sealed class PacketPath implements QueueUser permits ToGuest, FromGuest {
    final QueueTally counters;
    final WorkBudget budget = new WorkBudget();
    /** Whose channels may copy; null: asynchronous copies are not enabled. */
    private final DmaRegistry registry;
    private final CopyLimits limits;
    private final Supplier<PacketFormat> format;
    private QueueLife life;
    private QueueEvents events;
    /** Null unless asynchronous copies are registered. */
    private CopyTracker<Packet> async;

    PacketPath(
            QueueTally counters, DmaRegistry registry, CopyLimits limits, Supplier<PacketFormat> format) {
        this.counters = counters;
        this.registry = registry;
        this.limits = limits;
        this.format = format;
    }

    /** Once, before anything else: the queue that this is the way through. */
    public final void serve(QueueLife queueLife, QueueEvents queueEvents) {
        life = queueLife;
        events = queueEvents;
    }

    final QueueLife life() {
        return life;
    }

    /** What is under way; there is something only while the queue is registered. */
    public final CopyTracker<Packet> async() {
        return async;
    }

    // The ring's life.

    @Override
    public final void opened(DeviceRing ring) {
        ring.charge(budget);
        open(ring, format.get());
        if (async != null) {
            async.opened(ring);
        }
    }

    /** Prepares for bursts on a ring. */
    abstract void open(DeviceRing ring, PacketFormat format);

    @Override
    public final void closing(DeviceRing ring, boolean lost) {
        if (async != null) {
            async.finish(lost ? null : ring, life.memory());
            checkEngine();
        }
    }

    @Override
    public final CopyStatus copies() {
        return async == null ? CopyStatus.NONE : async.status();
    }

    // Asynchronous copies.

    /** As VirtQueue.registerAsync. */
    public final void registerAsync() {
        if (registry == null) {
            throw refusal("registered: asynchronous copies are not enabled; give VhostConfig a DmaRegistry");
        }
        if (life.ring() == null) {
            throw refusal("registered: its ring is not started; wait for vringStateChanged");
        }
        if (async != null) {
            throw refusal("registered: it is registered already");
        }
        async = new CopyTracker<>(life.toString(), counters, events, limits, life.ring());
        events.registered();
    }

    /** Whether asynchronous copies are registered. */
    public final boolean isAsyncRegistered() {
        return async != null;
    }

    /** As VirtQueue.unregisterAsync. */
    public final void unregisterAsync() {
        if (async == null) {
            return;
        }
        int left = async.inFlight();
        if (left > 0) {
            throw refusal("unregistered: %d packets are in flight; poll or clear them first".formatted(left));
        }
        async = null;
        events.unregistered();
    }

    /** As VirtQueue.getInflight. */
    public final int inFlight() {
        requireAsync("asked");
        return async.inFlight();
    }

    /** As VirtQueue.clearQueue. */
    public final int clear(Packet[] out, int offset, int count, CopyChannel channel) {
        requireAsync("cleared");
        return poll(out, offset, count, channel);
    }

    /** Gives packets back whose copies have ended; none of a queue that is not registered. */
    public final int poll(Packet[] out, int offset, int count, CopyChannel channel) {
        if (async == null) {
            return 0;
        }
        requireChannel(channel);
        Objects.checkFromIndexSize(offset, count, out.length);
        harvest(channel);
        return take(out, offset, count);
    }

    /** As VirtQueue.drain, without waiting; packets that are left. */
    public final int giveBack(Consumer<? super Packet> back) {
        if (async == null) {
            return 0;
        }
        Packet[] one = new Packet[1];
        int before;
        do {
            before = async.inFlight();
            CopyChannel awaited = async.awaited();
            if (awaited != null) {
                harvest(awaited);
            }
            // One at a time: where a packet is not wanted, those behind it are still the library's.
            while (take(one, 0, 1) > 0) {
                back.accept(one[0]);
            }
        } while (async.inFlight() < before);
        return before;
    }

    /** Takes packets whose copies have ended out of their slots. */
    abstract int take(Packet[] out, int offset, int count);

    /** Whether a burst may submit: the registration may have ended on another thread at any time. */
    final boolean maySubmit(CopyChannel channel) {
        if (async == null) {
            return false;
        }
        requireChannel(channel);
        if (async.slots().isEvicted()) {
            // Before it holds up the next engine as well.
            checkEngine();
        }
        return true;
    }

    /** Whether there is a ring that takes copies: not while those of its predecessor have not ended. */
    final boolean takesCopies() {
        return life.isRunning() && !async.hasLeft();
    }

    /** Accounts for what a burst has submitted, also when it ended with an error; how many packets. */
    final int submitted(int before, int offered) {
        CopySlots<Packet> slots = async.slots();
        int total = slots.opened() - before;
        counters.add(Counter.SUBMITTED, total);
        if (slots.takeTruncated()) {
            events.truncated(total, offered);
        }
        life.checkViolation();
        return total;
    }

    /** Memory has gone under a burst that had opened slots since there were {@code before}. */
    final void lostSince(int before, InternalError cause) {
        async.slots().undeliverableSince(before);
        life.memoryLost(cause);
    }

    /**
     * Gives chains back whose copies have ended. Without a ring they are forgotten; packets come back all the
     * same.
     */
    final void harvest(CopyChannel channel) {
        DeviceRing ring = life.violation() == RingViolation.MEMORY_LOST ? null : life.ring();
        try {
            int before = ring == null ? 0 : ring.published();
            async.harvest(channel, ring);
            if (ring != null) {
                life.interruptFor(before);
            }
            MemoryFault.surface();
        } catch (InternalError e) {
            life.memoryLost(e);
        }
        checkEngine();
    }

    /** A queue whose engine has failed is given up, as one whose guest has: the front-end starts it again. */
    private void checkEngine() {
        if (async.slots().takeEngineFailed() && life.violation() == null) {
            life.fence(RingViolation.DMA_FAILED, 0);
        }
    }

    final void count(int ended, int delivered, long bytes) {
        counters.add(Counter.COMPLETED, ended);
        counters.add(Counter.COPY_FAILED, ended - delivered);
        counters.add(Counter.PACKETS, delivered);
        counters.add(Counter.BYTES, bytes);
    }

    /**
     * Chains are used in the order in which they were offered, so a synchronous burst cannot overtake copies.
     */
    final void requireNothingInFlight() {
        if (async != null && async.inFlight() > 0) {
            throw refusal("worked on synchronously: %d packets are in flight; poll or clear them first"
                    .formatted(async.inFlight()));
        }
    }

    private void requireAsync(String what) {
        if (async == null) {
            throw refusal("%s: asynchronous copies are not registered".formatted(what));
        }
    }

    private void requireChannel(CopyChannel channel) {
        Objects.requireNonNull(channel, "channel");
        if (channel.registry() != registry) {
            throw new IllegalArgumentException(
                    "DMA channel %s is in another registry than %s; use one of the device's registry"
                            .formatted(channel, life));
        }
        if (channel.isClosed()) {
            throw new IllegalArgumentException("DMA channel %s is unconfigured".formatted(channel));
        }
    }

    private IllegalStateException refusal(String why) {
        return new IllegalStateException("%s cannot be %s".formatted(life, why));
    }
}
