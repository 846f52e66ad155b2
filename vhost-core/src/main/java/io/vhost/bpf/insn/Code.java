package io.vhost.bpf.insn;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/**
 * A program with all functions that it calls, one behind the other, its own first: well formed, so that no
 * jump leaves its function and no register or operation is unknown (RFC 9669; as Linux 6.18 checks before it
 * follows any path).
 *
 * <p>Thread: immutable; any thread.
 */
public final class Code {
    /** Most instructions of a program. */
    public static final int MAX_INSTRUCTIONS = CodeCheck.MAX_INSTRUCTIONS;
    /** Most functions of a program, as the kernel's {@code BPF_MAX_SUBPROGS}. */
    public static final int MAX_FUNCTIONS = CodeCheck.MAX_FUNCTIONS;

    private final String name;
    private final long[] insns;
    private final int[] starts;
    private final List<String> functions;
    private final IntFunction<String> sources;

    private Code(String name, long[] insns, int[] starts, List<String> functions,
            IntFunction<String> sources) {
        this.name = name;
        this.insns = insns;
        this.starts = starts;
        this.functions = functions;
        this.sources = sources;
    }

    /** Checks a program that is known by its instructions alone. */
    public static Code of(String name, long... insns) throws ProgramException {
        return of(name, insns, List.of(name), ignored -> "");
    }

    /**
     * Checks a program.
     *
     * @param insns     instructions; not to be changed any more
     * @param functions names of its functions, in order; those that are missing get a number
     * @param sources   source line by instruction, or the empty string
     * @throws ProgramException if it is not well formed
     */
    public static Code of(String name, long[] insns, List<String> functions, IntFunction<String> sources)
            throws ProgramException {
        int[] starts = new CodeCheck(insns, sources).check();
        return new Code(name, insns, starts, List.copyOf(functions), sources);
    }

    /** Its name. */
    public String name() {
        return name;
    }

    /** Number of instructions; LDDW counts as two. */
    public int length() {
        return insns.length;
    }

    /** An instruction. */
    public long insn(int at) {
        return insns[at];
    }

    /** All instructions, as a copy. */
    public long[] insns() {
        return insns.clone();
    }

    /** Number of functions. */
    public int functions() {
        return starts.length;
    }

    /** A function's first instruction. */
    public int start(int function) {
        return starts[function];
    }

    /** The instruction behind a function's last. */
    public int end(int function) {
        return function + 1 < starts.length ? starts[function + 1] : insns.length;
    }

    /** The function that an instruction belongs to. */
    public int functionOf(int at) {
        int found = Arrays.binarySearch(starts, at);
        return found >= 0 ? found : -found - 2;
    }

    /** The function that a local call or the load of a function's address means. */
    public int target(int at) {
        return functionOf(at + 1 + Insn.imm(insns[at]));
    }

    /** A function's name. */
    public String function(int index) {
        return index < functions.size() ? functions.get(index) : "func#" + index;
    }

    /** An instruction's source line, or the empty string. */
    public String source(int at) {
        return sources.apply(at);
    }

    /** An error about an instruction. */
    public ProgramException fault(int at, String text) {
        return new ProgramException(at, source(at), text);
    }
}
