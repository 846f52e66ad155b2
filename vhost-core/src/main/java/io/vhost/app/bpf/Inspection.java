package io.vhost.app.bpf;

import io.vhost.bpf.BpfObject;
import io.vhost.bpf.BpfProgram;
import io.vhost.bpf.context.CheckMode;
import io.vhost.bpf.context.ContextCheck;
import io.vhost.bpf.context.ContextTypes;
import io.vhost.bpf.context.FunctionCheck;
import io.vhost.bpf.context.SectionName;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

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
     * @param program    the program
     * @param convention what it is, by its section's name or by what the user said instead
     * @param functions  its own function, then those that it calls
     */
    record Outcome(BpfProgram program, Optional<SectionName> convention, List<FunctionCheck> functions) {
        /** What holds for the program as a whole: the worst of its own verdict and of any rejection. */
        FunctionCheck.Verdict verdict() {
            boolean rejected = functions.stream().anyMatch(f -> f.verdict() == FunctionCheck.Verdict.REJECT);
            return rejected ? FunctionCheck.Verdict.REJECT : functions.getFirst().verdict();
        }
    }

    /**
     * What the user tells where an object does not.
     *
     * @param section  stands for the section names that say nothing
     * @param extended what extensions extend
     */
    record Hints(Optional<SectionName> section, Optional<SectionName> extended) {
    }

    static Inspection of(Path file, BpfObject object, ContextTypes types, CheckMode mode, Hints hints) {
        List<Outcome> outcomes = object.programs().stream().map(program -> {
            Optional<SectionName> convention = program.convention().or(hints::section);
            return new Outcome(program, convention, convention
                    .map(name -> object.check(program, new ContextCheck.Target(name.type(), name.attachType(),
                    hints.extended().map(SectionName::type)), types, mode))
                    .orElseGet(() -> object.check(program, types, mode)));
        }).toList();
        return new Inspection(file, object, mode, outcomes);
    }

    /** Whether there are programs and none was rejected. */
    boolean passed() {
        return !programs.isEmpty() && rejected() == 0;
    }

    /** Whether any function's types are accepted but not relied on. */
    boolean anyUnreliable() {
        return programs.stream().flatMap(outcome -> outcome.functions().stream())
                .anyMatch(function -> function.verdict() == FunctionCheck.Verdict.UNRELIABLE);
    }

    long rejected() {
        return programs.stream().filter(outcome -> outcome.verdict() == FunctionCheck.Verdict.REJECT).count();
    }
}
