package io.vhost.monitor.device;

import io.vhost.device.Feature;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Member;
import io.vhost.monitor.json.Json;
import io.vhost.ring.RingFormat;
import io.vhost.state.DeviceSnapshot;
import io.vhost.state.QueueSnapshot;
import io.vhost.state.RingElement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * QEMU's commands about virtio devices, seen from the back-end. What only a front-end can know is 0, empty or
 * false.
 */
final class VirtioCommands {
    private static final int WRAP_COUNTER = 0x8000;
    private static final String DEVICE = "virtio-net";
    private static final int NETWORK = 1;
    private static final int ALIGNMENT = 4096;
    private static final String STOPPED = "Region caches not initialized";
    private static final String[] STATUS = {
        "VIRTIO_CONFIG_S_ACKNOWLEDGE: Valid virtio device found",
        "VIRTIO_CONFIG_S_DRIVER: Guest OS compatible with device",
        "VIRTIO_CONFIG_S_DRIVER_OK: Driver setup and ready",
        "VIRTIO_CONFIG_S_FEATURES_OK: Feature negotiation complete"
    };

    private static final Map<Integer, String> DESCRIPTOR_FLAGS = new TreeMap<>(Map.of(
            1, "next", 2, "write", 4, "indirect", 1 << 7, "avail", 1 << 15, "used"));

    private final DeviceRegistry devices;
    private final DeviceLookup lookup;

    VirtioCommands(DeviceRegistry devices) {
        this.devices = devices;
        this.lookup = new DeviceLookup(devices);
    }

    List<Command> commands() {
        return List.of(
                Command.named("x-query-virtio").help("list the devices")
                        .returns(Type.array(Type.object(
                                Member.of("path", Type.STRING), Member.of("name", Type.STRING))))
                        .runs(_ -> devices.byPath().keySet().stream()
                                .map(path -> Json.object("path", path, "name", DEVICE)).toList()),
                Command.named("x-query-virtio-status").help("show the state of a device")
                        .argument("path", Type.STRING).returns(VirtioTypes.STATUS)
                        .runs(arguments -> status(lookup.device(arguments))),
                Command.named("x-query-virtio-queue-status").help("show the state of a queue")
                        .argument("path", Type.STRING).argument("queue", Type.UINT16)
                        .returns(VirtioTypes.QUEUE_STATUS)
                        .runs(arguments -> queue(lookup.queue(arguments, "Invalid virtqueue number"))),
                Command.named("x-query-virtio-vhost-queue-status")
                        .help("show where a queue lies in our memory")
                        .argument("path", Type.STRING).argument("queue", Type.UINT16)
                        .returns(VirtioTypes.VHOST_QUEUE_STATUS)
                        .runs(arguments -> vhostQueue(lookup.queue(arguments,
                                "Invalid vhost virtqueue number"))),
                Command.named("x-query-virtio-queue-element").help("show what the driver offers in a queue")
                        .argument("path", Type.STRING).argument("queue", Type.UINT16).optional("index",
                                Type.UINT16)
                        .returns(VirtioTypes.QUEUE_ELEMENT)
                        .runs(arguments -> element(lookup.queue(arguments, "Invalid virtqueue number"),
                                arguments)));
    }

    private static Map<String, Object> status(VhostDevice device) {
        DeviceSnapshot snapshot = device.snapshot();
        boolean started = snapshot.announced();
        return Json.object(
                "name", DEVICE, "device-id", NETWORK, "vhost-started", started,
                "device-endian", "little",
                "guest-features", FeatureNames.describe(snapshot.features()),
                "host-features", FeatureNames.describe(snapshot.offered()),
                "backend-features", FeatureNames.describe(snapshot.offered()),
                "num-vqs", device.queueCount(), "status", deviceStatus(snapshot.status()),
                "isr", 0, "queue-sel", 0, "vm-running", true, "broken", device.isFailed(), "disabled", false,
                "use-started", true, "started", started, "start-on-kick", false,
                "disable-legacy-check", false,
                "bus-name", "", "use-guest-notifier-mask", false,
                "vhost-dev", Json.object(
                        "n-mem-sections", snapshot.regions().size(), "n-tmp-sections", 0,
                        "nvqs", device.queueCount(), "vq-index", 0,
                        "features", FeatureNames.describe(snapshot.offered()),
                        "acked-features", FeatureNames.describe(snapshot.features()),
                        "backend-features", FeatureNames.describe(0),
                        "protocol-features", FeatureNames.describeProtocol(snapshot.protocolFeatures()),
                        "max-queues", device.queueCount() / 2, "backend-cap", 0,
                        "log-enabled", Feature.VHOST_F_LOG_ALL.in(snapshot.features()),
                        "log-size", snapshot.logBytes()));
    }

