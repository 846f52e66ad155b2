package io.vhost.metrics;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Keeps account of ports by listening to their devices. A port's counters go on from one front-end to the
 * next and never fall, so that a collector takes no reconnect for a restart; and whoever connects again and
 * again makes no new names.
 *
 * <p>Threads: any. Reading takes a lock that connections take when they come and go, and no other thread.
 */
public final class PortAccounts {
    /** Is told of ports and queues, on any thread, without locks. */
    interface Watcher {
        /** There is a port that was not there before. */
        void added(String port);

        /** A port has so many queues now, more than before. */
        void appeared(String port, int queues);

        /** There is no such port any more. */
        void removed(String port);
    }

    private final Map<String, Account> accounts = new ConcurrentSkipListMap<>();
    private final List<Watcher> watchers = new CopyOnWriteArrayList<>();

    /** No ports yet. */
    public PortAccounts() {}

    /**
     * Adds a port; where there is one of this name its account goes on.
     *
     * @param port its name
     * @param listener the application's, which is told everything, on the same threads and under the same
     *     locks
     * @return what to give to the port's server in its place
     */
    public DeviceListener watch(String port, DeviceListener listener) {
        Account account = accounts.computeIfAbsent(port, Account::new);
        watchers.forEach(watcher -> watcher.added(port));
        return new Watch(account, listener);
    }

    /** Ends the account of a port that is no more. */
    public void remove(String port) {
        if (accounts.remove(port) != null) {
            watchers.forEach(watcher -> watcher.removed(port));
        }
    }

    /** How all ports are, in the order of their names. */
    public List<PortReading> read() {
        return accounts.values().stream().map(Account::read).toList();
    }

    /** Tells this one, too, of queues that appear from now on. */
    void add(Watcher watcher) {
        watchers.add(watcher);
    }

    /** One port. */
    private static final class Account {
        private final String port;

        @GuardedBy("this")
        private final Set<VhostDevice> present = new LinkedHashSet<>();

        /** By queue: what those have counted that are gone. */
        @GuardedBy("this")
        private final List<QueueReading> gone = new ArrayList<>();

        @GuardedBy("this")
        private long connections;

        private Account(String port) {
            this.port = port;
        }

        /** How many queues the port has now; 0 if it had as many before. */
        private synchronized int begin(VhostDevice device) {
            connections++;
            present.add(device);
            int before = gone.size();
            for (int i = before; i < device.queueCount(); i++) {
                gone.add(new QueueReading(i, device.queue(i).isToGuest()));
            }
            return gone.size() > before ? gone.size() : 0;
        }

        /** In one step, so that no reading has it twice or not at all. */
        private synchronized void end(VhostDevice device) {
            if (present.remove(device)) {
                for (int i = 0; i < device.queueCount(); i++) {
                    gone.get(i).add(device.queue(i), true);
                }
            }
        }

        private synchronized PortReading read() {
            List<QueueReading> queues = gone.stream().map(QueueReading::copy).toList();
            for (VhostDevice device : present) {
                for (int i = 0; i < device.queueCount(); i++) {
                    queues.get(i).add(device.queue(i), false);
                }
            }
            return new PortReading(port, connections, present.size(), queues);
        }
    }

    private final class Watch implements DeviceListener {
        private final Account account;
        private final DeviceListener listener;

        private Watch(Account account, DeviceListener listener) {
            this.account = account;
            this.listener = listener;
        }

        @Override
        public void newConnection(VhostDevice device) {
            int queues = account.begin(device);
            if (queues > 0) {
                watchers.forEach(watcher -> watcher.appeared(account.port, queues));
            }
            listener.newConnection(device);
        }

        @Override
        public void featuresChanged(VhostDevice device, long features) {
            listener.featuresChanged(device, features);
        }

        @Override
        public void newDevice(VhostDevice device) {
            listener.newDevice(device);
        }

        @Override
        public void vringStateChanged(VirtQueue queue, boolean enabled) {
            listener.vringStateChanged(queue, enabled);
        }

        @Override
        public void destroyDevice(VhostDevice device) {
            listener.destroyDevice(device);
        }

        @Override
        public void destroyConnection(VhostDevice device) {
            // First the application, which takes packets back: that counts.
            listener.destroyConnection(device);
            account.end(device);
        }
    }
}
