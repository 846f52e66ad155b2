package io.vhost.bpf.verify;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.rules.Site;
import java.util.Arrays;

/**
 * How many functions call each other, and how much stack they use together, as Linux counts both: all calls
 * that are written, whether they are reached or not. One object, one program.
 */
final class CallChains {
    /** Most functions that call each other: the kernel's MAX_CALL_FRAMES. */
    static final int MAX_FRAMES = 8;

    private static final int MAX_STACK = 512;
    /** Bytes of the stack that callers of a function with tail calls may use: less than these. */
    private static final int MAX_BEFORE_TAIL_CALLS = 256;
    /** What Linux rounds the stack of a function up to where it compiles programs. */
    private static final int UNIT = 16;
    private static final int TAIL_CALL = 12;

    private final Code code;
    private final Site site;

    CallChains(Code code, Site site) {
        this.code = code;
        this.site = site;
    }

    /** Goes through all functions as often as frames can be nested, from callers to what they call. */
    void check() {
        int[] before = new int[code.functions()];
        Arrays.fill(before, -1);
        before[0] = 0;
        for (int frames = 1; frames <= MAX_FRAMES; frames++) {
            int[] next = new int[before.length];
            Arrays.fill(next, -1);
            boolean calls = false;
            for (int function = 0; function < before.length; function++) {
                if (before[function] >= 0) {
                    calls |= follow(function, frames, before[function], next);
                }
            }
            if (!calls) {
                return;
            }
            before = next;
        }
        throw Site.refuse("nest at most " + MAX_FRAMES + " functions, and let none call itself",
                "the call stack of " + MAX_FRAMES + " frames is too deep !");
    }

    /** Whether the function calls others; {@code next} takes what is used when they begin. */
    private boolean follow(int function, int frames, int before, int[] next) {
        int used = before + (site.stackDepth(function) + UNIT - 1) / UNIT * UNIT;
        if (used > MAX_STACK) {
            site.at(code.start(function));
            throw Site.refuse("let the functions that call each other use at most " + MAX_STACK
                    + " bytes of stack together", "combined stack size of " + frames + " calls is " + used
                    + ". Too large");
        }
        boolean calls = false;
        for (int at = code.start(function); at < code.end(function); at++) {
            long insn = code.insn(at);
            boolean wide = Insn.opcode(insn) == Insn.LDDW;
            boolean call = Insn.opcode(insn) == Insn.CALL_INSN;
            if (call && Insn.src(insn) == Insn.CALL_HELPER && Insn.imm(insn) == TAIL_CALL && function > 0
                    && before >= MAX_BEFORE_TAIL_CALLS) {
                site.at(at);
                throw Site.refuse("let the callers of a function with tail calls use less than "
                        + MAX_BEFORE_TAIL_CALLS + " bytes of stack", "tail_calls are not allowed when call"
                        + " stack of previous frames is " + before + " bytes. Too large");
            }
            if ((call && Insn.src(insn) == Insn.CALL_LOCAL)
                    || (wide && Insn.src(insn) == Insn.LDDW_FUNCTION)) {
                int callee = code.target(at);
                next[callee] = Math.max(next[callee], used);
                calls = true;
            }
            at += wide ? 1 : 0;
        }
        return calls;
    }
}
