package io.vhost.bpf.verify;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.live.Needs;
import io.vhost.bpf.rules.Arithmetic;
import io.vhost.bpf.rules.Branching;
import io.vhost.bpf.rules.HelperCall;
import io.vhost.bpf.rules.Memory;
import io.vhost.bpf.rules.Site;
import io.vhost.bpf.rules.Subject;
import io.vhost.bpf.state.Frame;
import io.vhost.bpf.state.Reg;
import io.vhost.bpf.state.RegKind;
import io.vhost.bpf.state.State;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;

/** Follows all ways through a program. One object, one time through one program. */
final class Explorer {
    private static final int TAIL_CALL = 12;
    /** Most instructions, each as often as it is followed: the kernel's BPF_COMPLEXITY_LIMIT_INSNS. */
    static final int MAX_PROCESSED = 1_000_000;

    // The kernel's BPF_COMPLEXITY_LIMIT_JMP_SEQ.
    private static final int MAX_PENDING = 8192;

    private record Way(State state, int at, int from, boolean calledBack,
                       Checkpoints.Checkpoint parent) {
    }

    private final Code code;
    private final Site site;
    private final VerifierLog log;
    private final BitSet meets;
    private final Checkpoints checkpoints;
    private final Deque<Way> pending = new ArrayDeque<>();
    private int processed;
    /** Whether the last instruction has ended a callback. */
    private boolean calledBack;

    Explorer(Subject subject, Needs needs, BitSet meets, Exploration exploration, VerifierLog log) {
        this(subject, needs, meets, exploration, log, Checkpoints.MANY);
    }

    /** For tests: {@code many} states of a kind are enough to make one of them. */
    Explorer(Subject subject, Needs needs, BitSet meets, Exploration exploration, VerifierLog log,
            int many) {
        this.code = subject.code();
        this.site = new Site(subject);
        this.log = log;
        this.meets = meets;
        this.checkpoints = new Checkpoints(needs, code, exploration, many);
    }

    /** Where it is, for errors. */
    int at() {
        return site.at();
    }

    int processed() {
        return processed;
    }

    int states() {
        return checkpoints.kept();
    }

    void explore() {
        State state = new State();
        state.push(new Frame(0, -1, false, 0));
        boolean context = site.subject().context().size() > 0 || site.subject().context().data() >= 0;
        state.reg(1, context ? Reg.address(RegKind.CONTEXT, 0) : Reg.UNKNOWN);
        pending.push(new Way(state, 0, -1, false, null));
        while (!pending.isEmpty()) {
            Way way = pending.pop();
            checkpoints.resume(way.parent());
            site.state(way.state());
            log.way(way.from(), way.at(), way.state());
            calledBack = way.calledBack();
            follow(way.at());
            checkpoints.end();
            log.wayEnds();
        }
        new CallChains(code, site).check();
    }

    private void follow(int start) {
        int at = start;
        while (at >= 0) {
            site.at(at);
            if (++processed > MAX_PROCESSED) {
                throw Site.refuseEndless("make the program or its loops shorter", "BPF program is too large."
                        + " Processed " + (processed - 1) + " insn");
            }
            if (meets.get(at)) {
                State now = checkpoints.visit(at, site.state(), calledBack, processed);
                if (now == null) {
                    log.safe(at);
                    return;
                }
                site.state(now);
            }
            calledBack = false;
            log.before(code, at, site.state());
            at = step(at, code.insn(at));
            log.after(site.state());
        }
    }

    /** The next instruction, or -1 at the end of the way. */
    private int step(int at, long insn) {
        switch (Insn.kind(insn)) {
            case Insn.LD -> {
                Arithmetic.constant(site);
                return at + 2;
            }
            case Insn.LDX -> Memory.load(site);
            case Insn.ST, Insn.STX -> Memory.store(site);
            case Insn.ALU, Insn.ALU64 -> Arithmetic.run(site);
            default -> {
                return jump(at, insn);
            }
        }
        return at + 1;
    }

