package io.vhost.app.polling;

import java.util.concurrent.locks.LockSupport;

/**
 * What a polling thread does when there is nothing to do: spin a little, then let others run, then
 * sleep for moments. One thread.
 */
public final class Idle {
    private final int spins;
    private final int yields;
    private final long parkNanos;
    private int rounds;

    /**
     * @param spins idle rounds that only pause the processor
     * @param yields idle rounds after these that let other threads run
     * @param parkNanos length of each rest afterwards, in ns
     */
    public Idle(int spins, int yields, long parkNanos) {
        this.spins = spins;
        this.yields = yields;
        this.parkNanos = parkNanos;
    }

    /** For more busy threads than there are processors. */
    public static Idle sharing() {
        return new Idle(50, 200, 50_000);
    }

    /** For a thread that has a processor to itself: sleeps only after a while without any work. */
    public static Idle alone() {
        return new Idle(1_000, 200_000, 50_000);
    }

    /** After a round that did {@code work} things. */
    public void after(int work) {
        if (work > 0) {
            rounds = 0;
        } else if (rounds < spins) {
            rounds++;
            Thread.onSpinWait();
        } else {
            rest();
        }
    }

    // More polling threads than processors must get on as well.
    @SuppressWarnings("ThreadPriorityCheck")
    private void rest() {
        if (rounds < spins + yields) {
            rounds++;
            Thread.yield();
        } else {
            LockSupport.parkNanos(parkNanos);
        }
    }
}
