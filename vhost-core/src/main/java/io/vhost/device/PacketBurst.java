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

    // What the program sees: all packets where the caller has them, until some are decided upon.
    private Packet[] view;
    private int base;
    private int count;
    /** All {@link #PASS} but for what the program has said since the last {@link #settle}. */
    private final int[] verdicts = new int[SIZE];
    private final int[] ports = new int[SIZE];
    private boolean said;

    /** Those that are left, and where each stood. */
    private final Packet[] left = new Packet[SIZE];
    private final int[] places = new int[SIZE];
    private boolean narrowed;

    // What was decided, by place; if nothing was, all pass.
    private boolean others;
    private int total;
    private final int[] decided = new int[SIZE];
    private final int[] decidedPorts = new int[SIZE];
    private final int[] tally = new int[VERDICTS.length];

    private ProgramPlace place;
    private int pair;

    PacketBurst() {
        Arrays.fill(verdicts, PASS);
    }

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
        return view[base + Objects.checkIndex(index, count)];
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
        if (verdicts[Objects.checkIndex(index, count)] != PASS) {
            say(index, PASS);
        }
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
        said = true;
    }

    // For the chain.

    /** All packets of a range are to be decided on. */
    void begin(ProgramPlace where, int queuePair, Packet[] packets, int offset, int size) {
        begin(where, queuePair, size);
        view = packets;
        base = offset;
        count = size;
    }

    /** Some packets of a range are to be decided on, which are to be added. */
    void begin(ProgramPlace where, int queuePair, int size) {
        place = where;
        pair = queuePair;
        total = size;
        narrowed = false;
        others = false;
        if (said) {
            // An error came before the end.
            Arrays.fill(verdicts, PASS);
            said = false;
        }
        count = 0;
    }

    /** Adds a packet to decide on, and its place in the range. */
    void add(Packet packet, int at) {
        narrow();
        left[count] = packet;
        places[count++] = at;
    }

    private void narrow() {
        view = left;
        base = 0;
        narrowed = true;
    }

    /** The program has thrown: what it did not decide on is aborted. */
    void abortUndecided() {
        for (int i = 0; i < count; i++) {
            if (verdicts[i] == PASS) {
                say(i, ABORTED);
            }
        }
    }

    /**
     * Keeps what a program has said, and of the packets those that the next one is asked about.
     *
     * @param goesOn a bit for each verdict after which the next program runs
     * @param redirects whether packets may leave another way than this queue
     * @return packets by verdict, valid until the next call
     */
    int[] settle(int goesOn, boolean redirects) {
        int[] sum = tally;
        Arrays.fill(sum, 0);
        if (said || others || hasEmpty()) {
            settleEach(sum, goesOn, redirects);
        } else {
            sum[PASS] = count;
            count = (goesOn >>> PASS & 1) != 0 ? count : 0;
        }
        return sum;
    }

    private boolean hasEmpty() {
        for (int i = 0; i < count; i++) {
            if (view[base + i].length() <= 0) {
                return true;
            }
        }
        return false;
    }

    private void settleEach(int[] sum, int goesOn, boolean redirects) {
        said = false;
        if (!others) {
            others = true;
            Arrays.fill(decided, 0, total, PASS);
        }
        int kept = 0;
        for (int i = 0; i < count; i++) {
            int verdict = verdicts[i];
            verdicts[i] = PASS;
            Packet packet = view[base + i];
            // What is empty no queue sends; what was released is nobody's.
            boolean isGone = packet.length() <= 0;
            if (verdict >= PASS && (isGone || (verdict > PASS && !redirects))) {
                verdict = ABORTED;
            }
            sum[verdict]++;
            int at = narrowed ? places[i] : i;
            decided[at] = verdict;
            decidedPorts[at] = ports[i];
            if ((goesOn >>> verdict & 1) != 0 && !isGone) {
                left[kept] = packet;
                places[kept++] = at;
            }
        }
        narrow();
        count = kept;
    }

    /** Whether anything was decided but that packets pass. */
    boolean hasOthers() {
        return others;
    }

    /** What was decided for a place, if {@link #hasOthers}. */
    int decided(int at) {
        return decided[at];
    }

    /** The port that a place was redirected to. */
    int port(int at) {
        return decidedPorts[at];
    }

    void end() {
        count = 0;
        view = null;
        place = null;
    }
}
