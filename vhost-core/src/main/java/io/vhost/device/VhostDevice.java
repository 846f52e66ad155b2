package io.vhost.device;

import io.vhost.device.packet.Announcement;
import io.vhost.limit.ServerAccount;
import io.vhost.queue.QueueOwner;
import io.vhost.queue.SignalWorker;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Objects;

/**
 * One connected front-end: a virtual machine or a DPDK process, with its queues.
 *
 * <p>Threads: any. The object lives from {@link DeviceListener#newConnection} to
 * {@link DeviceListener#destroyConnection};
 * afterwards its queues move nothing and may still be asked for counters.
 */
public final class VhostDevice {
    /** Least MTU that a front-end may set. */
    public static final int LEAST_MTU = 68;
    /** Largest MTU that a front-end may set. */
    public static final int MOST_MTU = 65535;

    private final FrontEnd frontEnd;
    private final ServerAccount account;
    private final DeviceListener listener;
    private final Logger log;
    private final VirtQueue[] queues;
    private final SignalWorker signalWorker;
    private final Announcement announcement = new Announcement();
    private final ConnectionRecord connection = new ConnectionRecord();
    private volatile long features;
    private volatile DeviceSnapshot snapshot = DeviceSnapshot.NONE;
    private volatile int mtu;
    private volatile Runnable hangUp = () -> {};
    private volatile boolean failed;
    private volatile boolean ended;
    /** Why the application ended the connection; null: it has not. */
    private volatile String disconnectReason;

    VhostDevice(FrontEnd frontEnd, ServerAccount account, VhostConfig config, DeviceListener listener,
            Logger log) {
        this.frontEnd = frontEnd;
        this.account = account;
        this.listener = listener;
        this.log = log;
        this.queues = new VirtQueue[NetworkDevice.queueCount(config.queuePairs())];
        this.signalWorker = new SignalWorker("signals #" + frontEnd.id());
        QueueOwner owner = new Owner();
        for (int i = 0; i < queues.length; i++) {
            queues[i] = new VirtQueue(this, owner, i, config);
        }
    }

    /** Who is at the other end; this object's for as long as it lives. */
    public FrontEnd frontEnd() {
        return frontEnd;
    }

    /** Name for logs, as {@link FrontEnd#name} has it: the socket's path, and a number. */
    public String name() {
        return frontEnd.name();
    }

    /**
     * Ends the connection, with all callbacks that belong to that. Returns at once: the connection's thread
     * does it, when the request that it works on, or the callback, has ended. In
     * {@link DeviceListener#newConnection} this is a veto: no request of the front-end is answered. Any
     * thread, with any lock held; a second time has no effect.
     *
     * @param reason for the log, such as "port 3 is shut"
     */
    public void disconnect(String reason) {
        Objects.requireNonNull(reason, "reason");
        if (disconnectReason == null) {
            disconnectReason = reason;
        }
        hangUp.run();
    }

    /** Number of queues, twice the configured pairs. */
    public int queueCount() {
        return queues.length;
    }

    /**
     * The queue with this index; even ones carry packets to the guest, odd ones from it.
     *
     * @param index 0 to {@link #queueCount()} - 1
     */
    public VirtQueue queue(int index) {
        if (index < 0 || index >= queues.length) {
            throw new IndexOutOfBoundsException(("%s has no queue %d, but 0 to %d: VhostConfig.queuePairs"
                    + " says how many pairs there are").formatted(name(), index, queues.length - 1));
        }
        return queues[index];
    }

    /** The feature bits that were negotiated, see {@link Feature}; 0 before. */
    public long features() {
        return features;
    }

    /** Whether {@code feature} was negotiated. */
    public boolean has(Feature feature) {
        return feature.in(features);
    }

    /**
     * Largest packet of the guest's network in bytes, without Ethernet header;
     * 0 when the front-end did not say.
     */
    public int mtu() {
        return mtu;
    }

    /** Whether the guest's memory went away under a burst; the connection is then closed. */
    public boolean isFailed() {
        return failed;
    }

    /**
     * Finds out whether the guest's memory is gone, and then fences the queues and has the connection closed,
     * as a burst does that meets it. Takes the queues' locks one after the other; hold none.
     *
     * <p>For a polling thread that met an error which {@link io.vhost.memory.MemoryFault#isOne} knows outside
     * a burst and cannot tell whose memory it was: it asks each of its devices.
     *
     * @return whether the memory is there
     */
    public boolean checkMemory() {
        for (VirtQueue queue : queues) {
            queue.checkMemory();
        }
        return !failed;
    }

    @Override
    public String toString() {
        return name();
    }

    /** How the device was after the front-end's last request. */
    public DeviceSnapshot snapshot() {
        return snapshot;
    }

    /** What has happened on the device's connection so far. Reading it takes no lock. */
    public ConnectionSnapshot connection() {
        return connection.snapshot();
    }

    /** Whether the front-end has gone, for good. */
    boolean hasEnded() {
        return ended;
    }

    /** The front-end has gone; its queues have stopped. */
    void end() {
        ended = true;
        for (VirtQueue queue : queues) {
            queue.wake();
        }
        signalWorker.close();
    }

    ConnectionRecord record() {
        return connection;
    }

    void snapshot(DeviceSnapshot present) {
        snapshot = present;
    }

    /** Where to log what a front-end or a listener can cause. */
    Logger log() {
        return log;
    }

    /** Tells an operator what has happened. */
    void news(String text) {
        log.log(Level.INFO, () -> "(%s) %s".formatted(name(), text));
    }

    DeviceListener listener() {
        return listener;
    }

    void features(long negotiated) {
        features = negotiated;
    }

    void mtu(int bytes) {
        mtu = bytes;
    }

    Announcement announcement() {
        return announcement;
    }

    String disconnectReason() {
        return disconnectReason;
    }

    /** What ends the connection; called by any thread, must not block. */
    void onHangUp(Runnable action) {
        hangUp = action;
    }

    /** Called by a burst, under its queue's lock: the connection's thread does the rest. */
    void fail(Throwable cause) {
        if (!failed) {
            failed = true;
            log.log(Level.ERROR, () -> "(%s) guest memory is gone, closing the connection".formatted(name()),
                    cause);
        }
        hangUp.run();
    }

    /** A listener's exception, of whatever kind, must not end the connection's thread. */
    void notifyListener(String callback, Runnable call) {
        try {
            call.run();
        } catch (Throwable e) {
            log.log(Level.ERROR, () -> "(%s) listener threw from %s".formatted(name(), callback), e);
        }
    }

    /** This device as its queues know it. */
    private final class Owner implements QueueOwner {
        @Override
        public String name() {
            return VhostDevice.this.name();
        }

        @Override
        public Logger log() {
            return log;
        }

        @Override
        public void fail(Throwable cause) {
            VhostDevice.this.fail(cause);
        }

        @Override
        public String takeRing(int entries) {
            return account.takeRing(entries);
        }

        @Override
        public SignalWorker signalWorker() {
            return signalWorker;
        }

        @Override
        public void giveRing(int entries) {
            account.giveRing(entries);
        }

        @Override
        public void stateChanged(int queue, boolean runs) {
            news("queue %d %s".formatted(queue, runs ? "started" : "stopped"));
            notifyListener("vringStateChanged", () -> listener.vringStateChanged(queue(queue), runs));
        }
    }
}
