package io.vhost.monitor.device;

import io.vhost.device.VhostDevice;
import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Member;
import io.vhost.monitor.json.Json;
import io.vhost.state.ConnectionSnapshot;
import io.vhost.state.DeviceSnapshot;
import io.vhost.state.MemoryBacking;
import io.vhost.state.MemoryRegion;
import io.vhost.state.QueueCounters;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.QueueSnapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Our own commands about devices: what QEMU, as a front-end, cannot know. */
final class VhostCommands {
    private static final Type IN_FLIGHT = Type.object(
            Member.of("path", Type.STRING), Member.of("queue", Type.UINT16),
            Member.of("inflight", Type.UINT64),
            Member.of("submitted", Type.UINT64), Member.of("completed", Type.UINT64),
            Member.of("failed", Type.UINT64), Member.of("stalled", Type.UINT64),
            Member.optional("dma", Type.STRING), Member.optional("vchan", Type.INT),
            Member.optional("oldest-ns", Type.UINT64));
    private static final Type LOCK = Type.object(
            Member.of("path", Type.STRING), Member.of("queue", Type.UINT16), Member.of("name", Type.STRING),
            Member.of("kind", Type.STRING), Member.of("held", Type.BOOLEAN),
            Member.optional("owner", Type.STRING),
            Member.of("readers", Type.INT), Member.of("waiters", Type.INT),
            Member.of("acquired", Type.UINT64),
            Member.of("contended", Type.UINT64),
            Member.of("misused", Type.UINT64), Member.of("reentered", Type.UINT64),
            Member.of("max-hold-ns", Type.UINT64));
    private static final Type REGION = Type.object(
            Member.of("gpa", Type.UINT64), Member.of("size", Type.UINT64),
            Member.of("userspace-addr", Type.UINT64),
            Member.of("mmap-offset", Type.UINT64), Member.of("fd", Type.INT),
            Member.optional("page-size", Type.UINT64), Member.optional("sealed", Type.BOOLEAN),
            Member.optional("file-system", Type.STRING));
    private static final Type IOTLB = Type.object(
            Member.of("entries", Type.UINT64), Member.of("hits", Type.UINT64),
            Member.of("misses", Type.UINT64),
            Member.of("pending", Type.UINT64));
    private static final Type BACKEND = Type.object(
            Member.of("socket", Type.STRING), Member.of("mode", Type.STRING), Member.of("state", Type.STRING),
            Member.of("queues", Type.INT), Member.of("queues-running", Type.INT),
            Member.of("connections", Type.UINT64), Member.of("reconnects", Type.UINT64),
            Member.of("last-error", Type.STRING),
            Member.of("messages", Type.array(Type.object(
                    Member.of("request", Type.STRING), Member.of("count", Type.UINT64)))));

    /** A file is closed once it is mapped. */
    private static final int CLOSED = -1;
    /** A channel is one virtual channel of its engine. */
    private static final int ONLY_CHANNEL = 0;

    private final DeviceRegistry devices;
    private final DeviceLookup lookup;

    VhostCommands(DeviceRegistry devices) {
        this.devices = devices;
        this.lookup = new DeviceLookup(devices);
    }

    List<Command> commands() {
        return List.of(
                Command.named("x-query-vhost-inflight").help("show packets that DMA channels have")
                        .outOfBand()
                        .optional("path", Type.STRING).optional("queue", Type.UINT16)
                        .returns(Type.array(IN_FLIGHT)).runs(this::inFlight),
                Command.named("x-query-vhost-locks").help("show the locks of queues").outOfBand()
                        .optional("path", Type.STRING)
                        .returns(Type.array(LOCK)).runs(this::locks),
                Command.named("x-query-vhost-memory").help("show the memory table of a device")
                        .argument("path", Type.STRING)
                        .returns(Type.array(REGION)).runs(this::memory),
                Command.named("x-query-vhost-iotlb").help("show the address cache of a device")
                        .argument("path", Type.STRING)
                        .returns(IOTLB).runs(this::iotlb),
                Command.named("x-query-vhost-backend").help("show the connection of a device")
                        .argument("path", Type.STRING)
                        .returns(BACKEND).runs(this::backend));
    }

