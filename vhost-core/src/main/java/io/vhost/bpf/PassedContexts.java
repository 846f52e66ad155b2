package io.vhost.bpf;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.Errno;
import io.vhost.bpf.context.Argument;
import io.vhost.bpf.context.ContextCheck;
import io.vhost.bpf.context.FunctionCheck;
import io.vhost.bpf.context.FunctionCheck.Verdict;
import io.vhost.bpf.context.ProgramType;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Judges the calls by which one program passes its context on to functions that take something else. A
 * function's types alone do not tell: that of another program type is plain memory to the kernel, until
 * somebody passes the context for it. One object judges one program. Thread: one.
 */
final class PassedContexts {
    private static final int FIRST_ARGUMENT = 0b10;

    private final Btf btf;
    private final IdentityHashMap<BpfFunction, FunctionCode> codes;
    private final ContextCheck check;
    private final ContextCheck.Target target;
    private final List<BpfFunction> functions;
    private final List<FunctionCheck> outcomes;
    private final IdentityHashMap<BpfFunction, Integer> places = new IdentityHashMap<>();
    private final Set<Given> seen = new HashSet<>();
    private final Deque<Given> pending = new ArrayDeque<>();

    /** A function by its place in the list, and the registers that hold the context when it is called. */
    private record Given(int place, int contexts) {
    }

    /**
     * Prepares it.
     *
     * @param outcomes what was found about the program's functions, its own first
     */
    PassedContexts(Btf btf, IdentityHashMap<BpfFunction, FunctionCode> codes, ContextCheck check,
            ContextCheck.Target target, BpfProgram program, List<FunctionCheck> outcomes) {
        this.btf = btf;
        this.codes = codes;
        this.check = check;
        this.target = target;
        functions = new ArrayList<>(List.of(program.function()));
        functions.addAll(program.called());
        this.outcomes = new ArrayList<>(outcomes);
        for (int i = 0; i < functions.size(); i++) {
            places.putIfAbsent(functions.get(i), i);
        }
    }

    /** The outcomes with those calls in mind. */
    List<FunctionCheck> judge() {
        if (target.type() != ProgramType.EXT) {   // what that is given is told by what it replaces
            give(0, FIRST_ARGUMENT);
        }
        while (!pending.isEmpty()) {
            Given caller = pending.pop();
            FunctionCode code = codes.get(functions.get(caller.place));
            List<FunctionCode.Call> calls = code.calls(caller.contexts);
            refuse(caller.place, calls);
            for (FunctionCode.Call call : calls) {
                int place = places.get(call.function());
                give(place, isGlobal(place) ? contexts(outcomes.get(place)) : call.contexts());
            }
            code.taken().forEach(function -> give(places.get(function), 0));
        }
        return outcomes;
    }

    /** The kernel looks into a static function anew for each way to it, and into a global one once. */
    private void give(int place, int contexts) {
        Given given = new Given(place, contexts);
        if (seen.add(given)) {
            pending.push(given);
        }
    }

    private boolean isGlobal(int place) {
        return btf.type(functions.get(place).typeId()) instanceof BtfType.Function function
                && function.linkage() == BtfType.Function.GLOBAL;
    }

    private static int contexts(FunctionCheck outcome) {
        return IntStream.range(0, outcome.arguments().size())
                .filter(i -> outcome.arguments().get(i).kind() == Argument.Kind.CONTEXT)
                .map(i -> FIRST_ARGUMENT << i).reduce(0, (one, other) -> one | other);
    }

    /** Refuses a function for the first call that passes the context on wrongly: the kernel stops there. */
    private void refuse(int caller, List<FunctionCode.Call> calls) {
        FunctionCheck outcome = outcomes.get(caller);
        for (FunctionCode.Call call : calls) {
            String refusal = outcome.verdict() == Verdict.REJECT ? "" : refusal(call);
            if (!refusal.isEmpty()) {
                String source = functions.get(caller).source(btf, call.instruction());
                String log = outcome.log() + refusal + (source.isEmpty() ? "" : "; " + source + "\n");
                outcomes.set(caller, new FunctionCheck(outcome.function(), Verdict.REJECT,
                        Optional.of(Errno.EINVAL), outcome.arguments(), log));
                return;
            }
        }
    }

    /** Empty if there is none, or if the called function is refused for its own types. */
    private String refusal(FunctionCode.Call call) {
        int place = places.get(call.function());
        FunctionCheck called = outcomes.get(place);
        if (!isGlobal(place) || called.verdict() == Verdict.REJECT) {
            return "";
        }
        return IntStream.range(0, called.arguments().size())
                .filter(i -> (call.contexts() & FIRST_ARGUMENT << i) != 0)
                .mapToObj(i -> check.contextPassed(call.function().typeId(), called, i, target))
                .filter(refusal -> !refusal.isEmpty()).findFirst().orElse("");
    }
}
