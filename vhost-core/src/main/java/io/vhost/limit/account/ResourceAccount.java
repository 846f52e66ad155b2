package io.vhost.limit.account;

import io.vhost.limit.Limit;
import io.vhost.limit.ResourceLimits;
import io.vhost.limit.ResourceUsage;
import io.vhost.os.Descriptor;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The account of what front-ends have taken of this process. Servers and clients take and give back through a
 * {@link ServerAccount}.
 *
 * <p>Thread: any, no locks. What was taken and what it is compared with are one atomic step for each amount,
 * so that no limit is exceeded by connections that ask at the same time.
 */
public final class ResourceAccount {
    private static final ResourceAccount PROCESS = new ResourceAccount(Runtime.getRuntime().maxMemory());

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

    /** Takes the place of a connection; whether there was one. */
    boolean takeConnection(ResourceLimits limits) {
        return take(connections, 1, limits.processConnections());
    }

    void giveConnection() {
        give(connections, 1);
    }

    boolean takeMappings(int count, ResourceLimits limits) {
        return take(mappings, count, limits.processMappings());
    }

    boolean takeMappedBytes(long bytes, ResourceLimits limits) {
        return take(mappedBytes, bytes, limits.processMappedBytes());
    }

    /** Takes it whatever the limits. */
    void takeSmaller(int count, long bytes) {
        mappings.addAndGet(count);
        mappedBytes.addAndGet(bytes);
    }

    void giveMemory(int count, long bytes) {
        give(mappings, count);
        give(mappedBytes, bytes);
    }

    boolean hasDescriptors(ResourceLimits limits) {
        return Descriptor.openDescriptors() <= limits.processDescriptors();
    }

    /** Bytes of the heap that rings can have together. */
    long ringHeap() {
        return heap / 2;
    }

    boolean takeRing(long bytes, long most) {
        return take(ringBytes, bytes, most);
    }

    void giveRing(long bytes) {
        give(ringBytes, bytes);
    }

    long ringBytes() {
        return ringBytes.get();
    }

    void refused(Limit limit) {
        refusals.get(limit).getAndIncrement();
    }

    static boolean take(AtomicLong account, long amount, long limit) {
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

    static void give(AtomicLong account, long amount) {
        if (account.addAndGet(-amount) < 0) {
            account.addAndGet(amount);
            throw new IllegalStateException("gives back " + amount + ", more than was taken");
        }
    }
}
