package io.vhost.bpf.run;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapSpec;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.IntFunction;

/**
 * A program with everything that it refers to. Whether it is a good one is for a verifier to say; that it
 * does no harm does not depend on that.
 *
 * <p>Thread: immutable; any thread.
 */
public final class Image {
    private final Code code;
    private final ContextLayout context;
    private final BpfTable[] maps;
    private final MemorySegment[] values;
    private final Helper[] helpers;

    /**
     * Puts it together.
     *
     * @param maps    its maps, in the order of their numbers in the code
     * @param helpers a helper by its number, or null if there is none
     * @throws ProgramException if it refers to a map or helper that does not exist
     */
    public Image(Code code, ContextLayout context, List<BpfTable> maps, IntFunction<Helper> helpers)
            throws ProgramException {
        this.code = code;
        this.context = context;
        this.maps = maps.toArray(BpfTable[]::new);
        this.values = maps.stream().map(Image::reachable).toArray(MemorySegment[]::new);
        this.helpers = new Helper[code.length()];
        for (int at = 0; at < code.length(); at++) {
            long insn = code.insn(at);
            if (Insn.opcode(insn) == Insn.LDDW) {
                checkMap(at, insn);
                at++;
            } else if (Insn.opcode(insn) == Insn.CALL_INSN && Insn.src(insn) == Insn.CALL_HELPER) {
                this.helpers[at] = helpers.apply(Insn.imm(insn));
                if (this.helpers[at] == null) {
                    throw code.fault(at, "invalid func unknown#" + Insn.imm(insn)
                            + ": no such helper here, add it or leave the call out");
                }
            }
        }
    }

    private static MemorySegment reachable(BpfTable map) {
        return (map.spec().flags() & MapSpec.RDONLY_PROG) == 0 ? map.values()
                : map.values().asReadOnly();
    }

    private void checkMap(int at, long insn) throws ProgramException {
        boolean isMap = Insn.src(insn) == Insn.LDDW_MAP || Insn.src(insn) == Insn.LDDW_MAP_VALUE;
        if (isMap && (Insn.imm(insn) < 0 || Insn.imm(insn) >= maps.length)) {
            throw code.fault(at, "map " + Insn.imm(insn) + " of a program with " + maps.length + " maps");
        }
    }

    /** Its instructions. */
    public Code code() {
        return code;
    }

    /** What its context looks like. */
    public ContextLayout context() {
        return context;
    }

    /** Number of its maps. */
    public int maps() {
        return maps.length;
    }

    /** A map by its number. */
    public BpfTable map(int number) {
        return maps[number];
    }

    /** The helper that the instruction calls, or null if it calls none. */
    public Helper helper(int at) {
        return helpers[at];
    }

    /** What it can reach of a map. */
    public MemorySegment reachable(int number) {
        return values[number];
    }

    /** Its maps. */
    BpfTable[] tables() {
        return maps;
    }

    /** What it can reach of each map. */
    MemorySegment[] values() {
        return values;
    }
}
