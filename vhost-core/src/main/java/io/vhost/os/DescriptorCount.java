package io.vhost.os;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many of some descriptors, and of their duplicates, are open at this moment.
 *
 * <p>Thread: any.
 */
final class DescriptorCount {
    private final AtomicInteger open = new AtomicInteger();

    DescriptorCount() {}

    void opened() {
        open.getAndIncrement();
    }

    void closed() {
        open.getAndDecrement();
    }

    int open() {
        return open.get();
    }
}
