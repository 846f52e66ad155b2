package io.vhost.metrics;

import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.vhost.device.ProgramLink;
import io.vhost.device.Verdict;
import io.vhost.limit.ResourceUsage;
import io.vhost.state.RingViolation;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/** All metrics, for one scrape: what belongs together is read together. Threads: those of scrapes. */
final class PrometheusMetrics implements MultiCollector {
    private static final double NANOS = 1e-9;

    private final PortAccounts accounts;
    private final Supplier<List<PortTraffic>> traffic;
    private final Supplier<List<ProgramLink>> programs;
    private final Supplier<ResourceUsage> usage;

    /** The metrics of these ports, of what the application counts at them and runs, and of this process. */
    PrometheusMetrics(PortAccounts accounts, Supplier<List<PortTraffic>> traffic,
            Supplier<List<ProgramLink>> programs, Supplier<ResourceUsage> usage) {
        this.accounts = accounts;
        this.traffic = traffic;
        this.programs = programs;
        this.usage = usage;
    }

    @Override
    public MetricSnapshots collect() {
        List<MetricSnapshot> all = new ArrayList<>();
        ports(all, traffic.get());
        List<PortReading> ports = accounts.read();
        connections(all, ports);
        QueueFamily.ALL.forEach(family -> all.add(family(family, ports)));
        all.add(violations(ports));
        locks(all, ports);
        all.add(programs(programs.get()));
        process(all, usage.get());
        return new MetricSnapshots(all);
    }

    private static void ports(List<MetricSnapshot> all, List<PortTraffic> ports) {
        GaugeSnapshot.Builder up =
                gauge("vhost_port_up", "Whether packets can pass the port: somebody is connected.");
        CounterSnapshot.Builder packets = counter("vhost_port_packets",
                "Packets that came in at the port (rx) and left by it (tx).");
        CounterSnapshot.Builder bytes = counter("vhost_port_bytes", "Bytes of those packets.");
        CounterSnapshot.Builder dropped = counter("vhost_port_dropped_packets",
                "Packets for the port that it had no buffers for, or nobody to take them.");
        CounterSnapshot.Builder lost = counter("vhost_port_dropped_bytes", "Bytes of those packets.");
        for (PortTraffic port : ports) {
            Labels name = Labels.of("port", port.port());
            Labels rx = name.add("direction", "rx");
            Labels tx = name.add("direction", "tx");
            up.dataPoint(value(name, port.connected() ? 1 : 0));
            packets.dataPoint(count(rx, port.rxPackets())).dataPoint(count(tx, port.txPackets()));
            bytes.dataPoint(count(rx, port.rxBytes())).dataPoint(count(tx, port.txBytes()));
            dropped.dataPoint(count(name, port.droppedPackets()));
            lost.dataPoint(count(name, port.droppedBytes()));
        }
        all.addAll(List.of(up.build(), packets.build(), bytes.build(), dropped.build(), lost.build()));
    }

    private static void connections(List<MetricSnapshot> all, List<PortReading> ports) {
        CounterSnapshot.Builder connections =
                counter("vhost_port_connections", "Front-ends that have connected.");
        GaugeSnapshot.Builder connected =
                gauge("vhost_port_connected", "Front-ends that are connected now.");
        for (PortReading port : ports) {
            Labels name = Labels.of("port", port.port());
            connections.dataPoint(count(name, port.connections()));
            connected.dataPoint(value(name, port.connected()));
        }
        all.addAll(List.of(connections.build(), connected.build()));
    }

    private static MetricSnapshot family(QueueFamily family, List<PortReading> ports) {
        CounterSnapshot.Builder metric = counter(family.name(), family.help());
        for (PortReading port : ports) {
            for (QueueReading queue : port.queues()) {
                Labels labels = labels(port, queue);
                family.counters().forEach((value, counter) -> metric.dataPoint(count(
                        family.label().isEmpty() ? labels : labels.add(family.label(), value),
                        queue.get(counter))));
            }
        }
        return metric.build();
    }

