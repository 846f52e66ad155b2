package io.vhost.device;

import io.vhost.dma.DmaChannel;
import io.vhost.net.Packet;
import io.vhost.net.custody.Passed;

/**
 * The programs of one queue at work: asks them about the packets of a burst, and does what they say. Called
 * without the queue's lock, so that a program's time is nobody's wait for it and a packet can go to another
 * queue.
 *
 * <p>Threads: any; each burst has scratch space of its thread.
 */
final class QueuePrograms {
    /** What a burst's programs should take at most, in ns, so that a polling thread's other queues get on. */
    static final long BURST_NANOS = 50_000;

    private static final int CHUNK = PacketBurst.SIZE;
    // Ways of packets that do not pass, other than the numbers of ports, which are counted from 1.
    private static final int DROPPED = -1;
    private static final int BACK = 0;
    private static final int NOWHERE = Integer.MAX_VALUE;
    private static final ThreadLocal<Scratch> SCRATCH = ThreadLocal.withInitial(Scratch::new);

    /** A thread's bursts: a packet that is sent on may meet the programs of another queue. */
    private static final class Scratch {
        private final PacketBurst burst = new PacketBurst();
        private final Packet[] leaving = new Packet[CHUNK];
        private final int[] leavingPorts = new int[CHUNK];
        private Scratch inner;
        private boolean used;

        private static Scratch claim() {
            Scratch scratch = SCRATCH.get();
            while (scratch.used) {
                if (scratch.inner == null) {
                    scratch.inner = new Scratch();
                }
                scratch = scratch.inner;
            }
            scratch.used = true;
            return scratch;
        }
    }

    /** The way back to the guest. */
    @FunctionalInterface
    interface Back {
        /** Sends packets; how many are done with. With this channel, or by itself if that is null. */
        int send(Packet[] packets, int offset, int count, DmaChannel channel);
    }

    private final int pair;
    private final boolean toGuest;
    private final Back back;
    private volatile ProgramChain chain;
    /** Packets of a burst that the programs' time allows. Several threads: each value is a good one. */
    private volatile int allowed = CHUNK;

    QueuePrograms(int pair, boolean toGuest, Back back) {
        this.pair = pair;
        this.toGuest = toGuest;
        this.back = back;
    }

    /** The programs; null: none. */
    ProgramChain chain() {
        return chain;
    }

    void chain(ProgramChain programs) {
        allowed = CHUNK;
        chain = programs;
    }

    /** The programs if there are any, else null: what a burst asks once. */
    ProgramChain atWork() {
        ProgramChain now = chain;
        return now == null || now.present().length == 0 ? null : now;
    }

    /** How many packets to take, so that programs do not keep the thread for too long. */
    int limit(int count) {
        return Math.min(count, allowed);
    }

    private void measured(long begin, int packets) {
        long each = Math.max(1, (System.nanoTime() - begin) / packets);
        long fits = Math.clamp(BURST_NANOS / each, 1, Integer.MAX_VALUE / 2);
        int before = allowed;
        // Down at once, for the neighbours' sake. Up by steps: a cheap packet must not buy a costly burst.
        allowed = (int) Math.min(fits, 2L * before);
    }

    /**
     * Asks about packets that the guest has sent, and sends those on or drops them that do not pass.
     *
     * @param channel that copies what goes back to the guest; null: this thread does
     * @return packets that pass, in their order at the beginning of the range
     */
    int fromGuest(ProgramChain programs, Packet[] packets, int offset, int count, DmaChannel channel) {
        long begin = System.nanoTime();
        int end = offset + count;
        int kept = offset;
        int next = offset;
        boolean complete = false;
        Scratch scratch = Scratch.claim();
        try {
            while (next < end) {
                int chunk = Math.min(CHUNK, end - next);
                decide(programs, packets, next, chunk, scratch.burst);
                int from = next;
                next += chunk;
                if (!scratch.burst.hasOthers()) {
                    if (kept < from) {
                        System.arraycopy(packets, from, packets, kept, chunk);
                    }
                    kept += chunk;
                    continue;
                }
                int leaving = 0;
                for (int i = 0; i < chunk; i++) {
                    Packet packet = packets[from + i];
                    if (scratch.burst.decided(i) == PacketBurst.PASS) {
                        packets[kept++] = packet;
                    } else {
                        scratch.leaving[leaving] = packet;
                        scratch.leavingPorts[leaving++] = way(scratch.burst, i);
                    }
                }
                sendAway(programs, scratch, leaving, channel);
            }
            complete = true;
        } finally {
            scratch.used = false;
            scratch.burst.end();
            if (!complete) {
                // An error: the caller does not learn of these any more.
                release(packets, offset, kept);
                release(packets, next, end);
            }
        }
        measured(begin, count);
        return kept - offset;
    }

    private static int way(PacketBurst burst, int place) {
        return switch (burst.decided(place)) {
            case PacketBurst.TX -> BACK;
            case PacketBurst.REDIRECT -> burst.port(place) > 0 ? burst.port(place) : NOWHERE;
            default -> DROPPED;
        };
    }

    private void decide(ProgramChain programs, Packet[] packets, int offset, int count, PacketBurst burst) {
        burst.begin(programs.place(), pair, packets, offset, count);
        run(programs, burst);
    }

