package io.vhost.app.vswitch;

import io.vhost.app.polling.PortCounters;
import io.vhost.net.Packet;

/**
 * One port of a {@link LearningSwitch}. Each of the switch's threads has its own {@link PortBatch} of it.
 * Threads: any may ask; {@link #sendNow} is for the switch's.
 */
public final class SwitchPort {
    /** By polling thread: its number; programs redirect packets without telling it. */
    private static final ThreadLocal<Integer> CURRENT = ThreadLocal.withInitial(() -> 0);

    private final PortBatch[] batches;
    private final int pairs;
    /** Of the table of addresses. */
    private int number;

    /**
     * A port without traffic.
     *
     * @param batches by thread: its part
     * @param pairs how many queue pairs there are
     */
    SwitchPort(PortBatch[] batches, int pairs) {
        this.batches = batches;
        this.pairs = pairs;
    }

    /** The calling thread has this number among those of the switch from now on. */
    static void thread(int number) {
        CURRENT.set(number);
    }

    /** Before anybody else knows of the port. */
    void number(int given) {
        number = given;
    }

    /** What the table of addresses calls the port. */
    int number() {
        return number;
    }

    /** How many queue pairs it has. */
    int pairs() {
        return pairs;
    }

    /** Whether a thread polls a queue pair of the port. */
    boolean isPolledBy(int thread, int pair) {
        return batches[thread].share.has(pair);
    }

    /** A thread's part. */
    PortBatch batch(int thread) {
        return batches[thread];
    }

    /** Packets for this port that its link had no room for. Any thread. */
    public long dropped() {
        return counters().dropPackets();
    }

    /** What has passed. Any thread. */
    PortCounters counters() {
        PortCounters sum = PortCounters.ZERO;
        for (PortBatch batch : batches) {
            sum = sum.plus(batch.counters());
        }
        return sum;
    }

    /** Sends packets that a program has redirected here; see {@link PortBatch#sendNow}. */
    int sendNow(Packet[] packets, int offset, int redirected) {
        return batches[batches.length == 1 ? 0 : CURRENT.get()]
                .sendNow(packets, offset, redirected);
    }
}
