package io.vhost.app.bpf;

import io.vhost.bpf.BpfObject;
import io.vhost.bpf.BpfProgram;
import io.vhost.bpf.CheckMode;
import io.vhost.bpf.ContextTypes;
import io.vhost.bpf.FunctionCheck;
import java.nio.file.Path;
import java.util.List;

/**
 * An object and what was found out about its programs.
 *
 * @param file     where it was read from
 * @param object   the object
 * @param mode     how it was judged
 * @param programs one outcome per program
 */
record Inspection(Path file, BpfObject object, CheckMode mode, List<Outcome> programs) {
    /**
     * A program's outcome.
     *
     * @param program   the program
     * @param functions its own function, then those that it calls
     */
    record Outcome(BpfProgram program, List<FunctionCheck> functions) {
        /** What holds for the program as a whole: the worst of its own verdict and of any rejection. */
        FunctionCheck.Verdict verdict() {
            boolean rejected = functions.stream().anyMatch(f -> f.verdict() == FunctionCheck.Verdict.REJECT);
            return rejected ? FunctionCheck.Verdict.REJECT : functions.getFirst().verdict();
        }
    }

    static Inspection of(Path file, BpfObject object, ContextTypes types, CheckMode mode) {
        List<Outcome> outcomes = object.programs().stream()
                .map(program -> new Outcome(program, object.check(program, types, mode))).toList();
        return new Inspection(file, object, mode, outcomes);
    }

    /** Whether no program was rejected. */
    boolean passed() {
        return rejected() == 0;
    }

    long rejected() {
        return programs.stream().filter(outcome -> outcome.verdict() == FunctionCheck.Verdict.REJECT).count();
    }
}
