package io.vhost.program;

import io.vhost.bpf.run.Program;
import io.vhost.device.PacketBurst;
import io.vhost.device.PacketProgram;
import io.vhost.device.ProgramPlace;
import java.util.Optional;

/**
 * A program of a {@code ProgramObject}, to be attached to a {@code ProgramChain}. The package description
 * says what it sees, and what becomes of packets.
 *
 * <p>Threads: any. A thread that finds all others of the object's {@link ProgramOptions#threads} at work
 * waits for one: give it as many as run programs.
 */
public final class QueueProgram implements PacketProgram {
    private final String name;
    private final Program program;
    private final Runners runners;
    private final Optional<String> whyInterpreted;
    private final Aborts aborts;
    private final ProgramTraits traits;

    QueueProgram(String name, Program program, Runners runners, Optional<String> whyInterpreted) {
        this.name = name;
        this.program = program;
        this.runners = runners;
        this.whyInterpreted = whyInterpreted;
        this.aborts = new Aborts(name, program);
        this.traits = ProgramTraits.of(program.image());
    }

    /** {@return its name in the object} */
    public String name() {
        return name;
    }

    /** {@return whether it is a program of tc, not of XDP} */
    public boolean isClassifier() {
        return traits.isClassifier();
    }

    /** {@return whether it may change packets, as far as its instructions tell; what is doubtful counts} */
    public boolean mayChangePackets() {
        return traits.writes();
    }

    /** {@return why it is interpreted; empty: it is compiled} */
    public Optional<String> whyInterpreted() {
        return whyInterpreted;
    }

    /** {@return packets on which it was ended before its own end, or answered with an abort} */
    public long aborted() {
        return aborts.count();
    }

    /** {@return why and where a packet was aborted last, at most each second; empty if none was} */
    public Optional<String> lastAbort() {
        return aborts.last();
    }

    @Override
    public void run(PacketBurst burst) {
        Runner runner = runners.claim();
        try {
            runner.run(program, traits, aborts, burst);
        } finally {
            runners.release(runner);
        }
    }

    @Override
    public void checkPlace(ProgramPlace place) {
        if (place.isToGuest() && traits.redirects()) {
            throw new IllegalArgumentException("program " + name + " redirects packets, and at "
                    + place.name() + " they go to the guest already: attach it to those that come from one");
        }
    }

    @Override
    public void attached(ProgramPlace place) {
        new AttachEvent().attached(name, place);
    }

    @Override
    public String toString() {
        return name + (isClassifier() ? " (tc)" : " (XDP)");
    }
}
