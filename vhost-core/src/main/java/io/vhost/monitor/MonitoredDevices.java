package io.vhost.monitor;

import io.vhost.device.DeviceListener;
import io.vhost.monitor.device.DeviceRegistry;
import java.util.Objects;

/**
 * The devices that a monitor can look at. It stands between servers and the application's listeners: those
 * are told everything, on the same threads and under the same locks.
 *
 * <p>Threads: any.
 */
public final class MonitoredDevices {
    private final DeviceRegistry registry = new DeviceRegistry();

    /** No devices yet. */
    public MonitoredDevices() {}

    /**
     * A listener that keeps account of devices and passes everything on.
     *
     * @param listener the application's
     * @return what to give to the server in its place
     */
    public DeviceListener watch(DeviceListener listener) {
        return registry.watch(Objects.requireNonNull(listener, "listener"));
    }

    DeviceRegistry registry() {
        return registry;
    }
}
