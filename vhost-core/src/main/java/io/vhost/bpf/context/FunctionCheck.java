package io.vhost.bpf.context;

import io.vhost.bpf.btf.Errno;
import java.util.List;
import java.util.Optional;

/**
 * The outcome of checking one function's types.
 *
 * @param function  its name
 * @param verdict   the outcome
 * @param errno     what the kernel would answer, if the verdict is {@link Verdict#REJECT}
 * @param arguments one per parameter that was looked at
 * @param log       lines as the kernel's verifier writes them, each ended by a line feed
 */
public record FunctionCheck(String function, Verdict verdict, Optional<Errno> errno, List<Argument> arguments,
                            String log) {
    /** Whether a function's types are right. */
    public enum Verdict {
        /** They are. */
        PASS,
        /** Accepted, but its types are not relied on: it cannot be replaced, and tracers see bare numbers. */
        UNRELIABLE,
        /** They are not. */
        REJECT
    }

    /** Whether the first argument is the program's context. */
    public boolean takesContext() {
        return !arguments.isEmpty() && arguments.getFirst().kind() == Argument.Kind.CONTEXT;
    }
}
