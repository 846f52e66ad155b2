package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.json.Json;
import io.vhost.peer.LinuxGuest;
import io.vhost.peer.SwitchProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The two ends of one virtqueue: QEMU's monitor tells where the front-end has it, ours where the back-end has
 * it, while a Linux guest's driver uses it.
 */
@Tag("peer")
@Timeout(300)
class GuestQueueTest {
    private static final List<String> PLACE = List.of(
            "name", "queue-index", "vring-num", "vring-align", "vring-desc", "vring-avail", "vring-used");

    @TempDir
    private Path directory;

    @BeforeEach
    void needs() {
        LinuxGuest.require();
    }

    @Test
    void bothEndsAgreeOnSizesAddressesAndIndices() throws IOException, CommandException {
        Path socket = directory.resolve("a.sock");
        Path ourMonitor = directory.resolve("m");
        Path theirMonitor = directory.resolve("qmp");
        try (SwitchProcess _ = SwitchProcess.start("--socket-path", socket.toString(), "--monitor",
                ourMonitor.toString());
                LinuxGuest guest = LinuxGuest.start(socket, 1, "", "-qmp",
                        "unix:" + theirMonitor + ",server=on,wait=off")) {
            guest.awaitBoot();
            // Nobody answers, but what the guest asks has gone through its queue.
            guest.send("ping -c 3 -W 1 " + LinuxGuest.address(2) + "; echo \"sent\"=yes.");
            guest.await("sent=yes.");
            try (MonitorClient our = MonitorClient.connect(ourMonitor);
                    MonitorClient their = MonitorClient.connect(theirMonitor)) {
                String theirs = path(their);
                // Not always the first: QEMU is started again when a kernel does not come up.
                String back = path(our);
                for (int queue = 0; queue < 2; queue++) {
                    Map<?, ?> ours;
                    Map<?, ?> element;
                    // Again if the guest has sent something meanwhile.
                    do {
                        ours = element(our, back, queue);
                        element = element(their, theirs, queue);
                    } while (!ours.equals(element(our, back, queue)));
                    assertEquals(element, ours);
                    assertFalse(((List<?>) element.get("descs")).isEmpty());
                }
                List<Map<?, ?>> running = status(our, back);
                assertEquals(List.of("virtio-net", "virtio-net"),
                        running.stream().map(s -> s.get("name")).toList());
                assertTrue(number(running.get(1), "used-idx") > 0, running::toString);
                their.call("stop", Map.of());
                // Now the queues are the front-end's again, with the indices that we gave it.
                List<Map<?, ?>> stopped = status(their, theirs);
                for (int queue = 0; queue < 2; queue++) {
                    Map<?, ?> ours = running.get(queue);
                    Map<?, ?> other = stopped.get(queue);
                    assertEquals(select(other), select(ours));
                    // The guest may have sent something since.
                    long since = number(status(our, back).get(queue), "used-idx")
                            - number(ours, "used-idx") & 0xFFFF;
                    assertEquals(number(other, "used-idx"), number(ours, "used-idx") + since & 0xFFFF);
                    assertEquals(number(other, "last-avail-idx"),
                            number(ours, "last-avail-idx") + since & 0xFFFF);
                    assertEquals(0, number(ours, "inuse"));
                }
                their.call("cont", Map.of());
            }
            guest.run("true");
        }
    }

    private static String path(MonitorClient monitor) throws IOException, CommandException {
        return (String) ((Map<?, ?>) ((List<?>) monitor.call("x-query-virtio", Map.of())).getFirst())
                .get("path");
    }

    private static List<Map<?, ?>> status(MonitorClient monitor, String path)
            throws IOException, CommandException {
        List<Map<?, ?>> queues = new ArrayList<>();
        for (int queue = 0; queue < 2; queue++) {
            queues.add((Map<?, ?>) monitor.call("x-query-virtio-queue-status",
                    Map.of("path", path, "queue", queue)));
        }
        return queues;
    }

    /** The first entry of a queue, without the indices, which move. */
    private static Map<?, ?> element(MonitorClient monitor, String path, int queue)
            throws IOException, CommandException {
        Map<?, ?> element = (Map<?, ?>) monitor.call(
                "x-query-virtio-queue-element", Map.of("path", path, "queue", queue, "index", 0));
        return Map.of("name", element.get("name"), "index", element.get("index"), "descs",
                element.get("descs"));
    }

    private static Map<String, Object> select(Map<?, ?> status) {
        Map<String, Object> selected = Json.object();
        PLACE.forEach(name -> selected.put(name, status.get(name)));
        return selected;
    }

    private static long number(Map<?, ?> status, String name) {
        return ((Number) status.get(name)).longValue();
    }
}
