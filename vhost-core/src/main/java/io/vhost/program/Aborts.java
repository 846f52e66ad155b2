package io.vhost.program;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Program;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Tells of packets on which a program was ended before its own end: once a second at most, with the number of
 * them. Threads: any.
 */
final class Aborts {
    private static final Logger LOG = System.getLogger(Aborts.class.getPackageName());
    private static final long PAUSE = 1_000_000_000;
    private static final int XDP_REDIRECT = 4;

    private final String name;
    private final Program program;
    private final LongAdder count = new LongAdder();
    /** When the next one may be told, in ns; whoever moves it on tells. */
    private final AtomicLong next = new AtomicLong(System.nanoTime());
    private volatile String last;

    Aborts(String name, Program program) {
        this.name = name;
        this.program = program;
    }

    long count() {
        return count.sum();
    }

    Optional<String> last() {
        return Optional.ofNullable(last);
    }

    /** The program on a Cpu was ended. */
    void aborted(Cpu cpu) {
        count.increment();
        if (isTime()) {
            tell(cpu.abort().text(), cpu.faultAt(),
                    cpu.abort() == Abort.HELPER_FAILED ? cpu.cause() : null);
        }
    }

    /** The program has answered with an abort, or with what is no answer. */
    void returned(int action) {
        count.increment();
        if (isTime()) {
            tell("it returned " + switch (action) {
                case 0 -> "XDP_ABORTED";
                case XDP_REDIRECT -> "XDP_REDIRECT without a redirect";
                default -> action + ", which is no action of XDP";
            }, -1, null);
        }
    }

    /** The program has left a virtio-net header that cannot be carried out. */
    void badHeader() {
        count.increment();
        if (isTime()) {
            tell("what it wrote to the virtio-net header in the metadata cannot be carried out", -1, null);
        }
    }

    private boolean isTime() {
        long now = System.nanoTime();
        long due = next.get();
        return now - due >= 0 && next.compareAndSet(due, now + PAUSE);
    }

    private void tell(String reason, int at, RuntimeException cause) {
        Code code = program.image().code();
        String source = at < 0 || at >= code.length() ? "" : code.source(at);
        String where = at < 0 ? "" : ", instruction " + at + (source.isEmpty() ? "" : "; " + source);
        last = reason + where;
        LOG.log(Level.WARNING, () -> "program " + name + " was aborted, its packet is dropped: "
                + reason + where + "; so far " + count.sum(), cause);
        new AbortEvent().aborted(name, reason, at, count.sum());
    }
}
