package io.vhost.limit.account;

import io.vhost.limit.Limit;
import io.vhost.limit.ResourceLimits;
import io.vhost.limit.account.SharedAmount.Excess;
import io.vhost.os.Descriptor;
import java.util.List;
import java.util.function.IntSupplier;

/**
 * The account of one server or client: what its connections have taken together, which is a part of the
 * process's. No server gets all that the process has, and half of that is kept for the servers that are open
 * in equal parts ({@link SharedAmount}), so those who connect to some sockets cannot keep what they need from
 * those who are connected to another.
 *
 * <p>Thread: any. What was taken and what it is compared with are one atomic step for each amount, so that no
 * limit is exceeded by connections that ask at the same time.
 */
public final class ServerAccount {
    /** Heap that a ring needs whatever its size, for bursts and their indirect tables. */
    private static final long RING_BYTES = 1 << 16;
    /** Heap for each entry, with copies of several buffers in flight. */
    private static final long ENTRY_BYTES = 256;
    /** The largest size that QEMU gives a network queue. */
    private static final int USUAL_SIZE = 1024;

    private final ResourceAccount process;
    private final SharedAmount.Part connections;
    private final SharedAmount.Part mappings;
    private final SharedAmount.Part mappedBytes;
    private final SharedAmount.Part descriptors;
    private final SharedAmount.Part ringBytes;
    private final SlowPeers slowPeers = new SlowPeers();

    /**
     * An account of nothing yet.
     *
     * @param process whose part it is
     * @param arrivals how many descriptors that came over the connections are open
     */
    public ServerAccount(ResourceAccount process, IntSupplier arrivals) {
        this.process = process;
        connections = process.connections().part();
        mappings = process.mappings().part();
        mappedBytes = process.mappedBytes().part();
        ringBytes = process.ringBytes().part();
        descriptors = process.descriptors().measured(() -> connections.amount() + arrivals.getAsInt());
    }

    /** From now on others leave this server what it needs: a part of half of what the process has. */
    public void open() {
        parts().forEach(SharedAmount.Part::open);
    }

    /** What was kept for this server is there for others; what it still has can be given back. */
    public void close() {
        parts().forEach(SharedAmount.Part::close);
    }

    private List<SharedAmount.Part> parts() {
        return List.of(connections, mappings, mappedBytes, descriptors, ringBytes);
    }

    /**
     * Takes the place of a connection, whose socket is open already.
     *
     * @param limits what to keep to
     * @return null if it is taken, to be given back with {@link #giveConnection}; else the refusal, counted
     */
    public String takeConnection(ResourceLimits limits) {
        Excess excess = connections.take(1, limits.connections(), limits.processConnections());
        if (excess != null) {
            return refuse(excess, Limit.CONNECTIONS, Limit.PROCESS_CONNECTIONS, limits);
        }
        if (hasDescriptors(limits)) {
            return null;
        }
        connections.give(1);
        return refuse(Limit.PROCESS_DESCRIPTORS, limits);
    }

    private boolean hasDescriptors(ResourceLimits limits) {
        return descriptors.leavesOthers(Descriptor.openDescriptors(), limits.processDescriptors());
    }

    /** Gives the place of a connection back. */
    public void giveConnection() {
        connections.give(1);
    }

    /**
     * Takes a memory table, before it is mapped. A table that it replaces is counted beside it until it is
     * gone.
     *
     * @param regions of the table
     * @param bytes of them, together
     * @param limits what to keep to
     * @return null if it is taken, to be given back with {@link #giveMemory}; else the refusal, counted
     */
    public String takeTable(int regions, long bytes, ResourceLimits limits) {
        return regions > limits.regions()
                ? refuse(Limit.REGIONS, limits) : takeMemory(regions, bytes, limits);
    }

