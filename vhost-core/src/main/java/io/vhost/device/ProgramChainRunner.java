package io.vhost.device;

import io.vhost.net.Packet;
import java.util.Objects;

/**
 * Runs programs on packets that pass no queue of a device: those of an interface of this machine, or of
 * somebody's back-end. A queue of a device runs its own ({@link VirtQueue#programs}).
 *
 * <p>Thread: one at a time receives, one at a time sends. Attaching and detaching at the chains is for any
 * thread meanwhile.
 */
public final class ProgramChainRunner {
    /** The way out, which packets also go that a program sends back. */
    @FunctionalInterface
    public interface Sender {
        /**
         * Sends packets. Those that are done with are given away, and find back to their pool by themselves.
         *
         * @param packets what to send; the packets that are not done with are put last in the range
         * @param offset index of the first
         * @param count how many
         * @return packets that are done with, 0 to {@code count}
         */
        int send(Packet[] packets, int offset, int count);
    }

    private final QueuePrograms received;
    private final QueuePrograms sent;
    private final Sender sender;

    /**
     * Runs the programs that are attached to two places at each moment.
     *
     * @param received the place of packets that come
     * @param sent the place of packets that go
     * @param pair number of the queue pair that programs are told, 0 or more
     * @param sender the way out
     */
    public ProgramChainRunner(ProgramChain received, ProgramChain sent, int pair, Sender sender) {
        this.received = new QueuePrograms(pair, false, (packets, offset, count, _) ->
                sender.send(packets, offset, count));
        this.received.chain(received);
        this.sent = new QueuePrograms(pair, true, (_, _, _, _) -> 0);
        this.sent.chain(sent);
        this.sender = sender;
    }

    /**
     * How many packets to take for one call of {@link #received}, so that programs do not keep the thread
     * from others for too long.
     *
     * @param count most packets, 1 or more
     * @return 1 to {@code count}
     */
    public int limit(int count) {
        return received.atWork() == null ? count : received.limit(count);
    }

    /**
     * Asks the programs about packets that have come. Those that do not pass are gone: dropped, or on the way
     * that a program chose.
     *
     * @param packets what has come, all the caller's
     * @param offset index of the first
     * @param count how many
     * @return packets that pass, in their order at the beginning of the range
     * @throws IndexOutOfBoundsException if the range is not inside the array
     */
    public int received(Packet[] packets, int offset, int count) {
        Objects.checkFromIndexSize(offset, count, packets.length);
        ProgramChain asked = received.atWork();
        return asked == null || count == 0 ? count
                : received.fromGuest(asked, packets, offset, count, null);
    }

    /**
     * Asks the programs about packets, and sends those that pass. The others are dropped, and done with.
     *
     * @param packets what to send; the packets that are not done with are put last in the range, and programs
     *     are not asked about them again
     * @param offset index of the first
     * @param count how many
     * @return packets that are done with, 0 to {@code count}
     * @throws IndexOutOfBoundsException if the range is not inside the array
     */
    public int send(Packet[] packets, int offset, int count) {
        Objects.checkFromIndexSize(offset, count, packets.length);
        ProgramChain asked = sent.atWork();
        if (asked == null) {
            return sender.send(packets, offset, count);
        }
        int passing = sent.toGuest(asked, packets, offset, count);
        int done = 0;
        try {
            done = passing == 0 ? 0 : sender.send(packets, offset, passing);
        } finally {
            int all = sent.sent(asked, packets, offset, count, passing, done);
            QueuePrograms.release(packets, offset + done, offset + all);
        }
        return count - (passing - done);
    }
}
