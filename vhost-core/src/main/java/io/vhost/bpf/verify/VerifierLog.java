package io.vhost.bpf.verify;

import io.vhost.bpf.helper.HelperPrototype;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Disassembler;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.state.RegKind;
import io.vhost.bpf.state.State;
import java.util.function.IntFunction;

/**
 * The log, as the kernel writes it: at level 1 the way that led to an error, at level 2 all ways, each
 * instruction with all that is known; at level 0 nothing. A log that grows too long loses its beginning.
 */
final class VerifierLog {
    private static final int MAX_LENGTH = 1 << 20;
    private static final int COLUMN = 40;

    private final int level;
    private final IntFunction<HelperPrototype> helpers;
    private final StringBuilder text = new StringBuilder();
    private String source = "";
    private long insn;
    private int line;

    VerifierLog(int level, IntFunction<HelperPrototype> helpers) {
        this.level = level;
        this.helpers = helpers;
    }

    void way(int from, int to, State state) {
        if (level == 0) {
            return;
        }
        source = "";
        text.append(from < 0 ? "" + to : "\nfrom " + from + " to " + to).append(':').append(state)
                .append('\n');
    }

    /** At level 1, what ended well is of no interest. */
    void wayEnds() {
        if (level == 1) {
            text.setLength(0);
        }
    }

    void safe(int at) {
        if (level > 0) {
            text.append(at).append(": safe\n");
        }
    }

    void before(Code code, int at, State state) {
        if (level == 0) {
            return;
        }
        if (text.length() > MAX_LENGTH) {
            text.delete(0, MAX_LENGTH / 2);
        }
        String here = code.source(at);
        if (!here.equals(source) && !here.isEmpty()) {
            text.append("; ").append(here).append('\n');
        }
        source = here;
        insn = code.insn(at);
        if (level > 1) {
            text.append(at).append(':').append(state).append('\n');
        }
        line = text.length();
        long second = Insn.opcode(insn) == Insn.LDDW ? code.insn(at + 1) : 0;
        text.append(at).append(": ").append(Disassembler.text(insn, second, this::name));
    }

    private String name(int helper) {
        HelperPrototype prototype = helpers.apply(helper);
        return prototype == null ? "unknown" : prototype.name();
    }

    void after(State state) {
        if (level == 0) {
            return;
        }
        boolean jumps = Insn.isGoto(insn) || Insn.opcode(insn) == Insn.EXIT_INSN;
        if (!jumps) {
            text.repeat(' ', Math.max(1, COLUMN - (text.length() - line))).append(';');
            boolean call = Insn.opcode(insn) == Insn.CALL_INSN;
            int dst = call ? 0 : Insn.dst(insn);
            register(state, dst);
            boolean second = !call && (Insn.isX(insn) || Insn.kind(insn) == Insn.LDX
                    || Insn.kind(insn) == Insn.STX) && Insn.src(insn) != dst;
            if (second && Insn.kind(insn) != Insn.LD) {
                register(state, Insn.src(insn));
            }
        }
        text.append('\n');
    }

    private void register(State state, int number) {
        if (state.reg(number).kind() != RegKind.NOT_INIT) {
            text.append(" R").append(number).append('=').append(state.reg(number));
        }
    }

    /** What is wrong, behind the instruction at which it is. */
    void error(String error) {
        if (level > 0) {
            text.append(text.isEmpty() || text.charAt(text.length() - 1) == '\n' ? "" : "\n").append(error)
                    .append('\n');
        }
    }

    /** The last line. */
    void total(int processed, int limit, int states) {
        if (level > 0) {
            text.append("processed ").append(processed).append(" insns (limit ")
                    .append(limit).append(") total_states ").append(states).append('\n');
        }
    }

    String text() {
        return text.toString();
    }
}
