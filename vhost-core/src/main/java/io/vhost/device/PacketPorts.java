package io.vhost.device;

import io.vhost.net.Packet;

/**
 * The ports of an application, for programs that redirect packets to them by number. Threads: those that work
 * on queues with such programs.
 */
@FunctionalInterface
public interface PacketPorts {
    /** What {@link #send} answers when there is no such port. */
    int NO_PORT = -1;

    /** No ports at all. */
    PacketPorts NONE = (_, _, _, _) -> NO_PORT;

    /**
     * Sends packets to a port. Those that are done with are given away, and find back to their pool by
     * themselves; the others stay the caller's, which drops and counts them. When this throws, that is logged
     * and does not reach the queue's caller, and all of the packets that were not released are dropped.
     *
     * @param port its number, 1 or more: what XDP calls an interface index
     * @param packets what to send; the packets that are not done with are put last in the range
     * @param offset index of the first
     * @param count how many
     * @return packets that are done with, 0 to {@code count}; {@link #NO_PORT} if there is no such port
     */
    int send(int port, Packet[] packets, int offset, int count);
}
