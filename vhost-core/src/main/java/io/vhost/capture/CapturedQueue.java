package io.vhost.capture;

import io.vhost.device.ProgramPlace;
import io.vhost.pcap.PcapngBuffer;
import java.util.concurrent.atomic.LongAdder;

/**
 * A queue of which packets are recorded: an interface of the file. Threads: any; what is the writer's says
 * so.
 */
final class CapturedQueue {
    private static final int NO_NUMBER = -1;

    private final int index;
    private final ProgramPlace place;
    private final int pair;
    private final byte[] name;
    private final byte[] comment;
    private final LongAdder seen = new LongAdder();
    private final LongAdder accepted = new LongAdder();
    private final LongAdder dropped = new LongAdder();

    private final LongAdder written = new LongAdder();

    // The writer's.
    private int pending;
    private int number = NO_NUMBER;

    /** A queue that nothing has passed yet; {@code index}: its number in the capture. */
    CapturedQueue(int index, ProgramPlace place, int pair) {
        this.index = index;
        this.place = place;
        this.pair = pair;
        String direction = place.isToGuest() ? "out" : "in";
        name = PcapngBuffer.text(place.name() + "/" + direction + "/" + pair);
        int queue = 2 * pair + (place.isToGuest() ? 0 : 1);
        comment = PcapngBuffer.text("port " + place.name() + " (ifindex " + place.port() + "), packets "
                + (place.isToGuest() ? "to" : "from") + " the guest, queue pair " + pair + ", virtqueue "
                + queue);
    }

    int index() {
        return index;
    }

    int pair() {
        return pair;
    }

    boolean isToGuest() {
        return place.isToGuest();
    }

    byte[] name() {
        return name;
    }

    byte[] comment() {
        return comment;
    }

    /** Counts the packets of a burst. */
    void count(int packets, int wanted, int lost) {
        seen.add(packets);
        if (wanted > 0) {
            accepted.add(wanted);
        }
        if (lost > 0) {
            dropped.add(lost);
        }
    }

    /** What a reader of counters sees. */
    QueueCapture counters() {
        // What is written was accepted before, and that was seen: the differences are never negative.
        long outcome = written.sum();
        long lost = dropped.sum();
        long wanted = accepted.sum();
        return new QueueCapture(place, pair, seen.sum(), wanted, lost, outcome);
    }

    // The writer's.

    /** Whether the file does not know this interface yet. */
    boolean isNew() {
        return number == NO_NUMBER;
    }

    /** The interface's number in the file. */
    int number() {
        return number;
    }

    void number(int next) {
        number = next;
    }

    void forgetNumber() {
        number = NO_NUMBER;
    }

    /** A packet is on its way to the file. */
    void addPending() {
        pending++;
    }

    /** Packets on their way to the file are in it. */
    void settle(int lost) {
        if (lost > 0) {
            dropped.add(lost);
        }
        written.add(pending - lost);
        pending = 0;
    }

    int pending() {
        return pending;
    }

    /** A packet is thrown away that was in the buffer. */
    void drop() {
        dropped.increment();
    }
}
