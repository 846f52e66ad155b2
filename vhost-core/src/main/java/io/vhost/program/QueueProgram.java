package io.vhost.program;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Program;
import io.vhost.device.PacketBurst;
import io.vhost.device.PacketProgram;
import io.vhost.device.ProgramChain;
import java.util.Optional;
import java.util.Set;

/**
 * A program of a {@link ProgramObject}, to be attached to a {@link ProgramChain}. The package description says
 * what it sees, and what becomes of packets.
 *
 * <p>Threads: any. A thread that finds all others of the object's {@link ProgramOptions#threads} at work waits
 * for one: give it as many as run programs.
 */
public final class QueueProgram implements PacketProgram {
    private static final int CALL_REDIRECT = 23;
    private static final int CALL_REDIRECT_MAP = 51;
    private static final int CALL_ADJUST_META = 54;
    private static final int CALL_TAIL = 12;

    // BPF_LDX | BPF_MEM | BPF_W
    private static final int LOAD_WORD = 0x61;
    private static final int FRAME_POINTER = 10;
    /** Helpers that leave packets alone: of maps, clocks, redirects, and those that load. */
    private static final Set<Integer> READING = Set.of(1, 2, 3, 5, 6, 7, 8, 23, 26, 28, 51, 125, 188, 189);

    private final String name;
    private final Program program;
    private final Runners runners;
    private final Optional<String> whyInterpreted;
    private final Aborts aborts;
    private final boolean usesMetadata;
    private final boolean redirects;
    private final boolean writes;

    QueueProgram(String name, Program program, Runners runners, Optional<String> whyInterpreted) {
        this.name = name;
        this.program = program;
        this.runners = runners;
        this.whyInterpreted = whyInterpreted;
        this.aborts = new Aborts(name, program);
        boolean xdp = !isClassifier();
        this.usesMetadata = xdp && (calls(CALL_ADJUST_META) || calls(CALL_TAIL) || loadsMetadata());
        this.writes = mayWrite();
        this.redirects = calls(CALL_REDIRECT) || calls(CALL_REDIRECT_MAP);
    }

    /** {@return its name in the object} */
    public String name() {
        return name;
    }

    /** {@return whether it is a program of tc, not of XDP} */
    public boolean isClassifier() {
        return program.image().context().equals(ContextLayout.SKB);
    }

    /** {@return why it is interpreted; empty: it is compiled} */
    public Optional<String> whyInterpreted() {
        return whyInterpreted;
    }

    /** {@return packets on which it was ended before its own end} */
    public long aborted() {
        return aborts.count();
    }

    /** {@return why and where it was ended last; empty if it never was} */
    public Optional<String> lastAbort() {
        return aborts.last();
    }

    private boolean calls(int helper) {
        Code code = program.image().code();
        for (int at = 0; at < code.length(); at++) {
            long insn = code.insn(at);
            if (Insn.opcode(insn) == Insn.LDDW) {
                at++;
            } else if (Insn.opcode(insn) == Insn.CALL_INSN && Insn.src(insn) == Insn.CALL_HELPER
                    && Insn.imm(insn) == helper) {
                return true;
            }
        }
        return false;
    }

    /** Whether something loads four bytes at the offset of {@code data_meta}, from the context or elsewhere. */
    private boolean loadsMetadata() {
        Code code = program.image().code();
        for (int at = 0; at < code.length(); at++) {
            long insn = code.insn(at);
            if (Insn.opcode(insn) == Insn.LDDW) {
                at++;
            } else if ((Insn.opcode(insn) & 0xFF) == LOAD_WORD && Insn.off(insn) == ContextLayout.XDP.meta()) {
                return true;
            }
        }
        return false;
    }

    /** Whether something is stored other than in the frame, or by a helper that may change the packet. */
    private boolean mayWrite() {
        Code code = program.image().code();
        for (int at = 0; at < code.length(); at++) {
            long insn = code.insn(at);
            int opcode = Insn.opcode(insn);
            if (opcode == Insn.LDDW) {
                at++;
            }
            boolean stores = isStore(opcode) && Insn.dst(insn) != FRAME_POINTER;
            boolean helped = opcode == Insn.CALL_INSN && Insn.src(insn) == Insn.CALL_HELPER
                    && !READING.contains(Insn.imm(insn));
            if (stores || helped) {
                return true;
            }
        }
        return false;
    }

    private static boolean isStore(int opcode) {
        return (opcode & 7) == Insn.ST || (opcode & 7) == Insn.STX;
    }

    Program program() {
        return program;
    }

    /** Whether it may change packets. */
    boolean writes() {
        return writes;
    }

    boolean usesMetadata() {
        return usesMetadata;
    }

    Aborts aborts() {
        return aborts;
    }

    @Override
    public void run(PacketBurst burst) {
        Runner runner = runners.claim();
        try {
            runner.run(this, burst);
        } finally {
            runners.release(runner);
        }
    }

    @Override
    public void checkPlace(ProgramChain chain) {
        if (chain.isToGuest() && redirects) {
            throw new IllegalArgumentException("program " + name + " redirects packets, and at " + chain.name()
                    + " they go to the guest already: attach it to those that come from one");
        }
        new AttachEvent().attached(this, chain);
    }

    @Override
    public String toString() {
        return name + (isClassifier() ? " (tc)" : " (XDP)");
    }
}
