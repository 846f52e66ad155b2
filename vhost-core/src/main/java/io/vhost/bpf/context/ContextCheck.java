package io.vhost.bpf.context;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.CTypes;
import io.vhost.bpf.btf.Errno;
import io.vhost.bpf.context.FunctionCheck.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Checks that functions take the context of their program's type.
 *
 * <p>Thread: immutable; any thread. The types of the program must have passed
 * {@link io.vhost.bpf.btf.check.BtfValidator}: {@link io.vhost.bpf.BpfObject} sees to that.
 */
public final class ContextCheck {
    private final ContextTypes types;
    private final CheckMode mode;
    private final Btf btf;
    private final ArgumentTags tags;

    /**
     * What a function is to its program.
     *
     * @param type       the program's type
     * @param attachType where the program will be attached, if known
     * @param extended   for {@link ProgramType#EXT}: the type of the program that it replaces a part of, if
     * known
     */
    public record Target(ProgramType type, Optional<AttachType> attachType, Optional<ProgramType> extended) {
        /** A program of this type, not told where it will be attached. */
        public static Target of(ProgramType type) {
            return new Target(type, Optional.empty(), Optional.empty());
        }

        /** A program of this type for this place. */
        public static Target of(ProgramType type, AttachType attachType) {
            return new Target(type, Optional.of(attachType), Optional.empty());
        }

        private ProgramType contextOf() {
            return type == ProgramType.EXT ? extended.orElse(type) : type;
        }
    }

    /**
     * Prepares a check.
     *
     * @param btf   the program's types
     * @param types the kernel's
     * @param mode  how to judge
     */
    public ContextCheck(Btf btf, ContextTypes types, CheckMode mode) {
        this(btf, new ArgumentTags(btf), types, mode);
    }

    /**
     * Prepares a check of types whose tags were collected before.
     *
     * @param btf   the program's types
     * @param tags  those of {@code btf}
     * @param types the kernel's
     * @param mode  how to judge
     */
    public ContextCheck(Btf btf, ArgumentTags tags, ContextTypes types, CheckMode mode) {
        this.btf = btf;
        this.tags = tags;
        this.types = types;
        this.mode = mode;
    }

    /**
     * Checks a program's first function.
     *
     * @param functionId its FUNC type, or 0 if the object does not say
     * @param source     a line that tells where it stands in its source, or the empty string
     */
    public FunctionCheck program(int functionId, Target target, String source) {
        if (btf.kind(functionId) != BtfKind.FUNC) {
            return withoutType(functionId);
        }
        if (mode == CheckMode.SEED) {
            return seed(functionId, target, false);
        }
        StringBuilder log = new StringBuilder();
        ArgumentRules rules = rules(target, log);
        Optional<Errno> error = rules.check(functionId);
        List<Argument> arguments = rules.arguments();
        // An extension takes the place of a function, so the kernel treats it as one.
        boolean wrong = target.type == ProgramType.EXT ? error.isPresent()
                : error.isPresent() || arguments.size() != 1
                        || arguments.getFirst().kind() != Argument.Kind.CONTEXT;
        String name = btf.name(functionId);
        String refusal = target.type == ProgramType.EXT ? strictPart(functionId, target) : "";
        if (!refusal.isEmpty()) {
            return refused(functionId, refusal, source, arguments);
        }
        if (!wrong) {
            return new FunctionCheck(name, Verdict.PASS, Optional.empty(), arguments, log.toString());
        }
        if (target.type == ProgramType.EXT) {
            return new FunctionCheck(name, Verdict.REJECT, error, arguments, log.toString());
        }
        if (mode == CheckMode.KERNEL) {
            return new FunctionCheck(name, Verdict.UNRELIABLE, Optional.empty(), arguments, log.toString());
        }
        return strict(functionId, target, source, log, arguments);
    }

    /** Checks a function that a program calls, without a place in its source. */
    public FunctionCheck function(int functionId, Target target) {
        return function(functionId, target, "");
    }

    /**
     * Checks a function that a program calls.
     *
     * @param functionId its FUNC type, or 0 if the object does not say
     * @param source     a line that tells where it stands in its source, or the empty string
     */
    public FunctionCheck function(int functionId, Target target, String source) {
        if (btf.kind(functionId) != BtfKind.FUNC) {
            return withoutType(functionId);
        }
        if (mode == CheckMode.SEED) {
            return seed(functionId, target, true);
        }
        StringBuilder log = new StringBuilder();
        ArgumentRules rules = rules(target, log);
        Optional<Errno> error = rules.check(functionId);
        String refusal = strictPart(functionId, target);
        if (!refusal.isEmpty()) {
            return refused(functionId, refusal, source, rules.arguments());
        }
        boolean global = ((BtfType.Function) btf.type(functionId)).linkage() == BtfType.Function.GLOBAL;
        Verdict verdict = error.isEmpty() ? Verdict.PASS : global ? Verdict.REJECT : Verdict.UNRELIABLE;
        return new FunctionCheck(btf.name(functionId), verdict, global ? error : Optional.empty(),
                rules.arguments(), log.toString());
    }

