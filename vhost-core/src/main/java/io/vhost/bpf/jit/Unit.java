package io.vhost.bpf.jit;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.run.Image;
import java.lang.constant.ClassDesc;

/**
 * What becomes one class.
 *
 * @param self     the class
 * @param data     what it refers to
 * @param calls    the calls that leave it
 * @param budgeted whether jumps back are charged
 * @param grouped  whether accesses that come together are checked together
 */
record Unit(Image image, AccessRegions regions, ClassDesc self, ClassData data, Calls calls,
            boolean budgeted, boolean grouped) {
    /** Its instructions. */
    Code code() {
        return image.code();
    }

    /** Whether the beginning of a function is charged. */
    boolean isCharged(int function) {
        return budgeted || isCalledBack(function);
    }

    /** How often a helper calls back is not for the program to say: it is charged whatever was proved. */
    private boolean isCalledBack(int function) {
        for (int at = 0; at < code().length(); at += width(at)) {
            long insn = code().insn(at);
            boolean address = Insn.opcode(insn) == Insn.LDDW && Insn.src(insn) == Insn.LDDW_FUNCTION;
            if (address && code().target(at) == function) {
                return true;
            }
        }
        return false;
    }

    /** How many places an instruction takes. */
    int width(int at) {
        return Insn.opcode(code().insn(at)) == Insn.LDDW ? 2 : 1;
    }
}
