package io.vhost.monitor.hmp;

import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * One row of the text monitor's table: a command of the machine's language, and how its result looks.
 *
 * @param name what is typed
 * @param parameters what may follow; the last ones may be in brackets, and are optional
 * @param help one line
 * @param command which is run
 * @param text the result's text, given the arguments
 */
record HmpPage(
        String name,
        List<String> parameters,
        String help,
        String command,
        BiFunction<Map<String, Object>, Object, String> text) {
    private static final List<String> DEVICE = List.of("path");
    private static final List<String> QUEUE = List.of("path", "queue");

    private static final List<String> ELEMENT = List.of("path", "queue", "[index]");

    /** What {@code info} can show. */
    static final List<HmpPage> INFO = List.of(
            new HmpPage("chardev", List.of(), "show the sockets", "query-chardev", HmpText::any),
            new HmpPage("monitor", List.of(), "show the clients of this monitor", "x-query-monitor",
                    HmpText::any),
            new HmpPage("name", List.of(), "show the application's name", "query-name", HmpText::name),
            new HmpPage("stats", List.of("target"), "show counters of target device or vring", "query-stats",
                    HmpText::stats),
            new HmpPage("status", List.of(), "show whether the application runs", "query-status",
                    HmpText::status),
            new HmpPage("version", List.of(), "show the version", "query-version", HmpText::version),
            new HmpPage("vhost-backend", DEVICE, "show the connection of a device", "x-query-vhost-backend",
                    HmpText::any),
            new HmpPage("vhost-inflight", List.of(), "show packets that DMA channels have",
                    "x-query-vhost-inflight",
                    HmpText::any),
            new HmpPage("vhost-locks", List.of(), "show the locks of queues", "x-query-vhost-locks",
                    HmpText::any),
            new HmpPage("vhost-memory", DEVICE, "show the memory table of a device", "x-query-vhost-memory",
                    HmpText::any),
            new HmpPage("vhost-resources", List.of(), "show what front-ends have taken of this process",
                    "x-query-vhost-resources", HmpText::any),
            new HmpPage("virtio", List.of(), "list the devices", "x-query-virtio", HmpText::devices),
            new HmpPage("virtio-status", DEVICE, "show the state of a device", "x-query-virtio-status",
                    HmpText::deviceStatus),
            new HmpPage("virtio-queue-element", ELEMENT, "show what the driver offers in a queue",
                    "x-query-virtio-queue-element", HmpText::queueElement),
            new HmpPage("virtio-queue-status", QUEUE, "show the state of a queue",
                    "x-query-virtio-queue-status",
                    HmpText::queueStatus),
            new HmpPage("virtio-vhost-queue-status", QUEUE, "show where a queue lies in our memory",
                    "x-query-virtio-vhost-queue-status", HmpText::vhostQueueStatus));

    /** Name and parameters, as help shows them. */
    String usage() {
        return parameters.isEmpty() ? name : name + " " + String.join(" ", parameters);
    }
}
