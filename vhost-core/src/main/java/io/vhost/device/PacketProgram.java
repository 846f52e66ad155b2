package io.vhost.device;

/**
 * Looks at packets on their way through a queue, may change them, and decides what becomes of each: a filter
 * in Java, or an eBPF program of {@code io.vhost.program}. It is attached to a {@code ProgramChain}.
 *
 * <p>Threads: every thread that works on a queue with this program, several at a time where several do; no
 * lock of a queue is held, unless the caller of the burst holds one. While it runs the packets are nobody
 * else's: a guest's were copied before, so that nothing changes between a look and the next, unless the
 * application's pool lies over memory that it shares.
 */
@FunctionalInterface
public interface PacketProgram {
    /**
     * Decides on the packets of a burst. All of them pass unless this says otherwise. It must not keep the
     * burst nor its packets, nor release them; a packet that it has emptied is aborted. An exception aborts
     * the packets of the burst that are to pass so far, is logged, and does not reach the queue's caller.
     * An {@link Error} does; all packets of a burst from a guest are put back then.
     *
     * @param burst 1 to {@value PacketBurst#SIZE} packets
     */
    void run(PacketBurst burst);

    /**
     * Refuses a place where this program cannot work. Called before it is attached there.
     *
     * @param place where it is to be attached
     * @throws IllegalArgumentException with the reason and the remedy
     */
    default void checkPlace(ProgramPlace place) {}

    /**
     * Learns that it works at a place from now on, also in place of another program. Must not throw.
     *
     * @param place which has not refused it
     */
    default void attached(ProgramPlace place) {}
}
