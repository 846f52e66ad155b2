package io.vhost.app.vswitch;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;

/** Where a switch takes packets from and puts packets to. One thread at a time. */
public interface Link {
    /**
     * Takes packets that have arrived.
     *
     * @param pool where packets come from
     * @param packets receives the packets, which are the caller's from then on
     * @param offset first index to fill
     * @param count most packets to take
     * @return packets taken, 0 to {@code count}
     */
    int receive(PacketPool pool, Packet[] packets, int offset, int count);

    /**
     * Sends packets. Those that are done with are given away, and find back to their pool by themselves.
     *
     * @param packets what to send, all of one pool
     * @param offset index of the first
     * @param count how many
     * @return packets that are done with; the rest found no room, stay the caller's and are put last in the
     *     array's range
     */
    int send(Packet[] packets, int offset, int count);

    /**
     * Whether packets have come since the last question, also those that did not get as far as
     * {@link #receive}: a program has dropped them, or sent them elsewhere.
     */
    default boolean hasMoved() {
        return false;
    }

    /**
     * Hands over what this link has sent and DMA channels have copied since. The thread that sends asks for
     * that: the one that receives from the port may sleep.
     */
    default void settle() {}
}
