package io.vhost.bpf;

import io.vhost.bpf.btf.Btf;
import java.util.List;

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
    private final long[] instructions;
    private final List<BpfFunction> functions;
    private final int[] starts;
    private final Btf btf;

    LinkedProgram(long[] instructions, List<BpfFunction> functions, int[] starts, Btf btf) {
        this.instructions = instructions;
        this.functions = functions;
        this.starts = starts;
        this.btf = btf;
    }

    /** The instructions, as a copy. */
    public long[] instructions() {
        return instructions.clone();
    }

    /** The functions, in the order of their instructions. */
    public List<BpfFunction> functions() {
        return functions;
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