    /**
     * Takes what is to be mapped, be it a table or a log.
     *
     * @param count of mappings
     * @param bytes of them, together
     * @param limits what to keep to
     * @return as for {@link #takeTable}
     */
    public String takeMemory(int count, long bytes, ResourceLimits limits) {
        if (bytes > limits.mappedBytes()) {
            return refuse(Limit.MAPPED_BYTES, limits);
        }
        Excess excess = mappings.take(count, limits.serverMappings(), limits.processMappings());
        if (excess != null) {
            return refuse(excess, Limit.SERVER_MAPPINGS, Limit.PROCESS_MAPPINGS, limits);
        }
        excess = mappedBytes.take(bytes, limits.serverMappedBytes(), limits.processMappedBytes());
        if (excess != null) {
            mappings.give(count);
            return refuse(excess, Limit.SERVER_MAPPED_BYTES, Limit.PROCESS_MAPPED_BYTES, limits);
        }
        return null;
    }

    /**
     * Takes it whatever the limits: for a table that replaces a larger one, whose removal must not fail.
     *
     * @param count of mappings
     * @param bytes of them, together
     */
    public void takeSmaller(int count, long bytes) {
        mappings.takeAnyway(count);
        mappedBytes.takeAnyway(bytes);
    }

    /**
     * Gives back what was mapped, once it is no longer.
     *
     * @param count as it was taken
     * @param bytes as they were taken
     */
    public void giveMemory(int count, long bytes) {
        mappings.give(count);
        mappedBytes.give(bytes);
    }

    /**
     * Looks at descriptors that have arrived.
     *
     * @param ofConnection open descriptors of the connection, with them
     * @param limits what to keep to
     * @return null if they may stay; else the refusal, counted
     */
    public String checkDescriptors(int ofConnection, ResourceLimits limits) {
        if (ofConnection > limits.descriptors()) {
            return refuse(Limit.DESCRIPTORS, limits);
        }
        if (descriptors.amount() > limits.serverDescriptors()) {
            return refuse(Limit.SERVER_DESCRIPTORS, limits);
        }
        return hasDescriptors(limits) ? null : refuse(Limit.PROCESS_DESCRIPTORS, limits);
    }

    /**
     * Takes the heap that a ring needs, before it is made. All rings of the process together get half of the
     * heap at most, and those of more than 1,024 entries only where three quarters are free: they cannot take
     * the place of rings of the usual size. One server gets three quarters of each.
     *
     * @param entries of the ring
     * @return null if it is taken, to be given back with {@link #giveRing}; else the refusal, counted
     */
    public String takeRing(int entries) {
        long bytes = bytes(entries);
        long most = entries > USUAL_SIZE ? process.ringHeap() / 2 : process.ringHeap();
        long limit = most / 4 * 3;
        // Large ones leave the half that is for rings of the usual size, and may be too large for a part.
        Excess excess = entries > USUAL_SIZE
                ? ringBytes.takeUnkept(bytes, limit, most) : ringBytes.take(bytes, limit, most);
        if (excess == null) {
            return null;
        }
        String whose = "one server";
        long others = ringBytes.amount();
        if (excess == Excess.OF_PROCESS) {
            whose = "this process";
            others = process.ringBytes().total();
            limit = most;
        }
        process.refused(Limit.HEAP);
        return "%d bytes of heap for a ring of %d entries are too many beside %d for others of %s"
                .formatted(bytes, entries, others, whose)
                + " and at most " + limit + " (ask for smaller rings, or start the JVM with a larger -Xmx)";
    }

    /**
     * Gives the heap of a ring back.
     *
     * @param entries as they were taken
     */
    public void giveRing(int entries) {
        ringBytes.give(bytes(entries));
    }

    private static long bytes(int entries) {
        return RING_BYTES + ENTRY_BYTES * entries;
    }

    /** What is known of the front-ends' eventfds. */
    public SlowPeers slowPeers() {
        return slowPeers;
    }

    /** Counts a refusal. */
    public void refused(Limit limit) {
        process.refused(limit);
    }

    private String refuse(Excess excess, Limit ofServer, Limit ofProcess, ResourceLimits limits) {
        return refuse(excess == Excess.OF_SERVER ? ofServer : ofProcess, limits);
    }

    private String refuse(Limit limit, ResourceLimits limits) {
        refused(limit);
        return "the limit of %d %s is reached (ResourceLimits.%s)"
                .formatted(limits.of(limit), limit.text(), limit.setting());
    }
}
