package io.vhost.monitor;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The devices that a monitor can look at. It stands between servers and the application's listeners: those
 * are told everything, on the same threads and under the same locks.
 *
 * <p>Threads: any.
 */
public final class MonitoredDevices {
    /** Is told of events, on any thread and under a queue's lock; must not wait. */
    interface Watcher {
        /** Something has happened. */
        void happened(MonitorEvent event);
    }

    private final AtomicInteger number = new AtomicInteger();
    private final Map<Integer, VhostDevice> devices = new ConcurrentSkipListMap<>();
    private final Map<String, MonitoredSocket> sockets = new ConcurrentSkipListMap<>();
    private final List<Watcher> watchers = new CopyOnWriteArrayList<>();

    /** No devices yet. */
    public MonitoredDevices() {}

    /**
     * A listener that keeps account of devices and passes everything on.
     *
     * @param listener the application's
     * @return what to give to the server in its place
     */
    public DeviceListener watch(DeviceListener listener) {
        return new Watch(Objects.requireNonNull(listener, "listener"));
    }

    /** The devices that are connected, by the names that the monitor gives them. */
    Map<String, VhostDevice> byPath() {
        Map<String, VhostDevice> named = new LinkedHashMap<>();
        devices.forEach((id, device) -> named.put(path(id), device));
        return named;
    }

    /** The sockets that have had connections, by their paths. */
    Map<String, MonitoredSocket> sockets() {
        return new LinkedHashMap<>(sockets);
    }

    /** The socket of a device. */
    MonitoredSocket socket(VhostDevice device) {
        return sockets.getOrDefault(device.name(), MonitoredSocket.unused(device.connection().outgoing()));
    }

    boolean isEmpty() {
        return devices.isEmpty();
    }

    void add(Watcher watcher) {
        watchers.add(watcher);
    }

    void remove(Watcher watcher) {
        watchers.remove(watcher);
    }

    private String path(VhostDevice device) {
        for (Map.Entry<Integer, VhostDevice> entry : devices.entrySet()) {
            if (entry.getValue().equals(device)) {
                return path(entry.getKey());
            }
        }
        return device.name();
    }

    private static String path(int id) {
        return "/vhost/" + id + "/virtio-backend";
    }

    private void tell(MonitorEvent event) {
        watchers.forEach(watcher -> watcher.happened(event));
    }

    private final class Watch implements DeviceListener {
        private final DeviceListener listener;

        private Watch(DeviceListener listener) {
            this.listener = listener;
        }

        @Override
        public void newConnection(VhostDevice device) {
            devices.put(number.getAndIncrement(), device);
            sockets.merge(device.name(), MonitoredSocket.unused(device.connection().outgoing()).connected(),
                    (known, _) -> known.connected());
            tell(MonitorEvent.of("NETDEV_VHOST_USER_CONNECTED",
                    "netdev-id", path(device), "chardev-id", device.name()));
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
            tell(MonitorEvent.of("VHOST_QUEUE_STATE",
                    "path", path(queue.device()), "queue", queue.index(), "enabled", enabled));
            listener.vringStateChanged(queue, enabled);
        }

        @Override
        public void destroyDevice(VhostDevice device) {
            listener.destroyDevice(device);
        }

        @Override
        public void destroyConnection(VhostDevice device) {
            String path = path(device);
            devices.values().remove(device);
            sockets.computeIfPresent(device.name(),
                    (_, known) -> known.disconnected(device.connection().lastError()));
            tell(MonitorEvent.of("NETDEV_VHOST_USER_DISCONNECTED", "netdev-id", path));
            listener.destroyConnection(device);
        }
    }
}
