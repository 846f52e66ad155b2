package io.vhost.os;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many of the descriptors that peers sent, and of their duplicates, are open at this moment, and who
 * closes those that may take long.
 *
 * <p>Thread: any.
 */
final class DescriptorCount {
    private final AtomicInteger open = new AtomicInteger();
    private final DescriptorCount whole;    // null: part of no other
    private final ClosingThreads closing;

    DescriptorCount() {
        this(null);
    }

    /** What is counted here is counted there too. */
    DescriptorCount(DescriptorCount whole) {
        this.whole = whole;
        this.closing = whole == null ? new ClosingThreads() : whole.closing;
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

    /** Those of the whole. */
    ClosingThreads closing() {
        return closing;
    }

    int open() {
        return open.get();
    }
}
