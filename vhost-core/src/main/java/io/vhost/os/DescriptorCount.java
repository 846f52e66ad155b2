package io.vhost.os;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many of some descriptors, and of their duplicates, are open at this moment.
 *
 * <p>Thread: any.
 */
final class DescriptorCount {
    private final AtomicInteger open = new AtomicInteger();
    private final DescriptorCount whole;    // null: part of no other

    DescriptorCount() {
        this(null);
    }

    /** What is counted here is counted there too. */
    DescriptorCount(DescriptorCount whole) {
        this.whole = whole;
    }

    void opened() {
        open.getAndIncrement();
        if (whole != null) {
            whole.opened();
        }
    }

    void closed() {
        open.getAndDecrement();
        if (whole != null) {
            whole.closed();
        }
    }

    int open() {
        return open.get();
    }
}
