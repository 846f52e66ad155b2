package io.vhost.device;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/**
 * A program at its place in a {@code ProgramChain}; what BPF calls a link. Threads: any.
 */
public final class ProgramLink {
    private static final Logger LOG = System.getLogger("io.vhost.device");

    private final ProgramPlace place;
    private final String name;
    private final int priority;
    private final int goesOn;
    private final List<LongAdder> verdicts =
            Stream.generate(LongAdder::new).limit(Verdict.values().length).toList();
    private final LongAdder nanos = new LongAdder();
    private final LongAdder timed = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final OncePerSecond log = new OncePerSecond();
    private volatile PacketProgram program;
    private volatile boolean timing;

    ProgramLink(ProgramPlace place, String name, PacketProgram program, int priority, Set<Verdict> goesOn) {
        this.place = place;
        this.name = name;
        this.program = program;
        this.priority = priority;
        this.goesOn = bits(goesOn);
    }

    private static int bits(Set<Verdict> verdicts) {
        int bits = 0;
        for (Verdict verdict : EnumSet.allOf(Verdict.class)) {
            bits |= verdicts.contains(verdict) ? 1 << code(verdict) : 0;
        }
        return bits;
    }

    @SuppressWarnings("EnumOrdinal") // The numbers of XDP, in which the verdicts are ordered.
    private static int code(Verdict verdict) {
        return verdict.ordinal();
    }

    /** {@return where the program is} */
    public ProgramPlace place() {
        return place;
    }

    /** {@return the name under which it was attached} */
    public String name() {
        return name;
    }

    /** {@return its priority: programs run in ascending order} */
    public int priority() {
        return priority;
    }

    /** {@return the program of this moment} */
    public PacketProgram program() {
        return program;
    }

    /**
     * Lets another program work here from the next burst on; a burst that runs ends with the one before.
     * Counters go on.
     *
     * @throws IllegalArgumentException if the other one cannot work here; nothing has changed
     */
    public void replace(PacketProgram other) {
        Objects.requireNonNull(other, "other").checkPlace(place);
        program = other;
        other.attached(place);
    }

    /**
     * {@return packets about which the program has said this}
     *
     * @param verdict which
     */
    public long count(Verdict verdict) {
        return verdicts.get(code(verdict)).sum();
    }

    /** {@return packets that the program was asked about} */
    public long packets() {
        return verdicts.stream().mapToLong(LongAdder::sum).sum();
    }

    /** {@return bursts in which the program has thrown} */
    public long failures() {
        return failures.sum();
    }

    /**
     * Measures how long the program takes; off at first, since the clock costs some 40 ns a burst.
     *
     * @param on whether to measure from now on
     */
    public void timing(boolean on) {
        timing = on;
    }

    /** {@return whether it is measured how long the program takes} */
    public boolean isTimed() {
        return timing;
    }

    /** {@return nanoseconds a packet, as far as they were measured; 0 if they were not} */
    public double nanosPerPacket() {
        long count = timed.sum();
        return count == 0 ? 0 : (double) nanos.sum() / count;
    }

    /** Has the program decide on a burst; what was decided is kept there. */
    void run(PacketBurst burst, boolean redirects) {
        PacketProgram now = program;
        int asked = burst.count();
        boolean measured = timing;
        long begin = measured ? System.nanoTime() : 0;
        try {
            now.run(burst);
        } catch (RuntimeException e) {
            failed(now, e);
            burst.abortUndecided();
        }
        if (measured) {
            nanos.add(System.nanoTime() - begin);
            timed.add(asked);
        }
        int[] sum = burst.settle(goesOn, redirects);
        for (int i = 0; i < sum.length; i++) {
            if (sum[i] > 0) {
                verdicts.get(i).add(sum[i]);
            }
        }
    }

    private void failed(PacketProgram failing, RuntimeException e) {
        failures.increment();
        if (log.isDue()) {
            LOG.log(Level.WARNING, () -> "program " + name + " of " + place.name() + " has failed, its"
                    + " packets are dropped; failures so far: " + failures.sum() + ": " + failing, e);
        }
    }

    @Override
    public String toString() {
        return name + " of " + place.name() + ", priority " + priority;
    }
}