    /**
     * What is wrong with a call that passes the program's context to a global function, as a line of a log;
     * empty if the function takes it there, or if that is not known.
     *
     * <p>Memory is no place for it where the kernel hands over another struct than the program sees, for
     * there each access is rewritten.
     *
     * @param functionId the called function's FUNC type
     * @param called     what was found about that function
     * @param index      of the argument that the context is passed for, from 0
     * @param target     what the program is to a kernel
     */
    public String contextPassed(int functionId, FunctionCheck called, int index, Target target) {
        Argument.Kind kind = called.arguments().get(index).kind();
        ContextType seen = target.type.programContext();
        boolean rewritten = seen.kind() == ContextType.Kind.STRUCT
                && target.type.kernelContext().kind() == ContextType.Kind.STRUCT
                && !seen.equals(target.type.kernelContext());
        if (kind != Argument.Kind.SCALAR && !(kind == Argument.Kind.MEMORY && rewritten)) {
            return "";
        }
        return "passes its context to " + called.function() + "(), whose arg#" + index + " is `"
                + new CTypes(btf).name(parameters(functionId).get(index).type()) + "`\n";
    }

    private ArgumentRules rules(Target target, StringBuilder log) {
        return new ArgumentRules(btf, tags, types, target.contextOf(), target.attachType, log);
    }

    private FunctionCheck withoutType(int functionId) {
        String log = functionId == 0 ? "Global functions need valid BTF\n"
                : "type " + functionId + " is a " + btf.kind(functionId) + ", not a function\n";
        return new FunctionCheck("", Verdict.REJECT, Optional.of(Errno.EFAULT), List.of(), log);
    }

    /**
     * The kernel of 2019 refused no function for its types: one that it could not rely on was marked. A
     * program that does not take its context is refused here; a function that is called is marked, unless it
     * takes no pointer, for then there is nothing to look up.
     */
    private FunctionCheck seed(int functionId, Target target, boolean called) {
        StringBuilder log = new StringBuilder();
        ContextRules rules = new ContextRules(btf, types);
        List<Argument> arguments = new ArrayList<>();
        boolean context = false;
        boolean pointers = false;
        for (BtfType.Parameter parameter : parameters(functionId)) {
            int type = btf.strip(parameter.type());
            boolean pointer = btf.kind(type) == BtfKind.PTR;
            boolean match = pointer && rules.seed(log, type, target.contextOf());
            context |= match && (called || arguments.isEmpty());
            pointers |= pointer;
            Argument.Kind kind = match ? Argument.Kind.CONTEXT
                    : btf.kind(type) == BtfKind.INT ? Argument.Kind.SCALAR : Argument.Kind.UNKNOWN;
            arguments.add(Argument.of(parameter.name(), kind));
        }
        boolean pass = context || (called && !pointers);
        Verdict verdict = pass ? Verdict.PASS : called ? Verdict.UNRELIABLE : Verdict.REJECT;
        return new FunctionCheck(btf.name(functionId), verdict,
                verdict == Verdict.REJECT ? Optional.of(Errno.EINVAL) : Optional.empty(), arguments,
                called && pass ? "" : log.toString());
    }

    /** The kernel does not rely on the program's type: STRICT takes it if it is what is customary. */
    private FunctionCheck strict(int functionId, Target target, String source, StringBuilder log,
            List<Argument> arguments) {
        StrictRules rules = new StrictRules(btf, tags, types, target.contextOf(), target.attachType);
        String refusal = rules.program(functionId, arguments, log.toString());
        if (!refusal.isEmpty()) {
            return refused(functionId, refusal, source, arguments);
        }
        String name = parameters(functionId).getFirst().name();
        return new FunctionCheck(btf.name(functionId), Verdict.PASS, Optional.empty(),
                List.of(Argument.of(name, Argument.Kind.CONTEXT)), "");
    }

    /** What STRICT says of a function that stands beside the program's own; empty if nothing. */
    private String strictPart(int functionId, Target target) {
        return mode != CheckMode.STRICT ? ""
                : new StrictRules(btf, tags, types, target.contextOf(), target.attachType).part(functionId);
    }

    private FunctionCheck refused(int functionId, String text, String source, List<Argument> arguments) {
        String log = source.isEmpty() ? text : text + "; " + source + "\n";
        return new FunctionCheck(btf.name(functionId), Verdict.REJECT, Optional.of(Errno.EINVAL), arguments,
                log);
    }

    private List<BtfType.Parameter> parameters(int functionId) {
        return btf.type(btf.referred(functionId)) instanceof BtfType.Prototype prototype
                ? prototype.parameters() : List.of();
    }
}
