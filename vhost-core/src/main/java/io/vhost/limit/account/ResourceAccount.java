package io.vhost.limit.account;

import io.vhost.limit.Limit;
import io.vhost.limit.ResourceUsage;
import io.vhost.os.Descriptor;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The account of what front-ends have taken of this process. Servers and clients take and give back through a
 * {@link ServerAccount}.
 *
 * <p>Thread: any. What was taken and what it is compared with are one atomic step for each amount, so that no
 * limit is exceeded by connections that ask at the same time.
 */
public final class ResourceAccount {
    private static final ResourceAccount PROCESS = new ResourceAccount(Runtime.getRuntime().maxMemory());

    private final long heap;
    private final SharedAmount ringBytes = new SharedAmount();
    private final SharedAmount connections = new SharedAmount();
    private final SharedAmount mappings = new SharedAmount();
    private final SharedAmount mappedBytes = new SharedAmount();
    private final SharedAmount descriptors = new SharedAmount();
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
        return new ResourceUsage(connections.total(), mappings.total(), mappedBytes.total(),
                Descriptor.openDescriptors(), counts);
    }

    SharedAmount connections() {
        return connections;
    }

    SharedAmount mappings() {
        return mappings;
    }

    SharedAmount mappedBytes() {
        return mappedBytes;
    }

    /** What the library has open beside what its servers have is nobody's part. */
    SharedAmount descriptors() {
        return descriptors;
    }

    SharedAmount ringBytes() {
        return ringBytes;
    }

    /** Bytes of the heap that rings can have together. */
    long ringHeap() {
        return heap / 2;
    }

    void refused(Limit limit) {
        refusals.get(limit).getAndIncrement();
    }
}