    /** Those that have happened: there are many rules, and hardly anybody breaks one. */
    private static MetricSnapshot violations(List<PortReading> ports) {
        CounterSnapshot.Builder metric = counter("vhost_queue_violations",
                "Rules of the ring that a guest broke; the queue is fenced.");
        for (PortReading port : ports) {
            for (QueueReading queue : port.queues()) {
                for (RingViolation violation : RingViolation.values()) {
                    if (queue.get(violation) > 0) {
                        metric.dataPoint(count(labels(port, queue)
                                .add("violation", violation.name().toLowerCase(Locale.ROOT)),
                                queue.get(violation)));
                    }
                }
            }
        }
        return metric.build();
    }

    private static void locks(List<MetricSnapshot> all, List<PortReading> ports) {
        CounterSnapshot.Builder acquired =
                counter("vhost_queue_lock_holds", "How often the queue's lock was taken.");
        for (PortReading port : ports) {
            port.queues().forEach(queue ->
                    acquired.dataPoint(count(labels(port, queue), queue.lockAcquired())));
        }
        all.add(acquired.build());
        all.add(ofQueues("vhost_queue_lock_waiters", "Threads that wait for the queue's lock now.", ports,
                QueueReading::lockWaiters));
        all.add(ofQueues("vhost_queue_lock_longest_hold_seconds",
                "Longest time that the queue's lock was held; 0 where that is not measured.", ports,
                queue -> queue.lockLongestHold() * NANOS));
        all.add(ofQueues("vhost_queue_in_flight_packets", "Packets that DMA channels have now.", ports,
                QueueReading::inFlight));
    }

    private static MetricSnapshot programs(List<ProgramLink> links) {
        CounterSnapshot.Builder metric = counter("vhost_program_packets",
                "Packets on which a program decided, by what it said.");
        for (ProgramLink link : links) {
            Labels labels = Labels.of("port", link.place().name(), "program", link.name(),
                    "direction", direction(link.place().isToGuest()));
            for (Verdict verdict : Verdict.values()) {
                metric.dataPoint(count(labels.add("verdict", verdict.name().toLowerCase(Locale.ROOT)),
                        link.count(verdict)));
            }
        }
        return metric.build();
    }

    private static MetricSnapshot ofQueues(String name, String help, List<PortReading> ports,
            ToDoubleFunction<QueueReading> figure) {
        GaugeSnapshot.Builder metric = gauge(name, help);
        for (PortReading port : ports) {
            port.queues().forEach(queue ->
                    metric.dataPoint(value(labels(port, queue), figure.applyAsDouble(queue))));
        }
        return metric.build();
    }

    private static void process(List<MetricSnapshot> all, ResourceUsage usage) {
        all.add(ofProcess("vhost_memory_mappings", "Memory regions and dirty logs of front-ends.", usage,
                ResourceUsage::mappings));
        all.add(ofProcess("vhost_memory_mapped_bytes", "Their sizes together.", usage,
                ResourceUsage::mappedBytes));
        all.add(ofProcess("vhost_open_descriptors", "File descriptors that the library keeps open.", usage,
                ResourceUsage::descriptors));
        CounterSnapshot.Builder refusals = counter("vhost_refusals",
                "What front-ends were refused, by the limit that they met.");
        usage.refusals().forEach((limit, count) ->
                refusals.dataPoint(count(Labels.of("limit", limit.label()), count)));
        all.add(refusals.build());
    }

    private static MetricSnapshot ofProcess(
            String name, String help, ResourceUsage usage, ToLongFunction<ResourceUsage> figure) {
        return gauge(name, help).dataPoint(value(Labels.EMPTY, (double) figure.applyAsLong(usage))).build();
    }

    private static Labels labels(PortReading port, QueueReading queue) {
        return Labels.of("port", port.port(), "queue", Integer.toString(queue.index()),
                "direction", direction(queue.isToGuest()));
    }

    private static String direction(boolean toGuest) {
        return toGuest ? "tx" : "rx";
    }

    private static CounterSnapshot.Builder counter(String name, String help) {
        return CounterSnapshot.builder().name(name).help(help);
    }

    private static GaugeSnapshot.Builder gauge(String name, String help) {
        return GaugeSnapshot.builder().name(name).help(help);
    }

    private static CounterDataPointSnapshot count(Labels labels, long value) {
        return CounterDataPointSnapshot.builder().labels(labels).value((double) value).build();
    }

    private static GaugeDataPointSnapshot value(Labels labels, double value) {
        return GaugeDataPointSnapshot.builder().labels(labels).value(value).build();
    }
}
