package io.vhost.app.vswitch;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.app.polling.LastPackets;
import io.vhost.dma.DmaRegistry;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * An Ethernet switch that learns where addresses are (IEEE 802.1D, section 7): a frame for a known
 * address leaves by one port, all others leave by every port but that they came from.
 *
 * <p>Threads: as many as were asked for poll, each its share of the ports' queue pairs. They have the table
 * of addresses in common, and send to the same ports. Ports are attached and detached by any thread. A port
 * that was there before a packet was sent gets it; a link that was detached may still be asked for packets,
 * and given some, by polls under way.
 */
public final class LearningSwitch implements AutoCloseable {
    /** Most packets taken from a port in one go. */
    public static final int BURST = SwitchWorker.BURST;
    /** How long an address is remembered, as the standard recommends. */
    public static final Duration AGE = Duration.ofMinutes(5);

    private static final int ADDRESSES = 4096;
    private static final SwitchPort[] NONE = {};

    /** Makes the links of a port. */
    @FunctionalInterface
    interface Links {
        /** The link of one thread, which receives from its share of the pairs, and sends. */
        Link of(QueueShare share);
    }

    private final MacTable<SwitchPort> table;
    private final List<SwitchWorker> workers;
    private volatile SwitchPort[] ports = NONE;

    /** By thread: queue pairs that it polls. */
    @GuardedBy("this")
    private final int[] loads;

    /**
     * A switch without ports, for one thread.
     *
     * @param bufferSize bytes of each packet's buffer, headroom included
     * @param age how long an address is remembered
     */
    public LearningSwitch(int bufferSize, Duration age) {
        this(bufferSize, age, 1);
    }

    /**
     * A switch without ports.
     *
     * @param bufferSize bytes of each packet's buffer, headroom included
     * @param age how long an address is remembered
     * @param threads how many poll, 1 or more
     * @throws IllegalArgumentException if there is no thread
     */
    LearningSwitch(int bufferSize, Duration age, int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads=" + threads + " must be at least 1");
        }
        loads = new int[threads];
        table = new MacTable<>(ADDRESSES, age.toNanos());
        workers = IntStream.range(0, threads)
                .mapToObj(i -> new SwitchWorker(i, bufferSize, table, () -> ports)).toList();
    }

    /** What the threads work with, one each. */
    List<SwitchWorker> workers() {
        return workers;
    }

    /**
     * Adds a port to a switch with one thread.
     *
     * @throws IllegalStateException if it has several, each of which needs a link of its own
     */
    public SwitchPort attach(Link link) {
        if (workers.size() > 1) {
            throw new IllegalStateException(workers.size() + " threads cannot share a link: give each one");
        }
        return attach(1, _ -> link);
    }

    /**
     * Adds a port, whose queue pairs are dealt out to the threads, beginning with one that has least to do.
     *
     * @param pairs how many it has
     * @param links makes the port's links
     * @throws IllegalStateException if there are too many ports
     */
    synchronized SwitchPort attach(int pairs, Links links) {
        int first = 0;
        for (int i = 1; i < loads.length; i++) {
            first = loads[i] < loads[first] ? i : first;
        }
        PortBatch[] batches = new PortBatch[loads.length];
        for (int i = 0; i < batches.length; i++) {
            QueueShare share = new QueueShare(i, batches.length, first);
            batches[i] = new PortBatch(links.of(share), share, pairs, BURST);
        }
        SwitchPort port = new SwitchPort(batches, pairs);
        port.number(table.add(port));
        load(port, 1);
        ports = Stream.concat(Arrays.stream(ports), Stream.of(port)).toArray(SwitchPort[]::new);
        return port;
    }

    /** Takes a port away; the addresses behind it are forgotten. A second time has no effect. */
    public synchronized void detach(SwitchPort port) {
        SwitchPort[] before = ports;
        ports = Arrays.stream(before).filter(other -> !other.equals(port)).toArray(SwitchPort[]::new);
        if (ports.length < before.length) {
            table.remove(port.number());
            load(port, -1);
        }
    }

    @GuardedBy("this")
    private void load(SwitchPort port, int change) {
        for (int pair = 0; pair < port.pairs(); pair++) {
            for (int i = 0; i < loads.length; i++) {
                loads[i] += port.isPolledBy(i, pair) ? change : 0;
            }
        }
    }

    /**
     * Moves one burst of each port of a switch with one thread.
     *
     * @param now a clock in ns, such as {@link System#nanoTime}
     * @return packets received
     */
    public int poll(long now) {
        return workers.getFirst().poll(now);
    }

    /** Frees the packets; after the last poll. */
    @Override
    public void close() {
        close(null, () -> {});
    }

    /**
     * The same where DMA channels have copied packets.
     *
     * @param dma whose channels; null: there are none
     * @param putBack puts packets back whose copies have ended
     * @throws io.vhost.app.polling.LateCopyException if one does not end
     */
    void close(DmaRegistry dma, Runnable putBack) {
        LastPackets.close(workers.stream().map(SwitchWorker::pool).toList(), dma, putBack);
    }
}