    private static Map<String, Object> deviceStatus(int status) {
        List<String> names = new ArrayList<>();
        int unknown = status;
        for (int bit = 0; bit < STATUS.length; bit++) {
            if ((status & (1 << bit)) != 0) {
                names.add(STATUS[bit]);
                unknown &= ~(1 << bit);
            }
        }
        Map<String, Object> described = Json.object("statuses", names);
        if (unknown != 0) {
            described.put("unknown-statuses", unknown);
        }
        return described;
    }

    private static Map<String, Object> queue(VirtQueue queue) throws CommandException {
        QueueSnapshot snapshot = DeviceLookup.snapshot(queue);
        Map<String, Object> status = Json.object(
                "name", DEVICE, "queue-index", queue.index(), "inuse", snapshot.inUse(),
                "vring-num", snapshot.size(), "vring-num-default", RingFormat.MAX_SIZE,
                "vring-align", ALIGNMENT,
                "vring-desc", Json.unsigned(snapshot.desc().guest()),
                "vring-avail", Json.unsigned(snapshot.avail().guest()),
                "vring-used", Json.unsigned(snapshot.used().guest()));
        if (snapshot.attached()) {
            boolean wrap = snapshot.positions().availWrap();
            status.put("last-avail-idx", coded(snapshot.nextAvail(), wrap));
            // Coded alike, so that the difference says how much the driver was seen to offer.
            status.put("shadow-avail-idx", coded(snapshot.knownAvail(), wrap));
        }
        status.put("used-idx", snapshot.nextUsed());
        status.put("signalled-used", snapshot.signalledUsed());
        status.put("signalled-used-valid", snapshot.signalledValid());
        return status;
    }

    /** A packed ring's has its wrap counter in bit 15, as QEMU shows what GET_VRING_BASE answers. */
    private static int coded(int position, boolean wrap) {
        return wrap ? position | WRAP_COUNTER : position;
    }

    private static Map<String, Object> element(VirtQueue queue, Arguments arguments) throws CommandException {
        if (!DeviceLookup.snapshot(queue).attached()) {
            throw new CommandException(STOPPED);
        }
        RingElement element = queue.element(arguments.has("index")
                ? OptionalInt.of((int) arguments.integer("index")) : OptionalInt.empty());
        if (element == null) {
            throw unseen(queue);
        }
        List<Map<String, Object>> descriptors = new ArrayList<>();
        for (RingElement.Descriptor descriptor : element.descriptors()) {
            descriptors.add(Json.object("addr", Json.unsigned(descriptor.address()),
                    "len", descriptor.length(),
                    "flags", flags(descriptor.flags())));
        }
        return Json.object(
                "name", DEVICE, "index", element.head(), "descs", descriptors,
                "avail", Json.object(
                        "flags", element.availFlags(), "idx", element.availIdx(), "ring", element.head()),
                "used", Json.object("flags", element.usedFlags(), "idx", element.usedIdx()));
    }

    /** Why there is no element: a queue was stopped meanwhile, somebody keeps it, or its memory is gone. */
    private static CommandException unseen(VirtQueue queue) throws CommandException {
        return DeviceLookup.snapshot(queue).attached()
                ? new CommandException("queue " + queue.index() + " is busy, or its memory is gone")
                : new CommandException(STOPPED);
    }

    private static List<String> flags(int flags) {
        return DESCRIPTOR_FLAGS.entrySet().stream()
                .filter(flag -> (flags & flag.getKey()) != 0).map(Map.Entry::getValue).toList();
    }

    private static Map<String, Object> vhostQueue(VirtQueue queue) throws CommandException {
        QueueSnapshot snapshot = DeviceLookup.snapshot(queue);
        return Json.object(
                "name", DEVICE, "kick", snapshot.kick(), "call", snapshot.call(),
                "desc", Json.unsigned(snapshot.desc().mapped()),
                "avail", Json.unsigned(snapshot.avail().mapped()),
                "used", Json.unsigned(snapshot.used().mapped()), "num", snapshot.size(),
                "desc-phys", Json.unsigned(snapshot.desc().guest()), "desc-size", snapshot.desc().bytes(),
                "avail-phys", Json.unsigned(snapshot.avail().guest()), "avail-size", snapshot.avail().bytes(),
                "used-phys", Json.unsigned(snapshot.used().guest()), "used-size", snapshot.used().bytes());
    }
}
