package io.vhost.app.vswitch;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.app.polling.PacketQueue;
import io.vhost.app.polling.PortCounters;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaRegistry;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One socket of {@code switch}, with the guests that are connected to it: each has a port of the switch while
 * its queues run. Threads: any.
 */
final class SwitchSocket implements DeviceListener, SwitchMember {
    private final String name;
    private final LearningSwitch ethernet;
    private final DmaRegistry dma;
    private final Runnable changed;
    private final Object lock = new Object();

    /** Those that are connected. */
    @GuardedBy("lock")
    private final Map<VhostDevice, DeviceLink> links = new LinkedHashMap<>();

    /** Those of them whose queues run. */
    @GuardedBy("lock")
    private final Map<VhostDevice, SwitchPort> ports = new LinkedHashMap<>();

    /** What those have counted that are gone. */
    @GuardedBy("lock")
    private PortCounters gone = PortCounters.ZERO;

    /**
     * A socket without guests.
     *
     * @param name of the socket
     * @param ethernet where guests are attached
     * @param dma what copies packets; null: the switch's thread does
     * @param changed called after {@link #queues} has changed
     */
    SwitchSocket(String name, LearningSwitch ethernet, DmaRegistry dma, Runnable changed) {
        this.name = name;
        this.ethernet = ethernet;
        this.dma = dma;
        this.changed = changed;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public PortCounters counters() {
        synchronized (lock) {
            return ports.values().stream().map(SwitchPort::counters).reduce(gone, PortCounters::plus);
        }
    }

    @Override
    public boolean isConnected() {
        synchronized (lock) {
            return !ports.isEmpty();
        }
    }

    /** The queues that carry packets from the guests. */
    List<VirtQueue> queues() {
        List<VirtQueue> queues = new ArrayList<>();
        synchronized (lock) {
            for (VhostDevice device : ports.keySet()) {
                for (int i = 1; i < device.queueCount(); i += 2) {
                    queues.add(device.queue(i));
                }
            }
        }
        return queues;
    }

    @Override
    public boolean copies() {
        return dma != null;
    }

    @Override
    public long inFlight() {
        if (dma == null) {
            return 0;
        }
        // Asked in each round that found nothing to do: no stream.
        long sum = 0;
        synchronized (lock) {
            for (VhostDevice device : ports.keySet()) {
                sum += PacketQueue.inFlight(device);
            }
        }
        return sum;
    }

    @Override
    public void newConnection(VhostDevice device) {
        synchronized (lock) {
            links.put(device, new DeviceLink(device, dma));
        }
    }

    @Override
    public void vringStateChanged(VirtQueue queue, boolean enabled) {
        link(queue.device()).queue(queue.index()).stateChanged(enabled);
    }

    @Override
    public void newDevice(VhostDevice device) {
        synchronized (lock) {
            ports.put(device, ethernet.attach(links.get(device)));
        }
        changed.run();
    }

    @Override
    public void destroyDevice(VhostDevice device) {
        synchronized (lock) {
            SwitchPort port = ports.remove(device);
            if (port != null) {
                ethernet.detach(port);
                gone = gone.plus(port.counters());
            }
        }
        changed.run();
        link(device).end();
    }

    @Override
    public void destroyConnection(VhostDevice device) {
        link(device).end();
        synchronized (lock) {
            links.remove(device);
        }
    }

    private DeviceLink link(VhostDevice device) {
        synchronized (lock) {
            return links.get(device);
        }
    }
}
