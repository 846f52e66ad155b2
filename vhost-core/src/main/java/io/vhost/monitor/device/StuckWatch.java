package io.vhost.monitor.device;

import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.monitor.event.MonitorEvent;
import io.vhost.monitor.json.Json;
import io.vhost.state.QueueSnapshot;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Looks at all queues once a second, while anyone listens, and tells of those that do not get on: one whose
 * lock could not be had in two looks, or whose oldest asynchronous copy is a second old.
 *
 * <p>Thread: one look at a time, on any.
 */
public final class StuckWatch {
    /** Time between two looks, and the age that a copy has reached when it is told of, in ns. */
    public static final long INTERVAL = 1_000_000_000;

    private static final int LOOKS = 2;

    private final DeviceRegistry devices;
    private final Consumer<MonitorEvent> events;
    private final Map<String, Integer> refusals = new HashMap<>();
    private final AtomicBoolean looking = new AtomicBoolean();

    /** A watch over these devices that has not looked yet; {@code events} is told on the looking thread. */
    public StuckWatch(DeviceRegistry devices, Consumer<MonitorEvent> events) {
        this.devices = devices;
        this.events = events;
    }

    /** One look; none while another has not ended. */
    public void look() {
        if (looking.compareAndSet(false, true)) {
            try {
                Map<String, VhostDevice> present = devices.byPath();
                refusals.keySet().removeIf(
                        name -> !present.containsKey(name.substring(0, name.lastIndexOf(' '))));
                present.forEach(this::look);
            } finally {
                looking.set(false);
            }
        }
    }

    private void look(String path, VhostDevice device) {
        for (int i = 0; i < device.queueCount(); i++) {
            VirtQueue queue = device.queue(i);
            String name = path + " " + i;
            QueueSnapshot snapshot = queue.snapshot();
            if (snapshot != null) {
                refusals.remove(name);
                if (snapshot.oldestNanos() > INTERVAL) {
                    tell(path, i, "copies", "age-ns", snapshot.oldestNanos());
                }
            } else if (refusals.merge(name, 1, Integer::sum) >= LOOKS) {
                Thread owner = queue.access_lock.owner();
                tell(path, i, "lock", "owner", owner == null ? "" : owner.getName());
            }
        }
    }

    private void tell(String path, int queue, String reason, String name, Object detail) {
        events.accept(new MonitorEvent("VHOST_QUEUE_STUCK",
                Json.object("path", path, "queue", queue, "reason", reason, name, detail),
                path + " " + queue));
    }
}
