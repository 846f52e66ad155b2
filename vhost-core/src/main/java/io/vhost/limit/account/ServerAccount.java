package io.vhost.limit.account;

import io.vhost.limit.Limit;
import io.vhost.limit.ResourceLimits;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;

/**
 * The account of one server or client: what its connections have taken together, which is a part of the
 * process's. No server gets all that the process has, so those who connect to one socket cannot keep what
 * they need from those who are connected to another.
 *
 * <p>Thread: any, no locks. What was taken and what it is
 * compared with are one atomic step for each amount, so that no limit is exceeded by connections that ask at
 * the same time.
 */
public final class ServerAccount {
    /** Heap that a ring needs whatever its size, for bursts and their indirect tables. */
    private static final long RING_BYTES = 1 << 16;
    /** Heap for each entry, with copies of several buffers in flight. */
    private static final long ENTRY_BYTES = 256;
    /** The largest size that QEMU gives a network queue. */
    private static final int USUAL_SIZE = 1024;

    private final ResourceAccount process;
    private final IntSupplier arrivals;
    private final AtomicLong connections = new AtomicLong();
    private final AtomicLong mappings = new AtomicLong();
    private final AtomicLong mappedBytes = new AtomicLong();
    private final AtomicLong ringBytes = new AtomicLong();

    /**
     * An account of nothing yet.
     *
     * @param process whose part it is
     * @param arrivals how many descriptors that came over the connections are open
     */
    public ServerAccount(ResourceAccount process, IntSupplier arrivals) {
        this.process = process;
        this.arrivals = arrivals;
    }

    /**
     * Takes the place of a connection, whose socket is open already.
     *
     * @param limits what to keep to
     * @return null if it is taken, to be given back with {@link #giveConnection}; else the refusal, counted
     */
    public String takeConnection(ResourceLimits limits) {
        if (!ResourceAccount.take(connections, 1, limits.connections())) {
            return refuse(Limit.CONNECTIONS, limits);
        }
        boolean hasDescriptors = process.hasDescriptors(limits);
        if (hasDescriptors && process.takeConnection(limits)) {
            return null;
        }
        ResourceAccount.give(connections, 1);
        return refuse(hasDescriptors ? Limit.PROCESS_CONNECTIONS : Limit.PROCESS_DESCRIPTORS, limits);
    }

    /** Gives the place of a connection back. */
    public void giveConnection() {
        ResourceAccount.give(connections, 1);
        process.giveConnection();
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
        Limit reached = takeMappings(count, limits);
        if (reached == null) {
            reached = takeMappedBytes(bytes, limits);
            if (reached == null) {
                return null;
            }
            ResourceAccount.give(mappings, count);
            process.giveMemory(count, 0);
        }
        return refuse(reached, limits);
    }

    /** {@return null if they are taken, else what is in the way} */
    private Limit takeMappings(int count, ResourceLimits limits) {
        if (!ResourceAccount.take(mappings, count, limits.serverMappings())) {
            return Limit.SERVER_MAPPINGS;
        }
        if (!process.takeMappings(count, limits)) {
            ResourceAccount.give(mappings, count);
            return Limit.PROCESS_MAPPINGS;
        }
        return null;
    }

    private Limit takeMappedBytes(long bytes, ResourceLimits limits) {
        if (!ResourceAccount.take(mappedBytes, bytes, limits.serverMappedBytes())) {
            return Limit.SERVER_MAPPED_BYTES;
        }
        if (!process.takeMappedBytes(bytes, limits)) {
            ResourceAccount.give(mappedBytes, bytes);
            return Limit.PROCESS_MAPPED_BYTES;
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
        mappings.addAndGet(count);
        mappedBytes.addAndGet(bytes);
        process.takeSmaller(count, bytes);
    }

    /**
     * Gives back what was mapped, once it is no longer.
     *
     * @param count as it was taken
     * @param bytes as they were taken
     */
    public void giveMemory(int count, long bytes) {
        ResourceAccount.give(mappings, count);
        ResourceAccount.give(mappedBytes, bytes);
        process.giveMemory(count, bytes);
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
        if (connections.get() + arrivals.getAsInt() > limits.serverDescriptors()) {
            return refuse(Limit.SERVER_DESCRIPTORS, limits);
        }
        return process.hasDescriptors(limits) ? null : refuse(Limit.PROCESS_DESCRIPTORS, limits);
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
        String whose = "one server";
        long others = ringBytes.get();
        long limit = most / 4 * 3;
        if (ResourceAccount.take(ringBytes, bytes, limit)) {
            if (process.takeRing(bytes, most)) {
                return null;
            }
            ResourceAccount.give(ringBytes, bytes);
            whose = "this process";
            others = process.ringBytes();
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
        ResourceAccount.give(ringBytes, bytes(entries));
        process.giveRing(bytes(entries));
    }

    private static long bytes(int entries) {
        return RING_BYTES + ENTRY_BYTES * entries;
    }

    /** Counts a refusal. */
    public void refused(Limit limit) {
        process.refused(limit);
    }

    private String refuse(Limit limit, ResourceLimits limits) {
        refused(limit);
        return "the limit of %d %s is reached (ResourceLimits.%s)"
                .formatted(limits.of(limit), limit.text(), limit.setting());
    }
}
