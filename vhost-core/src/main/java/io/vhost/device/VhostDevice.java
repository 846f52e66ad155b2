package io.vhost.device;

import io.vhost.device.link.DeviceLink;
import io.vhost.memory.MemoryFault;
import io.vhost.queue.QueueOwner;
import io.vhost.state.ConnectionSnapshot;
import io.vhost.state.DeviceSnapshot;
import io.vhost.state.FrontEnd;

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

    static {
        DeviceLink.constructor(VhostDevice::new);
    }

    private final DeviceLink link;
    private final VirtQueue[] queues;

    VhostDevice(DeviceLink link, QueueOwner owner) {
        this.link = link;
        this.queues = new VirtQueue[NetworkDevice.queueCount(link.queues().pairs())];
        for (int i = 0; i < queues.length; i++) {
            queues[i] = new VirtQueue(this, link, owner, i);
        }
    }

    /** Who is at the other end; this object's for as long as it lives. */
    public FrontEnd frontEnd() {
        return link.frontEnd();
    }

    /** Name for logs, as {@link FrontEnd#name} has it: the socket's path, and a number. */
    public String name() {
        return link.frontEnd().name();
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
        link.disconnect(reason);
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
        return link.features();
    }

    /** Whether {@code feature} was negotiated. */
    public boolean has(Feature feature) {
        return feature.in(features());
    }

    /**
     * Largest packet of the guest's network in bytes, without Ethernet header;
     * 0 when the front-end did not say.
     */
    public int mtu() {
        return link.mtu();
    }

    /** Whether the guest's memory went away under a burst; the connection is then closed. */
    public boolean isFailed() {
        return link.isFailed();
    }

    /**
     * Finds out whether the guest's memory is gone, and then fences the queues and has the connection closed,
     * as a burst does that meets it. Takes the queues' locks one after the other; hold none.
     *
     * <p>For a polling thread that met an error which {@link #isMemoryFault} knows outside a burst and cannot
     * tell whose memory it was: it asks each of its devices.
     *
     * @return whether the memory is there
     */
    public boolean checkMemory() {
        for (VirtQueue queue : queues) {
            queue.checkMemory();
        }
        return !isFailed();
    }

    /**
     * Whether an error is that of an access to a guest's memory that is gone, see {@link #checkMemory}. What
     * else is an {@link InternalError} is a fault of the JVM.
     */
    public static boolean isMemoryFault(Throwable error) {
        return MemoryFault.isOne(error);
    }

    @Override
    public String toString() {
        return name();
    }

    /** How the device was after the front-end's last request. */
    public DeviceSnapshot snapshot() {
        return link.snapshot();
    }

    /** What has happened on the device's connection so far. Reading it takes no lock. */
    public ConnectionSnapshot connection() {
        return link.record().snapshot();
    }
}
