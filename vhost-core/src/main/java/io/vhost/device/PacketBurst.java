package io.vhost.device;

import io.vhost.net.Packet;
import java.util.Arrays;
import java.util.Objects;

/**
 * Packets that a program decides on. Thread: the one that runs the program, for as long as that runs.
 */
public final class PacketBurst {
    /** Most packets of a burst. */
    public static final int SIZE = 32;

    static final int ABORTED = 0;
    static final int DROP = 1;
    static final int PASS = 2;
    static final int TX = 3;
    static final int REDIRECT = 4;
    private static final Verdict[] VERDICTS = Verdict.values();

    // What the program sees: those that are still undecided, densely.
    private final Packet[] packets = new Packet[SIZE];
    private final int[] verdicts = new int[SIZE];
    private final int[] ports = new int[SIZE];
    /** Where each one stands in the burst that was begun. */
    private final int[] places = new int[SIZE];
    private int count;

    // What was decided, by place.
    private final int[] decided = new int[SIZE];
    private final int[] decidedPorts = new int[SIZE];
    private final int[] tally = new int[VERDICTS.length];

    private ProgramPlace place;
    private int pair;

    PacketBurst() {}

    /** {@return packets to decide on, 1 to {@value #SIZE}} */
    public int count() {
        return count;
    }

    /**
     * {@return one of the packets; the program may change it, and move its ends}
     *
     * @param index 0 to {@link #count} - 1
     */
    public Packet packet(int index) {
        return packets[Objects.checkIndex(index, count)];
    }

    /** {@return the port and the direction} */
    public ProgramPlace place() {
        return place;
    }

    /** {@return the number of the queue pair that they pass, from 0} */
    public int pair() {
        return pair;
    }

    /**
     * {@return what was said of a packet so far; {@link Verdict#PASS} at first}
     *
     * @param index 0 to {@link #count} - 1
     */
    public Verdict verdict(int index) {
        return VERDICTS[verdicts[Objects.checkIndex(index, count)]];
    }

    /**
     * Lets a packet pass after all.
     *
     * @param index of the packet
     */
    public void pass(int index) {
        say(index, PASS);
    }

    /**
     * Drops a packet.
     *
     * @param index of the packet
     */
    public void drop(int index) {
        say(index, DROP);
    }

    /**
     * Drops a packet on which the program has failed.
     *
     * @param index of the packet
     */
    public void abort(int index) {
        say(index, ABORTED);
    }

    /**
     * Sends a packet back to the guest that it came from. On its way to a guest it is dropped, as aborted.
     *
     * @param index of the packet
     */
    public void transmit(int index) {
        say(index, TX);
    }

    /**
     * Sends a packet to another port. On its way to a guest it is dropped, as aborted.
     *
     * @param index of the packet
     * @param port its number in the application's {@link PacketPorts}
     */
    public void redirect(int index, int port) {
        say(index, REDIRECT);
        ports[index] = port;
    }

    private void say(int index, int verdict) {
        verdicts[Objects.checkIndex(index, count)] = verdict;
    }

    // For the chain.

    void begin(ProgramPlace where, int queuePair) {
        place = where;
        pair = queuePair;
        count = 0;
    }

    /** Adds a packet to decide on; its place, from 0. */
    void add(Packet packet, int at) {
        packets[count] = packet;
        verdicts[count] = PASS;
        places[count++] = at;
    }

    /** Says of a place what no program is asked about. */
    void decide(int at, int verdict) {
        decided[at] = verdict;
    }

    /** The program has thrown: what it did not decide on is aborted. */
    void abortUndecided() {
        for (int i = 0; i < count; i++) {
            if (verdicts[i] == PASS) {
                verdicts[i] = ABORTED;
            }
        }
    }

    /**
     * Keeps what a program has said, and of the packets those that the next one is asked about. What is to go
     * on and is empty is aborted.
     *
     * @param goesOn a bit for each verdict after which the next program runs
     * @param redirects whether packets may leave another way than this queue
     * @return packets by verdict, valid until the next call
     */
    int[] settle(int goesOn, boolean redirects) {
        int[] sum = tally;
        Arrays.fill(sum, 0);
        int kept = 0;
        for (int i = 0; i < count; i++) {
            int verdict = verdicts[i];
            // What is empty no queue sends; what was released is nobody's.
            if (verdict >= PASS && ((verdict > PASS && !redirects) || packets[i].length() <= 0)) {
                verdict = ABORTED;
            }
            sum[verdict]++;
            int at = places[i];
            decided[at] = verdict;
            decidedPorts[at] = ports[i];
            if ((goesOn >>> verdict & 1) != 0 && packets[i].length() > 0) {
                packets[kept] = packets[i];
                verdicts[kept] = PASS;
                places[kept++] = at;
            }
        }
        count = kept;
        return sum;
    }

    /** What was decided for a place. */
    int decided(int at) {
        return decided[at];
    }

    /** The port that a place was redirected to. */
    int port(int at) {
        return decidedPorts[at];
    }

    void end() {
        count = 0;
        place = null;
    }
}
