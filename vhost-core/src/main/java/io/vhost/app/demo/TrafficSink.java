package io.vhost.app.demo;

import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Checks every byte of the packets that a {@link TrafficSource} sends, and that none is missing,
 * late or repeated.
 *
 * <p>One thread receives; the counters are for any, the latencies for that thread alone until it is
 * done.
 */
final class TrafficSink {
    private static final int BURST = 32;

    private final TestPattern pattern;
    private final Packet[] burst = new Packet[BURST];
    private final LatencyHistogram latencies = new LatencyHistogram();
    private final AtomicLong next = new AtomicLong();
    private final AtomicLong received = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong disordered = new AtomicLong();
    private final AtomicLong corrupted = new AtomicLong();

    TrafficSink(TestPattern pattern) {
        this.pattern = pattern;
    }

    /** Receives one burst and checks it; how many packets. */
    int receive(VirtioUser driver) {
        int count = driver.receiveBurst(0, burst, 0, BURST);
        if (count == 0) {
            return 0;
        }
        long now = System.nanoTime();
        long length = 0;
        for (int i = 0; i < count; i++) {
            length += burst[i].length();
        }
        // Before next, which tells others that all before it are counted.
        bytes.setRelease(bytes.getPlain() + length);
        received.setRelease(received.getPlain() + count);
        for (int i = 0; i < count; i++) {
            check(burst[i], now);
        }
        driver.pool().release(burst, 0, count);
        return count;
    }

    private void check(Packet packet, long now) {
        long expected = next.getPlain();
        long sequence = TestPattern.sequence(packet);
        if (sequence == expected) {
            if (!pattern.matches(packet, sequence)) {
                count(corrupted);
            } else if (TestPattern.carriesTime(sequence)) {
                latencies.record(now - TestPattern.time(packet));
            }
            next.setRelease(expected + 1);
        } else if (sequence < 0 || !pattern.matches(packet, sequence)) {
            // Its number cannot be believed, and it takes the place of some packet.
            count(corrupted);
            next.setRelease(expected + 1);
        } else if (sequence < expected) {
            count(disordered);
        } else {
            next.setRelease(sequence + 1);
        }
    }

    private static void count(AtomicLong counter) {
        counter.setRelease(counter.getPlain() + 1);
    }

    /**
     * The number of the packet that comes next if all is well: all before it have arrived and are counted,
     * or never will in order.
     */
    long next() {
        return next.getAcquire();
    }

    /** Packets received, whatever they were like. */
    long received() {
        return received.getAcquire();
    }

    /** Bytes of the packets received. */
    long bytes() {
        return bytes.getAcquire();
    }

    /** Packets that came after a later one, or once more. */
    long disordered() {
        return disordered.getAcquire();
    }

    /** Packets that were not as they were sent. */
    long corrupted() {
        return corrupted.getAcquire();
    }

    /** Latencies of packets that carried the time. */
    LatencyHistogram latencies() {
        return latencies;
    }
}
