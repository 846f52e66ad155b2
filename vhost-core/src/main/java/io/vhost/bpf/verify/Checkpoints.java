package io.vhost.bpf.verify;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.live.Needs;
import io.vhost.bpf.rules.Site;
import io.vhost.bpf.state.Covering;
import io.vhost.bpf.state.State;
import io.vhost.bpf.state.Widening;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * States that were kept on the ways through a program, to end those that add nothing. A state covers others
 * when all ways from it on have been followed; before that, one like it means a loop that changes nothing.
 */
final class Checkpoints {
    // As the kernel: not behind every jump, and none that is never of use.
    private static final int MIN_JUMPS = 2;
    private static final int MIN_INSNS = 8;
    private static final int MISSES = 3;
    private static final int LOOP_MISSES = 64;
    /** Most with the same constants, so that looking through them stays cheap whatever a program does. */
    private static final int MAX_ALIKE = 64;
    private static final int MAX_KEPT = 1 << 17;
    /** States with the same constants that are followed one by one before they are made one. */
    static final int MANY = 8;
    /** Times that a loop is followed as it is before its numbers are given up. */
    private static final int EXACT_ROUNDS = 2;

    /** One of them. */
    static final class Checkpoint {
        private final int at;
        private final State state;
        private final Checkpoint parent;
        private int ways = 1;
        private int hits;
        private int misses;

        Checkpoint(int at, State state, Checkpoint parent) {
            this.at = at;
            this.state = state;
            this.parent = parent;
        }
    }

    private final Needs needs;
    private final Code code;
    private final Exploration exploration;
    private final boolean endless;
    private final int many;
    private final List<List<Checkpoint>> places;
    private final Map<Long, List<Checkpoint>> byConstants = new HashMap<>();
    private Checkpoint last;
    private int kept;
    private int jumps;
    private int lastJumps;
    private int lastProcessed;

    /** {@code many} is {@link #MANY}, or fewer for tests of what joining loses. */
    Checkpoints(Needs needs, Code code, Exploration exploration, int many) {
        this.many = many;
        this.needs = needs;
        this.code = code;
        this.exploration = exploration;
        this.endless = exploration == Exploration.ENDLESS;
        this.places = new ArrayList<>(code.length());
        for (int i = 0; i < code.length(); i++) {
            places.add(null);
        }
    }

    int kept() {
        return kept;
    }

    void countJump() {
        jumps++;
    }

    /** A way that was put aside goes on. */
    void resume(Checkpoint parent) {
        last = parent;
    }

    /** A way is put aside; where it goes on from. */
    Checkpoint fork() {
        if (last != null) {
            last.ways++;
        }
        return last;
    }

    /** A way has ended. */
    void end() {
        Checkpoint c = last;
        while (c != null && --c.ways == 0) {
            c = c.parent;
        }
    }

    /**
     * The state to go on with, or null if the way needs not be followed further.
     *
     * @param calledBack whether a callback has come to its end. Only then a state whose ways have not ended
     *                   yet may cover it: how often a helper calls back is limited when the program runs
     */
    State visit(int at, State arriving, boolean calledBack, int processed) {
        List<Checkpoint> list = places.get(at);
        if (list == null) {
            list = new ArrayList<>();
            places.set(at, list);
        }
        boolean goesOn = calledBack || endless;
        State now = goesOn ? widened(list, arriving, calledBack) : arriving;
        long constants = 31L * Covering.constants(needs, at, now) + at;
        List<Checkpoint> alike = byConstants.computeIfAbsent(constants, ignored -> new ArrayList<>(1));
        for (Checkpoint c : alike) {
            if (c.ways > 0 && !goesOn && c.at == at && Covering.same(needs, at, c.state, now)) {
                throw Site.refuseLoop("let the loop change what it tests, so that it comes to an end",
                        "infinite loop detected at insn " + at);
            }
            if (covers(c, goesOn, at, now)) {
                return null;
            }
        }
        if (isCovered(list, goesOn, at, now)) {
            return null;
        }
        if (exploration == Exploration.JOINED && alike.size() >= many) {
            now = joined(alike, at, now);
        }
        boolean keep = CodeGraph.callsBack(code.insn(at))
                || (jumps - lastJumps >= MIN_JUMPS && processed - lastProcessed >= MIN_INSNS);
        if (keep && kept < MAX_KEPT) {
            kept++;
            lastJumps = jumps;
            lastProcessed = processed;
            last = new Checkpoint(at, now.copy(), last);
            list.add(last);
            if (alike.size() == MAX_ALIKE) {
                alike.removeFirst();
            }
            alike.add(last);
        }
        return now;
    }

    /** Those that never cover anything are looked at only where constants are the same. */
    private boolean isCovered(List<Checkpoint> list, boolean goesOn, int at, State now) {
        int patience = goesOn ? LOOP_MISSES : MISSES;
        Iterator<Checkpoint> each = list.iterator();
        while (each.hasNext()) {
            Checkpoint c = each.next();
            if (covers(c, goesOn, at, now)) {
                c.hits++;
                return true;
            }
            if (++c.misses > c.hits * patience + patience) {
                each.remove();
            }
        }
        return false;
    }

    private boolean covers(Checkpoint c, boolean goesOn, int at, State now) {
        return (c.ways == 0 || goesOn) && c.at == at && Covering.covers(needs, at, c.state, now);
    }

    /** With one that was followed to the end: what comes later of the same kind is covered by both. */
    private static State joined(List<Checkpoint> alike, int at, State now) {
        for (Checkpoint c : alike.reversed()) {
            if (c.ways == 0 && c.at == at) {
                return Widening.of(c.state, now);
            }
        }
        return now;
    }

    /** Numbers that a loop or a callback changes become any numbers, so that its states come to an end. */
    private State widened(List<Checkpoint> list, State arriving, boolean calledBack) {
        Checkpoint before = null;
        int rounds = 0;
        for (Checkpoint c : list) {
            if (c.ways > 0) {
                before = c;
                rounds++;
            }
        }
        return before == null || (!calledBack && rounds < EXACT_ROUNDS) ? arriving
                : Widening.of(before.state, arriving);
    }
}
