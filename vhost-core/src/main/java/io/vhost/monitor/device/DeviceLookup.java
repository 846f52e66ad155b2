package io.vhost.monitor.device;

import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.command.CommandException;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.QueueSnapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Finds what the arguments {@code path} and {@code queue} mean. */
final class DeviceLookup {
    /** A queue, and the name of its device. */
    record Place(String path, VirtQueue queue) {}

    private final DeviceRegistry devices;

    DeviceLookup(DeviceRegistry devices) {
        this.devices = devices;
    }

    /** The device that must be given. */
    VhostDevice device(Arguments arguments) throws CommandException {
        String path = arguments.text("path");
        VhostDevice device = devices.byPath().get(path);
        if (device == null) {
            throw new CommandException("Path " + path + " is not a VirtIODevice");
        }
        return device;
    }

    /** The queue that must be given. */
    VirtQueue queue(Arguments arguments, String complaint) throws CommandException {
        VhostDevice device = device(arguments);
        long index = arguments.integer("queue");
        if (index >= device.queueCount()) {
            throw new CommandException(complaint + " " + index);
        }
        return device.queue((int) index);
    }

    /** All queues, or those of the device and index that may be given. */
    List<Place> queues(Arguments arguments) throws CommandException {
        Map<String, VhostDevice> wanted = arguments.has("path")
                ? Map.of(arguments.text("path"), device(arguments)) : devices.byPath();
        List<Place> places = new ArrayList<>();
        for (Map.Entry<String, VhostDevice> entry : wanted.entrySet()) {
            VhostDevice device = entry.getValue();
            for (int i = 0; i < device.queueCount(); i++) {
                if (!arguments.has("queue") || arguments.integer("queue") == i) {
                    places.add(new Place(entry.getKey(), device.queue(i)));
                }
            }
        }
        if (places.isEmpty() && arguments.has("queue")) {
            throw new CommandException("Invalid virtqueue number " + arguments.integer("queue"));
        }
        return places;
    }

    /** Packets that DMA channels have, never negative, without the lock. */
    static long inFlight(VirtQueue queue) {
        // Completed first: it never exceeds what was submitted by then, nor by any later moment.
        long completed = queue.counters().get(Counter.COMPLETED);
        return Math.max(0, queue.counters().get(Counter.SUBMITTED) - completed);
    }

    /** How a queue is, unless somebody holds its lock for long. */
    static QueueSnapshot snapshot(VirtQueue queue) throws CommandException {
        QueueSnapshot snapshot = queue.snapshot();
        if (snapshot == null) {
            throw busy(queue);
        }
        return snapshot;
    }

    static CommandException busy(VirtQueue queue) {
        return new CommandException("queue " + queue.index() + " is busy");
    }
}
