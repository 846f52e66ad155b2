package io.vhost.app.polling;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaRegistry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The devices of one socket, for those who poll them. Registers a queue for asynchronous copies when it
 * begins to run, and takes packets back and ends the registration when it ceases to, all without waiting
 * for copies.
 *
 * <p>Threads: connections' threads tell, any thread may ask.
 */
public final class PolledDevices implements DeviceListener {
    /** Whoever has the devices polled. */
    @FunctionalInterface
    public interface Poller {
        /**
         * A device begins or ceases to be one of {@link #running}. Called by the connection's thread, which
         * holds no lock. Afterwards a device that has ceased may still be polled: that moves nothing.
         *
         * @param device which
         * @param runs whether to poll it from now on
         */
        void changed(PolledDevice device, boolean runs);
    }

    private final DmaRegistry dma;
    private final PortPrograms programs;
    private final Poller poller;
    private final Object lock = new Object();

    @GuardedBy("lock")
    private final Map<VhostDevice, PolledDevice> connected = new LinkedHashMap<>();

    /** Replaced under the lock: polling threads ask for it while nobody receives. */
    private volatile List<PolledDevice> running = List.of();

    /** Those that are gone, with packets that a copy may still touch which does not end. Replaced. */
    private volatile List<PolledDevice> late = List.of();

    /** What those have counted that are gone. */
    @GuardedBy("lock")
    private PortCounters gone = PortCounters.ZERO;

    /**
     * Nobody is connected.
     *
     * @param dma whose channels copy packets; null: the polling threads do
     * @param programs that work on the devices' packets
     * @param poller is told when devices begin and cease to run
     */
    public PolledDevices(DmaRegistry dma, PortPrograms programs, Poller poller) {
        this.dma = dma;
        this.programs = programs;
        this.poller = poller;
    }

    /** Whether DMA channels copy packets. */
    public boolean copies() {
        return dma != null;
    }

    /** Those whose queues run, the one that began first comes first. Does not wait and does not allocate. */
    public List<PolledDevice> running() {
        return running;
    }

    /** Has each of {@link #running} look at its memory. */
    public void checkMemory() {
        running.forEach(polled -> polled.device().checkMemory());
    }

    /**
     * Packets of all who are connected that DMA channels are copying, or have copied and not given back. Who
     * asks puts packets back of those that are gone, when a late copy has ended.
     */
    public long inFlight() {
        if (dma == null) {
            return 0;
        }
        // Polling threads ask in each idle round: no stream.
        long sum = 0;
        synchronized (lock) {
            for (PolledDevice device : connected.values()) {
                sum += device.inFlight();
            }
        }
        putBack();
        return sum;
    }

    /** Puts packets back of those that are gone, whose late copies have ended. */
    public void putBack() {
        if (late.isEmpty()) {
            return;
        }
        // Not under the lock: callbacks of queues, which have theirs, take it.
        late.forEach(PolledDevice::end);
        synchronized (lock) {
            late = late.stream().filter(device -> device.inFlight() > 0).toList();
        }
    }

    /** What the queues of all have counted who are or were connected. */
    public PortCounters counters() {
        synchronized (lock) {
            return connected.keySet().stream().map(PortCounters::of).reduce(gone, PortCounters::plus);
        }
    }

    @Override
    public void newConnection(VhostDevice device) {
        programs.giveTo(device);
        synchronized (lock) {
            connected.put(device, new PolledDevice(device, dma));
        }
    }

    @Override
    public void vringStateChanged(VirtQueue queue, boolean enabled) {
        polled(queue.device()).stateChanged(queue, enabled);
    }

    @Override
    public void newDevice(VhostDevice device) {
        changed(device, true);
    }

    @Override
    public void destroyDevice(VhostDevice device) {
        changed(device, false).end();
    }

    private PolledDevice changed(VhostDevice device, boolean runs) {
        PolledDevice polled = polled(device);
        synchronized (lock) {
            Stream<PolledDevice> others = running.stream().filter(other -> !other.equals(polled));
            running = (runs ? Stream.concat(others, Stream.of(polled)) : others).toList();
        }
        poller.changed(polled, runs);
        return polled;
    }

    @Override
    public void destroyConnection(VhostDevice device) {
        PolledDevice polled = polled(device);
        polled.end();
        synchronized (lock) {
            connected.remove(device);
            if (polled.inFlight() > 0) {
                late = Stream.concat(late.stream(), Stream.of(polled)).toList();
            }
            gone = gone.plus(PortCounters.of(device));
        }
    }

    private PolledDevice polled(VhostDevice device) {
        synchronized (lock) {
            return connected.get(device);
        }
    }
}
