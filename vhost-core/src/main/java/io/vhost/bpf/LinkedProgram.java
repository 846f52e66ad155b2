package io.vhost.bpf;

import io.vhost.bpf.btf.Btf;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * A program with all functions that it calls, one behind the other, its own first, and with its references
 * resolved: calls by distance, maps by their place in the object's list.
 *
 * <p>Instructions are those of RFC 9669, their eight bytes read in little-endian order whatever the object's
 * byte order is: opcode in the lowest byte, then destination and source register in four bits each, offset in
 * 16, immediate in 32. The source field of a 16-byte load tells what its immediates are (RFC 9669, 5.4): 1 a
 * map, 2 a map and an offset in its value, 4 a distance to a function.
 *
 * <p>Thread: immutable; any thread.
 */
public final class LinkedProgram {
    /**
     * The number of a helper that does not exist, which is called where a question about other types has no
     * answer; as libbpf has it, so that kernels know it.
     */
    public static final int UNRESOLVED = 0xbad2310;

    private final long[] instructions;
    private final List<BpfFunction> functions;
    private final int[] starts;
    private final Btf btf;
    private final Map<Integer, String> unresolved;

    LinkedProgram(long[] instructions, List<BpfFunction> functions, int[] starts, Btf btf,
            Map<Integer, String> unresolved) {
        this.instructions = instructions;
        this.functions = functions;
        this.starts = starts;
        this.btf = btf;
        this.unresolved = Collections.unmodifiableMap(unresolved);
    }

    /** The instructions, as a copy. */
    public long[] instructions() {
        return instructions.clone();
    }

    /** The functions, in the order of their instructions. */
    public List<BpfFunction> functions() {
        return functions;
    }

    /**
     * The instructions that ask for what the named types do not have (CO-RE), and what that is: calls of
     * {@link #UNRESOLVED} are in their place. A program that never reaches them is well.
     */
    public Map<Integer, String> unresolved() {
        return unresolved;
    }

    /** Where an instruction stands in its source; the empty string if that is not known. */
    public String source(int instruction) {
        int function = starts.length - 1;
        while (function > 0 && starts[function] > instruction) {
            function--;
        }
        return functions.get(function).source(btf, instruction - starts[function]);
    }
}
