package io.vhost.bpf.verify;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.live.Needs;
import io.vhost.bpf.rules.Refusal;
import io.vhost.bpf.rules.Subject;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** Verifies programs. Thread: stateless; any thread. */
public final class Verifier {
    private Verifier() {
    }

    /**
     * Verifies a program, without a log.
     *
     * @throws ProgramException if it is refused
     */
    public static Verdict verify(Subject subject, Mode mode) throws ProgramException {
        return verify(subject, mode, 0);
    }

    /**
     * Verifies a program.
     *
     * @param level how much is in the log: 0 nothing, 1 the way to an error, 2 every instruction and state
     * @throws ProgramException if it is refused; it begins with what has to be changed, and has the log
     */
    public static Verdict verify(Subject subject, Mode mode, int level) throws ProgramException {
        Code code = subject.code();
        BitSet meets;
        try {
            meets = new CodeGraph(code).check();
        } catch (CodeGraph.Unreachable e) {
            throw ProgramException.refused(e.at(), code.source(e.at()), "remove code that is never reached",
                    e.getMessage(), level == 0 ? "" : e.getMessage() + "\n");
        }
        Needs needs = Needs.of(code, subject.helpers());
        VerifierLog log = new VerifierLog(level, subject.helpers());
        Explorer explorer = new Explorer(subject, needs, meets, Exploration.EXACT, log);
        Refusal refusal;
        try {
            return explored(explorer, log, true);
        } catch (Refusal first) {
            refusal = first;
        }
        for (Exploration next : less(mode, refusal)) {
            VerifierLog nextLog = new VerifierLog(level, subject.helpers());
            Explorer again = new Explorer(subject, needs, meets, next, nextLog);
            try {
                return explored(again, nextLog, next != Exploration.ENDLESS);
            } catch (Refusal other) {
                if (next == Exploration.ENDLESS) {
                    throw refused(code, again, other, nextLog);
                }
            }
        }
        throw refused(code, explorer, refusal, log);
    }

    /** What is tried where it is not known that a program ends: it may have too many ways to be followed. */
    private static List<Exploration> less(Mode mode, Refusal refusal) {
        List<Exploration> less = new ArrayList<>();
        if (refusal.isAboutEnd() && !refusal.isLoop()) {
            less.add(Exploration.JOINED);
        }
        if (refusal.isAboutEnd() && mode == Mode.BUDGETED) {
            less.add(Exploration.ENDLESS);
        }
        return less;
    }

    private static Verdict explored(Explorer explorer, VerifierLog log, boolean ends) {
        explorer.explore();
        log.total(explorer.processed(), Explorer.MAX_PROCESSED, explorer.states());
        return new Verdict(ends, explorer.processed(), explorer.states(), log.text());
    }

    private static ProgramException refused(Code code, Explorer explorer, Refusal refusal, VerifierLog log) {
        log.error(refusal.getMessage());
        log.total(explorer.processed(), Explorer.MAX_PROCESSED, explorer.states());
        return ProgramException.refused(explorer.at(), code.source(explorer.at()), refusal.remedy(),
                refusal.getMessage(), log.text());
    }
}
