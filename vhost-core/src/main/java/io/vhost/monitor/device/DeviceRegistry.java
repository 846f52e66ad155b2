package io.vhost.monitor.device;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.monitor.event.MonitorEvent;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Keeps account of the devices and sockets that a monitor can look at, by listening to them, and turns what
 * it hears into events.
 *
 * <p>Threads: any.
 */
public final class DeviceRegistry {
    /** Is told of events, on any thread and under a queue's lock; must not wait. */
    public interface Watcher {
        /** Something has happened. */
        void happened(MonitorEvent event);
    }

    private final AtomicInteger number = new AtomicInteger();
    private final Map<Integer, VhostDevice> devices = new ConcurrentSkipListMap<>();
    private final Map<String, MonitoredSocket> sockets = new ConcurrentSkipListMap<>();
    private final List<Watcher> watchers = new CopyOnWriteArrayList<>();

    /** A listener that keeps account of devices and passes everything on to the application's. */
    public DeviceListener watch(DeviceListener listener) {
        return new Watch(listener);
    }

    /** The devices that are connected, by the names that the monitor gives them. */
    public Map<String, VhostDevice> byPath() {
        Map<String, VhostDevice> named = new LinkedHashMap<>();
        devices.forEach((id, device) -> named.put(path(id), device));
        return named;
    }

    /** The sockets that have had connections, by their paths. */
    public Map<String, MonitoredSocket> sockets() {
        return new LinkedHashMap<>(sockets);
    }

    /** The socket of a device. */
    MonitoredSocket socket(VhostDevice device) {
        return sockets.getOrDefault(device.frontEnd().socket(),
                MonitoredSocket.unused(device.connection().outgoing()));
    }

    /** Whether no device is connected. */
    public boolean isEmpty() {
        return devices.isEmpty();
    }

    /** Tells this one, too, from now on. */
    public void add(Watcher watcher) {
        watchers.add(watcher);
    }

    /** Tells this one no longer. */
    public void remove(Watcher watcher) {
        watchers.remove(watcher);
    }

    private String path(VhostDevice device) {
        for (Map.Entry<Integer, VhostDevice> entry : devices.entrySet()) {
            if (entry.getValue().equals(device)) {
                return path(entry.getKey());
            }
        }
        return device.frontEnd().socket();
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
            sockets.merge(device.frontEnd().socket(),
                    MonitoredSocket.unused(device.connection().outgoing()).connected(),
                    (known, _) -> known.connected());
            tell(MonitorEvent.of("NETDEV_VHOST_USER_CONNECTED",
                    "netdev-id", path(device), "chardev-id", device.frontEnd().socket()));
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
            sockets.computeIfPresent(device.frontEnd().socket(),
                    (_, known) -> known.disconnected(device.connection().lastError()));
            tell(MonitorEvent.of("NETDEV_VHOST_USER_DISCONNECTED", "netdev-id", path));
            listener.destroyConnection(device);
        }
    }
}
