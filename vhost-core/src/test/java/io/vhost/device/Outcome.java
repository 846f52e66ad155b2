package io.vhost.device;

import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;

/**
 * What must become of the chains that somebody wrote into a {@link RawRing} behind the good ones.
 *
 * @param violation for which the queue is fenced; null: it goes on
 * @param served packets in those chains that are moved
 * @param used chains of them that the driver gets back
 * @param dropped what is counted for a packet of them that is not moved; null: there is none
 * @param goodAreServed whether the good ones in the same burst are moved, too
 * @param interrupts whether the driver is interrupted; null: as it says, if a chain was used
 * @param ruined the guest is of no use any more
 */
record Outcome(
        RingViolation violation, int served, int used, Counter dropped, boolean goodAreServed,
        Boolean interrupts, boolean ruined) {

    /** The queue is fenced at the first chain, and those before it are served. */
    static Outcome fenced(RingViolation violation) {
        return new Outcome(violation, 0, 0, null, true, null, false);
    }

    /** The same with a good chain behind, which must not be looked at. */
    static Outcome fenced(RawRing ring, RingViolation violation) {
        ring.good();
        return fenced(violation);
    }

    /** So many chains are served, with a packet each. */
    static Outcome served(int chains) {
        return new Outcome(null, chains, chains, null, true, null, false);
    }

    /** One chain is served and a good one behind it. */
    static Outcome served(RawRing ring) {
        ring.good();
        return served(2);
    }

    /** The packet of one chain is dropped, and a good one behind it is served. */
    static Outcome dropped(RawRing ring, Counter counter) {
        ring.dropFrame();
        ring.good();
        return new Outcome(null, 1, 2, counter, true, null, false);
    }

    /** As this, after so many packets in so many chains. */
    Outcome after(int packets, int chains) {
        return new Outcome(violation, packets, chains, dropped, goodAreServed, interrupts, ruined);
    }

    /** As this, before the good ones in the same burst. */
    Outcome atOnce() {
        return new Outcome(violation, served, used, dropped, false, interrupts, ruined);
    }

    /** As this, with an interrupt or without, whatever the driver said otherwise. */
    Outcome interrupting(boolean value) {
        return new Outcome(violation, served, used, dropped, goodAreServed, value, ruined);
    }

    /** As this, and the guest goes with it. */
    Outcome andRuins() {
        return new Outcome(violation, served, used, dropped, goodAreServed, interrupts, true);
    }
}
