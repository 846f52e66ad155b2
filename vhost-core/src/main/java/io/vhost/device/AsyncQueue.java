package io.vhost.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.packet.PacketPath;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.channel.ChannelAccess;
import io.vhost.net.Packet;
import io.vhost.queue.DeviceQueue;
import io.vhost.queue.QueueOwner;
import io.vhost.queue.QueueTally;
import io.vhost.state.QueueCounters.Counter;
import java.lang.System.Logger;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The control of a queue's asynchronous copies: their registration, what is in flight, and the way to empty
 * the queue. Each call comes in a safe form, which takes the lock, and in one whose name ends in
 * {@code ThreadUnsafe}, for callers that hold it: it checks that, logs an error and fails when they do not.
 *
 * <p>Threads: any.
 */
@SuppressWarnings("exports") // An application calls what is inherited; the superclass itself is not for it.
public abstract sealed class AsyncQueue extends DeviceQueue permits VirtQueue {
    private static final Logger LOG = System.getLogger("io.vhost.device");
    /** Between two looks of a drain: copies take microseconds, or are late. */
    private static final long DRAIN_NANOS = 50_000;

    /** Of the queue's direction. */
    @GuardedBy("access_lock")
    final PacketPath path;

    AsyncQueue(QueueOwner owner, int index, boolean lockTiming, QueueTally tally, PacketPath path) {
        super(owner, index, lockTiming, tally, path);
        this.path = path;
        access_lock.lock();
        try {
            path.serve(life(), events());
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * Lets this queue's packets be copied by DMA channels. Takes the lock.
     *
     * @throws IllegalStateException when asynchronous copies are not enabled for the device, the queue's ring
     *     is not set up and started, or the queue is registered already
     */
    public void registerAsync() {
        lockForControl();
        try {
            path.registerAsync();
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * The same as {@link #registerAsync} for a caller that holds the lock.
     *
     * @throws IllegalMonitorStateException when the calling thread does not hold {@link #access_lock};
     *     nothing has changed
     * @throws IllegalStateException as {@link #registerAsync}
     */
    @GuardedBy("access_lock")
    public void registerAsyncThreadUnsafe() {
        requireLock("registerAsyncThreadUnsafe", LOG);
        path.registerAsync();
    }

    /**
     * Ends asynchronous copies; no effect when the queue is not registered. Takes the lock.
     *
     * @throws IllegalStateException when packets are in flight, with their number: poll or clear first
     */
    public void unregisterAsync() {
        lockForControl();
        try {
            path.unregisterAsync();
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * The same as {@link #unregisterAsync} for a caller that holds the lock.
     *
     * @throws IllegalMonitorStateException when the calling thread does not hold {@link #access_lock};
     *     nothing has changed
     * @throws IllegalStateException as {@link #unregisterAsync}
     */
    @GuardedBy("access_lock")
    public void unregisterAsyncThreadUnsafe() {
        requireLock("unregisterAsyncThreadUnsafe", LOG);
        path.unregisterAsync();
    }

    /**
     * {@return whether asynchronous copies are registered} Takes the lock. The answer holds for as long as
     * the caller keeps the lock: a listener that unregisters needs it, too.
     */
    public boolean isAsyncRegistered() {
        access_lock.lock();
        try {
            return path.isAsyncRegistered();
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * How many packets the library holds: accepted, and not given back to the application. Takes the lock.
     *
     * @return packets, 0 to the ring's size; never negative
     * @throws IllegalStateException when the queue is not registered
     */
    public int getInflight() {
        lockForControl();
        try {
            return path.inFlight();
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * The same as {@link #getInflight} for a caller that holds the lock.
     *
     * @return packets, 0 to the ring's size; never negative
     * @throws IllegalMonitorStateException when the calling thread does not hold {@link #access_lock};
     *     nothing has changed
     * @throws IllegalStateException as {@link #getInflight}
     */
    @GuardedBy("access_lock")
    public int getInflightThreadUnsafe() {
        requireLock("getInflightThreadUnsafe", LOG);
        return path.inFlight();
    }

    /**
     * Gives packets back whose copies have ended, whatever the state of the ring. Does not wait for copies;
     * call it until {@link #getInflight} is 0. Takes the lock. Programs of packets that come from the guest
     * are asked about them.
     *
     * @param out receives the packets, which are the caller's again
     * @param offset first index to fill
     * @param count most packets to give back
     * @param channel where the copies were submitted
     * @return packets given back, 0 to {@code count}
     * @throws IllegalStateException when the queue is not registered
     * @throws IllegalArgumentException when the channel is not configured,
     *     or in another registry than the device's
     */
    public int clearQueue(Packet[] out, int offset, int count, DmaChannel channel) {
        int cleared;
        lockForControl();
        try {
            cleared = path.clear(out, offset, count, ChannelAccess.channel(channel));
        } finally {
            access_lock.unlock();
        }
        return cleared(out, offset, cleared, channel);
    }

    /** Asks programs about packets that were cleared; how many are left for the application. */
    abstract int cleared(Packet[] packets, int offset, int count, DmaChannel channel);

    /**
     * The same as {@link #clearQueue} for a caller that holds the lock.
     *
     * @param out receives the packets, which are the caller's again
     * @param offset first index to fill
     * @param count most packets to give back
     * @param channel where the copies were submitted
     * @return packets given back, 0 to {@code count}
     * @throws IllegalMonitorStateException when the calling thread does not hold {@link #access_lock};
     *     nothing has changed
     * @throws IllegalStateException as {@link #clearQueue}
     * @throws IllegalArgumentException as {@link #clearQueue}
     */
    @GuardedBy("access_lock")
    public int clearQueueThreadUnsafe(Packet[] out, int offset, int count, DmaChannel channel) {
        requireLock("clearQueueThreadUnsafe", LOG);
        return cleared(out, offset, path.clear(out, offset, count, ChannelAccess.channel(channel)), channel);
    }

    /**
     * Gives all packets back whose copies have ended or end within a limited time, to empty a queue for good:
     * the end of a polling loop, or of a device. An engine that never completes holds nobody up longer than
     * that. Takes the lock for each look, and waits without it, unless the caller holds it. Asks no programs:
     * what is given back here is not for sending on.
     *
     * @param back gets the packets, which are the application's again, in the order of their submission and
     *     under the lock; {@link Packet#release} does. What it throws ends the call, and the packets behind
     *     are given back by the next one.
     * @param patience how long to wait; zero: look once. An interrupt of the thread ends the wait too, and
     *     stays set.
     * @return packets that the library still holds; 0 also of a queue that is not registered
     */
    public int drain(Consumer<? super Packet> back, Duration patience) {
        Objects.requireNonNull(back, "back");
        if (access_lock.isHeldByCurrentThread()) {
            tally().addShared(Counter.REENTRANT_CALLS);
        }
        return drainWithin(back, patience);
    }

    private int drainWithin(Consumer<? super Packet> back, Duration patience) {
        long nanos = patience.toNanos();
        long begin = System.nanoTime();
        int left = look(back);
        while (left > 0 && System.nanoTime() - begin < nanos && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(DRAIN_NANOS);
            left = look(back);
        }
        return left;
    }

    private int look(Consumer<? super Packet> back) {
        access_lock.lock();
        try {
            return path.giveBack(back);
        } finally {
            access_lock.unlock();
        }
    }

    /**
     * The same as {@link #drain} for a caller that holds the lock, as a listener does whose queue stops. It
     * need not wait there: the device itself waits afterwards, at most {@link VhostConfig#copyTimeout}.
     *
     * @param back as {@link #drain} has it
     * @param patience how long to wait, with the lock held; zero: look once
     * @return packets that the library still holds; 0 also of a queue that is not registered
     * @throws IllegalMonitorStateException when the calling thread does not hold {@link #access_lock};
     *     nothing has changed
     */
    @GuardedBy("access_lock")
    public int drainThreadUnsafe(Consumer<? super Packet> back, Duration patience) {
        requireLock("drainThreadUnsafe", LOG);
        Objects.requireNonNull(back, "back");
        return drainWithin(back, patience);
    }
}
