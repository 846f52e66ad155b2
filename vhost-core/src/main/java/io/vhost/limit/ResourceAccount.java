package io.vhost.limit;

import io.vhost.os.Descriptor;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The account of what front-ends have taken of this process. Applications read it ({@link #usage}); taking
 * and giving back are for servers and devices.
 *
 * <p>Thread: any, no locks. What was taken and what it is compared with are one atomic step for each amount,
 * so that no limit is exceeded by connections that ask at the same time.
 */
public final class ResourceAccount {
    private static final ResourceAccount PROCESS = new ResourceAccount(Runtime.getRuntime().maxMemory());

    /** Heap that a ring needs whatever its size, for bursts and their indirect tables. */
    private static final long RING_BYTES = 1 << 16;
    /** Heap for each entry, with copies of several buffers in flight. */
    private static final long ENTRY_BYTES = 256;
    /** The largest size that QEMU gives a network queue. */
    private static final int USUAL_SIZE = 1024;

    private final long heap;
    private final AtomicLong ringBytes = new AtomicLong();
    private final AtomicLong connections = new AtomicLong();
    private final AtomicLong mappings = new AtomicLong();
    private final AtomicLong mappedBytes = new AtomicLong();
    private final Map<Limit, AtomicLong> refusals = new EnumMap<>(Limit.class);

    /** An account beside a heap of so many bytes. */
    ResourceAccount(long heap) {
        this.heap = heap;
        for (Limit limit : Limit.values()) {
            refusals.put(limit, new AtomicLong());
        }
    }

    /** The account of this process. */
    public static ResourceAccount ofProcess() {
        return PROCESS;
    }

    /** What is taken now, and what was refused. */
    public ResourceUsage usage() {
        Map<Limit, Long> counts = new EnumMap<>(Limit.class);
        refusals.forEach((limit, count) -> counts.put(limit, count.get()));
        return new ResourceUsage(connections.get(), mappings.get(), mappedBytes.get(),
                Descriptor.openDescriptors(), counts);
    }

    /**
     * Takes the place of a connection, whose socket is open already.
     *
     * @param ofServer connections that its server has without it
     * @param limits what to keep to
     * @return null if it is taken, to be given back with {@link #giveConnection}; else the refusal, counted
     */
    public String takeConnection(int ofServer, ResourceLimits limits) {
        if (ofServer >= limits.connections()) {
            return refuse(Limit.CONNECTIONS, limits);
        }
        if (Descriptor.openDescriptors() > limits.processDescriptors()) {
            return refuse(Limit.PROCESS_DESCRIPTORS, limits);
        }
        return take(connections, 1, limits.processConnections())
                ? null : refuse(Limit.PROCESS_CONNECTIONS, limits);
    }

    /** Gives the place of a connection back. */
    public void giveConnection() {
        give(connections, 1);
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
        if (!take(mappings, count, limits.processMappings())) {
            return refuse(Limit.PROCESS_MAPPINGS, limits);
        }
        if (!take(mappedBytes, bytes, limits.processMappedBytes())) {
            give(mappings, count);
            return refuse(Limit.PROCESS_MAPPED_BYTES, limits);
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
    }

    /**
     * Gives back what was mapped, once it is no longer.
     *
     * @param count as it was taken
     * @param bytes as they were taken
     */
    public void giveMemory(int count, long bytes) {
        give(mappings, count);
        give(mappedBytes, bytes);
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
        return Descriptor.openDescriptors() > limits.processDescriptors()
                ? refuse(Limit.PROCESS_DESCRIPTORS, limits) : null;
    }

    /**
     * Takes the heap that a ring needs, before it is made. All rings together get half of the heap at most,
     * and those of more than 1,024 entries only where three quarters are free: they cannot take the place of
     * rings of the usual size.
     *
     * @param entries of the ring
     * @return null if it is taken, to be given back with {@link #giveRing}; else the refusal, counted
     */
    public String takeRing(int entries) {
        long most = entries > USUAL_SIZE ? heap / 4 : heap / 2;
        if (take(ringBytes, bytes(entries), most)) {
            return null;
        }
        refused(Limit.HEAP);
        return "%d bytes of heap for a ring of %d entries are too many beside %d for others and at most %d"
                .formatted(bytes(entries), entries, ringBytes.get(), most)
                + " (ask for smaller rings, or start the JVM with a larger -Xmx)";
    }

    /**
     * Gives the heap of a ring back.
     *
     * @param entries as they were taken
     */
    public void giveRing(int entries) {
        give(ringBytes, bytes(entries));
    }

    private static long bytes(int entries) {
        return RING_BYTES + ENTRY_BYTES * entries;
    }

    /** Counts a refusal. */
    public void refused(Limit limit) {
        refusals.get(limit).getAndIncrement();
    }

    private String refuse(Limit limit, ResourceLimits limits) {
        refused(limit);
        return "the limit of %d %s is reached (ResourceLimits.%s)"
                .formatted(limits.of(limit), limit.text(), limit.setting());
    }

    private static boolean take(AtomicLong account, long amount, long limit) {
        long before;
        do {
            before = account.get();
            // The difference: a sum of what a front-end says could overflow.
            if (amount > limit - before) {
                return false;
            }
        } while (!account.compareAndSet(before, before + amount));
        return true;
    }

    private static void give(AtomicLong account, long amount) {
        if (account.addAndGet(-amount) < 0) {
            account.addAndGet(amount);
            throw new IllegalStateException("gives back " + amount + ", more than was taken");
        }
    }
}
