package io.vhost.app.demo;

import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Sends the packets of a {@link TestPattern}, never more than a window ahead of the {@link
 * TrafficSink} that checks them: so everyone between the two can be built to lose nothing.
 *
 * <p>One thread sends; the counters and {@link #stop} are for any.
 */
final class TrafficSource {
    /** Most packets sent in one go. */
    static final int BURST = 32;

    private final TestPattern pattern;
    private final TrafficSink sink;
    private final int window;
    private final long limit;
    private final Packet[] burst = new Packet[BURST];
    private final AtomicLong sent = new AtomicLong();
    private volatile boolean stopped;
    private volatile boolean ended;

    /**
     * A source that has sent nothing.
     *
     * @param pattern what is sent
     * @param sink where it shall arrive
     * @param window most packets that are sent and have not arrived
     * @param limit packets to send in all
     */
    TrafficSource(TestPattern pattern, TrafficSink sink, int window, long limit) {
        this.pattern = pattern;
        this.sink = sink;
        this.window = window;
        this.limit = limit;
    }

    /** Sends one burst, as far as window and ring allow; how many packets. */
    int send(VirtioUser driver) {
        long next = sent.getPlain();
        if (stopped || next == limit) {
            ended = true;
            return 0;
        }
        long room = Math.min(window - (next - sink.next()), limit - next);
        PacketPool pool = driver.pool();
        int count = pool.take(burst, 0, Math.clamp(room, 0, BURST));
        if (count == 0) {
            return 0;
        }
        long now = System.nanoTime() | 1;   // 0 means none
        for (int i = 0; i < count; i++) {
            pattern.fill(burst[i], next + i, now);
        }
        int accepted = driver.transmitBurst(0, burst, 0, count);
        pool.release(burst, accepted, count - accepted);
        sent.setRelease(next + accepted);
        return accepted;
    }

    /** Packets sent. */
    long sent() {
        return sent.getAcquire();
    }

    /** Makes the next {@link #send} the first that sends nothing. */
    void stop() {
        stopped = true;
    }

    /** Whether {@link #sent} is final. */
    boolean hasEnded() {
        return ended;
    }
}
