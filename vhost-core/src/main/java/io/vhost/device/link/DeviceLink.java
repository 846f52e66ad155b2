package io.vhost.device.link;

import io.vhost.device.packet.Announcement;
import io.vhost.queue.QueueOwner;
import io.vhost.state.DeviceSnapshot;
import io.vhost.state.FrontEnd;
import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;

/**
 * One device as its transport knows it, and the device itself: what the front-end has said last, and what
 * ends the connection.
 *
 * <p>Threads: the connection's writes, any may read; {@link #disconnect} and {@link #fail} are any thread's.
 */
public final class DeviceLink {
    private static final DeviceSnapshot NOTHING_ASKED =
            new DeviceSnapshot(0, 0, 0, 0, false, List.of(), List.of(), 0);

    /** The constructor of devices, which applications must not see. */
    private static volatile BiFunction<DeviceLink, QueueOwner, ?> constructor;

    private final FrontEnd frontEnd;
    private final QueueOptions queues;
    private final Announcement announcement = new Announcement();
    private final ConnectionRecord record = new ConnectionRecord();
    private volatile long features;
    private volatile int mtu;
    private volatile DeviceSnapshot snapshot = NOTHING_ASKED;
    private volatile Runnable hangUp = () -> {};
    private volatile boolean failed;
    private volatile boolean ended;
    /** Why the application ended the connection; null: it has not. */
    private volatile String disconnectReason;

    /**
     * A link of a front-end that has just connected.
     *
     * @param frontEnd who that is
     * @param queues how the device's queues are to be
     */
    public DeviceLink(FrontEnd frontEnd, QueueOptions queues) {
        this.frontEnd = frontEnd;
        this.queues = queues;
    }

    /** For the class of devices, when it is initialized: how they are made. */
    public static void constructor(BiFunction<DeviceLink, QueueOwner, ?> ofDevices) {
        constructor = ofDevices;
    }

    /**
     * Makes the device.
     *
     * @param <D> as below
     * @param type class of devices, the one that gave its {@link #constructor}
     * @param owner of its queues
     */
    public <D> D device(Class<D> type, QueueOwner owner) {
        try {
            MethodHandles.lookup().ensureInitialized(type);
        } catch (IllegalAccessException e) {
            throw new IllegalArgumentException(type + " is no class of devices", e);
        }
        return type.cast(constructor.apply(this, owner));
    }

    /** Who is at the other end. */
    public FrontEnd frontEnd() {
        return frontEnd;
    }

    /** How the device's queues are. */
    public QueueOptions queues() {
        return queues;
    }

    /** What the device itself has to send in the guest's name. */
    public Announcement announcement() {
        return announcement;
    }

    /** What happens on the connection. */
    public ConnectionRecord record() {
        return record;
    }

    /** The feature bits that were negotiated; 0 before. */
    public long features() {
        return features;
    }

    /** The front-end has chosen. */
    public void features(long negotiated) {
        features = negotiated;
    }

    /** Largest packet of the guest's network in bytes, without Ethernet header; 0: not said. */
    public int mtu() {
        return mtu;
    }

    /** The front-end has said it. */
    public void mtu(int bytes) {
        mtu = bytes;
    }

    /** How the device was after the front-end's last request. */
    public DeviceSnapshot snapshot() {
        return snapshot;
    }

    /** Lets others see how it is now. */
    public void snapshot(DeviceSnapshot present) {
        snapshot = present;
    }

    /** What ends the connection; called by any thread, must not block. */
    public void onHangUp(Runnable action) {
        hangUp = action;
    }

    /** Why the application has ended the connection; null: it has not. */
    public String disconnectReason() {
        return disconnectReason;
    }

    /**
     * Ends the connection; a second time has no effect.
     *
     * @param reason for the log
     */
    public void disconnect(String reason) {
        Objects.requireNonNull(reason, "reason");
        if (disconnectReason == null) {
            disconnectReason = reason;
        }
        hangUp.run();
    }

    /** Whether the front-end has gone, for good. */
    public boolean hasEnded() {
        return ended;
    }

    /** The front-end has gone; its queues are stopped next. */
    public void end() {
        ended = true;
    }

    /** Whether the guest's memory went away under a burst. */
    public boolean isFailed() {
        return failed;
    }

    /**
     * The guest's memory has gone: ends the connection, whose thread does the rest.
     *
     * @return whether nobody has found that out before
     */
    public boolean fail() {
        boolean first = !failed;
        failed = true;
        hangUp.run();
        return first;
    }
}
