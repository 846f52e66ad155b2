package io.vhost.app.vswitch;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.app.polling.PolledDevice;
import io.vhost.app.polling.PolledDevices;
import io.vhost.app.polling.PortCounters;
import io.vhost.app.polling.PortPrograms;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaRegistry;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * One socket of {@code switch}, with the guests that are connected to it: each has a port of the switch while
 * its queues run. Threads: any.
 */
final class SwitchSocket implements SwitchMember {
    /** Guests that come and go while one burst is under way, at most. */
    private static final int COUNTING = 8;

    private final int number;
    private final String name;
    private final LearningSwitch ethernet;
    private final PortPrograms programs;
    private final PolledDevices devices;
    private final Runnable changed;
    private final Object lock = new Object();

    /** Those of the guests whose queues run. */
    @GuardedBy("lock")
    private final Map<PolledDevice, SwitchPort> ports = new LinkedHashMap<>();

    /** The first of them, for the switch's thread; null: there is none. */
    private volatile SwitchPort first;

    /** Those that are gone last: bursts under way may still be counted there. */
    @GuardedBy("lock")
    private final Deque<SwitchPort> left = new ArrayDeque<>();

    /** What the others have counted that are gone. */
    @GuardedBy("lock")
    private PortCounters gone = PortCounters.ZERO;

    /**
     * A socket without guests.
     *
     * @param number of the port
     * @param name of the socket
     * @param ethernet where guests are attached
     * @param dma what copies packets; null: the switch's thread does
     * @param programs that decide on packets of the guests
     * @param changed called after {@link #queues} has changed
     */
    SwitchSocket(int number, String name, LearningSwitch ethernet, DmaRegistry dma, PortPrograms programs,
            Runnable changed) {
        this.number = number;
        this.name = name;
        this.ethernet = ethernet;
        this.programs = programs;
        this.devices = new PolledDevices(dma, programs, this::guestChanged);
        this.changed = changed;
    }

    private void guestChanged(PolledDevice guest, boolean runs) {
        synchronized (lock) {
            if (runs) {
                ports.put(guest, ethernet.attach(guest.queues().size() / 2,
                        share -> new DeviceLink(guest, share)));
            } else {
                SwitchPort port = ports.remove(guest);
                ethernet.detach(port);
                left.add(port);
                if (left.size() > COUNTING) {
                    gone = gone.plus(left.remove().counters());
                }
            }
            first = ports.isEmpty() ? null : ports.values().iterator().next();
        }
        changed.run();
    }

    @Override
    public SwitchPort port() {
        return first;
    }

    /** Where programs decide on packets. */
    PortPrograms programs() {
        return programs;
    }

    /** For whoever serves the socket. */
    DeviceListener listener() {
        return devices;
    }

    @Override
    public int number() {
        return number;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public PortCounters counters() {
        synchronized (lock) {
            return Stream.concat(ports.values().stream(), left.stream()).map(SwitchPort::counters)
                    .reduce(gone, PortCounters::plus);
        }
    }

    @Override
    public boolean isConnected() {
        synchronized (lock) {
            return !ports.isEmpty();
        }
    }

    /** The queues that carry packets from the guests, those that one thread polls. */
    List<VirtQueue> queues(int thread) {
        List<VirtQueue> queues = new ArrayList<>();
        synchronized (lock) {
            ports.forEach((guest, port) -> {
                VhostDevice device = guest.device();
                for (int i = 1; i < device.queueCount(); i += 2) {
                    if (port.isPolledBy(thread, i / 2)) {
                        queues.add(device.queue(i));
                    }
                }
            });
        }
        return queues;
    }

    /** Has each guest's device look at its memory. */
    void checkMemory() {
        devices.checkMemory();
    }

    @Override
    public boolean copies() {
        return devices.copies();
    }

    @Override
    public long inFlight() {
        return devices.inFlight();
    }

    /** Puts packets back whose late copies have ended. */
    void putBack() {
        devices.putBack();
    }
}