    private void run(ProgramChain programs, PacketBurst burst) {
        ProgramLink[] links = programs.present();
        // None if they were detached since the burst began: then all pass.
        for (int i = 0; i < links.length && burst.count() > 0; i++) {
            links[i].run(burst, !toGuest);
        }
    }

    /** Those of each way together, so that a way's packets stay in order and leave in one go. */
    private void sendAway(ProgramChain programs, Scratch scratch, int count, DmaChannel channel) {
        Packet[] leaving = scratch.leaving;
        int[] ways = scratch.leavingPorts;
        int begin = 0;
        try {
            while (begin < count) {
                int way = ways[begin];
                int end = begin + 1;
                for (int i = end; i < count; i++) {
                    if (ways[i] == way) {
                        Packet packet = leaving[i];
                        System.arraycopy(leaving, end, leaving, end + 1, i - end);
                        System.arraycopy(ways, end, ways, end + 1, i - end);
                        leaving[end] = packet;
                        ways[end++] = way;
                    }
                }
                int from = begin;
                begin = end;
                sendOneWay(programs, way, leaving, from, end - from, channel);
            }
        } finally {
            // After an error.
            release(leaving, begin, count);
        }
    }

    private void sendOneWay(
            ProgramChain programs, int way, Packet[] packets, int offset, int count, DmaChannel channel) {
        int sent = 0;
        try {
            if (way == BACK) {
                sent = back.send(packets, offset, count, channel);
                programs.countTransmitFailures(count - sent);
            } else if (way != DROPPED) {
                int answer = way == NOWHERE ? PacketPorts.NO_PORT
                        : programs.ports().send(way, packets, offset, count);
                if (answer < 0) {
                    programs.countNoPort(count);
                } else {
                    sent = Math.min(answer, count);
                    programs.countRedirectFailures(count - sent);
                }
            }
        } catch (RuntimeException e) {
            programs.wayFailed(way == BACK, way, count, e);
        } finally {
            release(packets, offset + sent, offset + count);
        }
    }

    /** Puts packets back, but for those that somebody has put back or sent against the rules. */
    static void release(Packet[] packets, int from, int end) {
        int begin = from;
        for (int i = from; i < end; i++) {
            boolean held = packets[i].length() >= 0;
            if (!held || packets[i].pool() != packets[begin].pool()) {
                // What is before goes back in one go.
                packets[begin].pool().release(packets, begin, i - begin);
                begin = held ? i : i + 1;
            }
        }
        if (begin < end) {
            packets[begin].pool().release(packets, begin, end - begin);
        }
    }

    /**
     * Asks about packets that are to be sent to the guest. Those that were let pass before and found no room
     * are not asked about again.
     *
     * @return packets that pass, in their order at the beginning of the range; the dropped ones follow
     */
    int toGuest(ProgramChain programs, Packet[] packets, int offset, int count) {
        int end = offset + count;
        int kept = offset;
        Scratch scratch = Scratch.claim();
        try {
            for (int next = offset; next < end; next += CHUNK) {
                int chunk = Math.min(CHUNK, end - next);
                decideNew(programs, packets, next, chunk, scratch.burst);
                boolean all = !scratch.burst.hasOthers();
                for (int i = 0; i < chunk; i++) {
                    if (all || scratch.burst.decided(i) == PacketBurst.PASS) {
                        Packet packet = packets[next + i];
                        packets[next + i] = packets[kept];
                        packets[kept++] = packet;
                    }
                }
            }
        } finally {
            scratch.used = false;
            scratch.burst.end();
        }
        return kept - offset;
    }

    private void decideNew(
            ProgramChain programs, Packet[] packets, int offset, int count, PacketBurst burst) {
        if (areNew(packets, offset, count)) {
            burst.begin(programs.place(), pair, packets, offset, count);
        } else {
            burst.begin(programs.place(), pair, count);
            for (int i = 0; i < count; i++) {
                Packet packet = packets[offset + i];
                if (packet == null || packet.length() <= 0) {
                    // Not to be sent, as the queue will say.
                    continue;
                }
                if (Passed.isBy(packet, programs)) {
                    Passed.by(packet, null);
                } else {
                    burst.add(packet, i);
                }
            }
        }
        run(programs, burst);
    }

    private static boolean areNew(Packet[] packets, int offset, int count) {
        for (int i = offset; i < offset + count; i++) {
            if (packets[i] == null || packets[i].length() <= 0 || !Passed.isBy(packets[i], null)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Accounts for what has become of packets that were asked about.
     *
     * @param passing what {@link #toGuest} answered
     * @param sent those of them that the queue is done with, or has accepted
     * @return packets that are done with, which come first in the range now: the dropped ones are among them
     */
    int sent(ProgramChain programs, Packet[] packets, int offset, int count, int passing, int sent) {
        for (int i = offset + sent; i < offset + passing; i++) {
            if (packets[i] != null && packets[i].length() > 0) {
                Passed.by(packets[i], programs);
            }
        }
        if (sent < passing && passing < count) {
            // The dropped ones are done with: they belong before those that have to come again.
            reverse(packets, offset + sent, offset + passing);
            reverse(packets, offset + passing, offset + count);
            reverse(packets, offset + sent, offset + count);
        }
        return count - (passing - sent);
    }

    private static void reverse(Packet[] packets, int from, int to) {
        for (int i = from, j = to - 1; i < j; i++, j--) {
            Packet packet = packets[i];
            packets[i] = packets[j];
            packets[j] = packet;
        }
    }
}