    private List<Map<String, Object>> inFlight(Arguments arguments) throws CommandException {
        List<Map<String, Object>> queues = new ArrayList<>();
        for (DeviceLookup.Place place : lookup.queues(arguments)) {
            QueueCounters counters = place.queue().counters();
            long inFlight = DeviceLookup.inFlight(place.queue());
            Map<String, Object> queue = Json.object(
                    "path", place.path(), "queue", place.queue().index(), "inflight", inFlight,
                    "submitted", counters.get(Counter.SUBMITTED),
                    "completed", counters.get(Counter.COMPLETED),
                    "failed", counters.get(Counter.COPY_FAILED),
                    "stalled", counters.get(Counter.COPY_STALLS));
            if (inFlight == 0) {
                queue.put("oldest-ns", 0);
            } else {
                addOldest(queue, place.queue().snapshot());
            }
            queues.add(queue);
        }
        return queues;
    }

    /** What only the lock's holder can say is left out while another thread keeps the lock. */
    private static void addOldest(Map<String, Object> queue, QueueSnapshot snapshot) {
        if (snapshot != null) {
            if (!snapshot.dma().isEmpty()) {
                queue.put("dma", snapshot.dma());
                queue.put("vchan", ONLY_CHANNEL);
            }
            queue.put("oldest-ns", snapshot.oldestNanos());
        }
    }

    private List<Map<String, Object>> locks(Arguments arguments) throws CommandException {
        List<Map<String, Object>> locks = new ArrayList<>();
        for (DeviceLookup.Place place : lookup.queues(arguments)) {
            QueueCounters counters = place.queue().counters();
            Thread owner = place.queue().access_lock.owner();
            Map<String, Object> lock = Json.object(
                    "path", place.path(), "queue", place.queue().index(), "name", "access_lock",
                    "kind", "reentrant", "held", owner != null);
            if (owner != null) {
                lock.put("owner", owner.getName());
            }
            lock.put("readers", 0);
            lock.put("waiters", place.queue().access_lock.waiters());
            lock.put("acquired", place.queue().access_lock.acquired());
            lock.put("contended", counters.get(Counter.BUSY));
            lock.put("misused", counters.get(Counter.LOCK_MISUSE));
            lock.put("reentered", counters.get(Counter.REENTRANT_CALLS));
            lock.put("max-hold-ns", place.queue().access_lock.longestHold().toNanos());
            locks.add(lock);
        }
        return locks;
    }

    private List<Map<String, Object>> memory(Arguments arguments) throws CommandException {
        List<Map<String, Object>> regions = new ArrayList<>();
        DeviceSnapshot snapshot = lookup.device(arguments).snapshot();
        for (MemoryRegion region : snapshot.regions()) {
            Map<String, Object> described = Json.object(
                    "gpa", Json.unsigned(region.guestAddress()), "size", Json.unsigned(region.size()),
                    "userspace-addr", Json.unsigned(region.userAddress()),
                    "mmap-offset", Json.unsigned(region.fileOffset()), "fd", CLOSED);
            if (regions.size() < snapshot.backings().size()) {
                MemoryBacking backing = snapshot.backings().get(regions.size());
                described.put("page-size", backing.pageSize());
                described.put("sealed", backing.sealed());
                described.put("file-system", backing.fileSystem());
            }
            regions.add(described);
        }
        return regions;
    }

    private Map<String, Object> iotlb(Arguments arguments) throws CommandException {
        lookup.device(arguments);
        throw new CommandException("Path " + arguments.text("path")
                + " has no IOTLB: VIRTIO_F_ACCESS_PLATFORM is not negotiated");
    }

    private Map<String, Object> backend(Arguments arguments) throws CommandException {
        VhostDevice device = lookup.device(arguments);
        DeviceSnapshot snapshot = device.snapshot();
        int running = 0;
        for (int i = 0; i < device.queueCount(); i++) {
            running += device.queue(i).isRunning() ? 1 : 0;
        }
        ConnectionSnapshot connection = device.connection();
        MonitoredSocket socket = devices.socket(device);
        List<Map<String, Object>> messages = new ArrayList<>();
        connection.requests().forEach((name, count) ->
                messages.add(Json.object("request", name, "count", count)));
        return Json.object(
                "socket", device.frontEnd().socket(), "mode", connection.outgoing() ? "client" : "server",
                "state", device.isFailed() ? "failed" : snapshot.announced() ? "running" : "connected",
                "queues", device.queueCount(), "queues-running", running,
                "connections", socket.connections(), "reconnects", socket.reconnects(),
                "last-error", connection.lastError().isEmpty() ? socket.lastError() : connection.lastError(),
                "messages", messages);
    }
}