    private int jump(int at, long insn) {
        if (Insn.opcode(insn) == Insn.EXIT_INSN) {
            return exit();
        }
        if (Insn.opcode(insn) == Insn.CALL_INSN) {
            return Insn.src(insn) == Insn.CALL_LOCAL ? call(at) : help(at);
        }
        checkpoints.countJump();
        int target = at + 1 + Insn.distance(insn);
        if (Insn.isGoto(insn)) {
            return target;
        }
        Branching.Ways ways = Branching.run(site);
        if (ways.taken() != null && ways.through() != null) {
            push(new Way(ways.taken(), target, at, false, checkpoints.fork()));
            site.state(ways.through());
            return at + 1;
        }
        if (ways.taken() == null && ways.through() == null) {
            return -1;   // what led here cannot be
        }
        site.state(ways.taken() == null ? ways.through() : ways.taken());
        return ways.taken() == null ? at + 1 : target;
    }

    private void push(Way way) {
        pending.push(way);
        if (pending.size() > MAX_PENDING) {
            throw Site.refuseEndless("make the program or its loops shorter", "The sequence of "
                    + MAX_PENDING + " jumps is too complex.");
        }
    }

    private int call(int at) {
        Frame callee = enter(at, code.target(at), false);
        for (int i = 1; i <= 5; i++) {
            callee.reg(i, site.state().reg(i));
        }
        site.state().clearArguments();
        site.state().reg(0, Reg.NOTHING);
        site.state().push(callee);
        return code.start(callee.function());
    }

    private Frame enter(int at, int function, boolean callback) {
        int depth = site.state().depth();
        if (depth == CallChains.MAX_FRAMES) {
            throw Site.refuse("nest at most " + depth + " functions, and let none call itself",
                    "the call stack of " + (depth + 1) + " frames is too deep !");
        }
        return new Frame(function, at, callback, depth);
    }

    private int help(int at) {
        Reg function = HelperCall.run(site);
        if (function == null) {
            if (Insn.imm(site.subject().code().insn(at)) == TAIL_CALL && site.state().depth() > 1) {
                returnsFromElsewhere(at);
            }
            return at + 1;
        }
        State called = site.state().copy();
        Frame callee = enter(at, function.which(), true);
        callee.reg(1, Reg.UNKNOWN);
        callee.reg(2, called.reg(3));
        called.push(callee);
        push(new Way(called, code.start(callee.function()), at, false, checkpoints.fork()));
        HelperCall.afterCallbacks(site);
        return at + 1;
    }

    /** Another program has taken the function's place, and returned what it liked to the caller. */
    private void returnsFromElsewhere(int at) {
        State returned = site.state().copy();
        Frame frame = returned.top();
        returned.pop();
        if (!frame.isCallback()) {
            returned.clearArguments();
            returned.reg(0, Reg.UNKNOWN);
        }
        push(new Way(returned, frame.isCallback() ? frame.callSite() : frame.callSite() + 1, at,
                frame.isCallback(), checkpoints.fork()));
    }

    private int exit() {
        State state = site.state();
        Frame frame = state.top();
        if (state.depth() == 1) {
            site.read(0);
            HelperCall.checkReleased(site, "");
            return -1;
        }
        // A function that returns nothing leaves nothing in register 0.
        Reg result = frame.isCallback() ? site.read(0) : state.reg(0);
        if (result.kind() == RegKind.STACK && result.which() == state.depth() - 1) {
            throw Site.refuse("return something else than an address in this function's stack",
                    "cannot return stack pointer to the caller");
        }
        if (frame.isCallback()) {
            return leaveCallback(state, frame, result);
        }
        state.pop();
        state.clearArguments();
        state.reg(0, result);
        return frame.callSite() + 1;
    }

    /** The helper may call back again, or come to its end: its call is followed once more. */
    private int leaveCallback(State state, Frame frame, Reg result) {
        boolean known = result.isNumber() && result.number().smin() >= 0 && result.number().smax() <= 1;
        if (!known) {
            throw Site.refuse("return 0 or 1 from the callback", "At callback return the register R0 has "
                    + result + " should have been in [0, 1]");
        }
        state.pop();
        calledBack = true;
        return frame.callSite();
    }
}
