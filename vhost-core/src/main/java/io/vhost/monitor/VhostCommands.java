package io.vhost.monitor;

import io.vhost.device.DeviceSnapshot;
import io.vhost.device.QueueCounters;
import io.vhost.device.QueueCounters.Counter;
import io.vhost.device.VhostDevice;
import io.vhost.memory.MemoryRegion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Our own commands about devices: what QEMU, as a front-end, cannot know. */
final class VhostCommands {
    private static final Type IN_FLIGHT = Type.object(
            Member.of("path", Type.STRING), Member.of("queue", Type.UINT16), Member.of("inflight", Type.UINT64),
            Member.of("submitted", Type.UINT64), Member.of("completed", Type.UINT64),
            Member.of("failed", Type.UINT64), Member.of("stalled", Type.UINT64));
    private static final Type LOCK = Type.object(
            Member.of("path", Type.STRING), Member.of("queue", Type.UINT16), Member.of("name", Type.STRING),
            Member.of("kind", Type.STRING), Member.of("held", Type.BOOLEAN), Member.optional("owner", Type.STRING),
            Member.of("waiters", Type.INT), Member.of("contended", Type.UINT64),
            Member.of("misused", Type.UINT64), Member.of("reentered", Type.UINT64),
            Member.of("max-hold-ns", Type.UINT64));
    private static final Type REGION = Type.object(
            Member.of("gpa", Type.UINT64), Member.of("size", Type.UINT64), Member.of("userspace-addr", Type.UINT64),
            Member.of("mmap-offset", Type.UINT64));
    private static final Type BACKEND = Type.object(
            Member.of("socket", Type.STRING), Member.of("mode", Type.STRING), Member.of("state", Type.STRING),
            Member.of("queues", Type.INT), Member.of("queues-running", Type.INT));

    private final DeviceLookup lookup;

    VhostCommands(MonitoredDevices devices) {
        this.lookup = new DeviceLookup(devices);
    }

    List<Command> commands() {
        return List.of(
                Command.named("x-query-vhost-inflight").help("show packets that DMA channels have").outOfBand()
                        .optional("path", Type.STRING).optional("queue", Type.UINT16)
                        .returns(Type.array(IN_FLIGHT)).runs(this::inFlight),
                Command.named("x-query-vhost-locks").help("show the locks of queues").outOfBand()
                        .optional("path", Type.STRING)
                        .returns(Type.array(LOCK)).runs(this::locks),
                Command.named("x-query-vhost-memory").help("show the memory table of a device")
                        .argument("path", Type.STRING)
                        .returns(Type.array(REGION)).runs(this::memory),
                Command.named("x-query-vhost-backend").help("show the connection of a device")
                        .argument("path", Type.STRING)
                        .returns(BACKEND).runs(this::backend));
    }

    private List<Map<String, Object>> inFlight(Arguments arguments) throws CommandException {
        List<Map<String, Object>> queues = new ArrayList<>();
        for (DeviceLookup.Place place : lookup.queues(arguments)) {
            QueueCounters counters = place.queue().counters();
            // Completed first: it never exceeds what was submitted by then, nor by any later moment.
            long completed = counters.get(Counter.COMPLETED);
            long submitted = counters.get(Counter.SUBMITTED);
            queues.add(Json.object(
                    "path", place.path(), "queue", place.queue().index(),
                    "inflight", Math.max(0, submitted - completed),
                    "submitted", submitted, "completed", completed,
                    "failed", counters.get(Counter.COPY_FAILED), "stalled", counters.get(Counter.COPY_STALLS)));
        }
        return queues;
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
            lock.put("waiters", place.queue().access_lock.waiters());
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
        for (MemoryRegion region : lookup.device(arguments).snapshot().regions()) {
            regions.add(Json.object(
                    "gpa", Json.unsigned(region.guestAddress()), "size", Json.unsigned(region.size()),
                    "userspace-addr", Json.unsigned(region.userAddress()),
                    "mmap-offset", Json.unsigned(region.fileOffset())));
        }
        return regions;
    }

    private Map<String, Object> backend(Arguments arguments) throws CommandException {
        VhostDevice device = lookup.device(arguments);
        DeviceSnapshot snapshot = device.snapshot();
        int running = 0;
        for (int i = 0; i < device.queueCount(); i++) {
            running += device.queue(i).isRunning() ? 1 : 0;
        }
        return Json.object(
                "socket", device.name(), "mode", "server",
                "state", device.isFailed() ? "failed" : snapshot.announced() ? "running" : "connected",
                "queues", device.queueCount(), "queues-running", running);
    }
}
