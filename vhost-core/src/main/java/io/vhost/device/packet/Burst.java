package io.vhost.device.packet;

import io.vhost.memory.MemoryFault;
import io.vhost.net.Packet;
import io.vhost.net.custody.Custody;
import io.vhost.queue.QueueLife;
import io.vhost.queue.QueueTally;
import io.vhost.ring.WorkBudget;
import io.vhost.state.QueueCounters.Counter;

/**
 * A burst of any size, worked in chunks: enough packets to overlap cache misses, few enough to stay in the
 * first-level cache. The guest sees each chunk as soon as it is done. A guest whose chains are more work than
 * its packets are worth gets fewer and smaller bursts, see {@link WorkBudget}. Used under the queue's lock.
 */
abstract sealed class Burst permits DequeueBurst, EnqueueBurst, AsyncDequeue, AsyncEnqueue {
    /** Most packets of a chunk. */
    static final int CHUNK = 32;

    final QueueTally counters;
    private final QueueLife life;
    private final WorkBudget budget;
    private int done;

    Burst(QueueLife life, QueueTally counters) {
        this.life = life;
        this.counters = counters;
        this.budget = life.ring().budget();
    }

    /**
     * Works chunks until one is not complete, the budget is spent, or the queue is to stop; how many packets.
     */
    final int run(Packet[] packets, int offset, int count) {
        done = 0;
        if (count > 0 && !budget.grant(count)) {
            counters.add(Counter.WORK_LIMITED, 1);
            return 0;
        }
        while (done < count && !budget.isSpent() && life.isRunning()) {
            int wanted = Math.min(CHUNK, count - done);
            int moved = chunk(packets, offset + done, wanted);
            done += moved;
            if (moved < wanted) {
                break;
            }
        }
        return done;
    }

    /** Packets of the complete chunks of the last run, also where it ended with an error. */
    final int done() {
        return done;
    }

    /**
     * Counts packets of a chunk that were copied, before the guest sees that. If memory was gone the error
     * surfaces here, however late it is: then nothing was copied, counted or used.
     */
    final void count(int packets, long bytes) {
        MemoryFault.surface();
        counters.add(Counter.PACKETS, packets);
        counters.add(Counter.BYTES, bytes);
    }

    /** The queue has packets from now on, until they are given back. */
    static void inFlight(Packet[] packets, int offset, int count) {
        for (int i = offset; i < offset + count; i++) {
            Custody.accept(packets[i]);
        }
    }

    /** Works on up to {@code count} packets, at most {@link #CHUNK}; how many are done with. */
    abstract int chunk(Packet[] packets, int offset, int count);
}
