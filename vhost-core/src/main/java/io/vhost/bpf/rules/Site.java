package io.vhost.bpf.rules;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.state.Reg;
import io.vhost.bpf.state.RegKind;
import io.vhost.bpf.state.State;

/** The instruction that is followed just now, in the state before it. One object, one verification. */
public final class Site {
    final Subject subject;
    State state;
    int at;
    private final int[] stackDepths;
    private int ids;

    /** Before the first instruction. */
    public Site(Subject subject) {
        this.subject = subject;
        this.stackDepths = new int[subject.code().functions()];
    }

    /** Bytes of the stack that a function has used, a multiple of 8. */
    public int stackDepth(int function) {
        return stackDepths[function];
    }

    /** A frame of the stack is used from this offset on. */
    void usesStack(int frame, long from) {
        int function = state.frame(frame).function();
        stackDepths[function] = Math.max(stackDepths[function], (int) -from + 7 & ~7);
    }

    /** The program. */
    public Subject subject() {
        return subject;
    }

    /** What is known, to be changed. */
    public State state() {
        return state;
    }

    /** Goes on with another state. */
    public void state(State other) {
        state = other;
    }

    /** Which instruction it is. */
    public int at() {
        return at;
    }

    /** Goes to an instruction. */
    public void at(int instruction) {
        at = instruction;
    }

    /** The instruction. */
    long insn() {
        return subject.code().insn(at);
    }

    /** An id that no register has. */
    int newId() {
        return ++ids;
    }

    /** A register that must hold something. */
    public Reg read(int number) {
        Reg reg = state.reg(number);
        if (reg.kind() == RegKind.NOT_INIT) {
            throw refuse(number == 0 && Insn.opcode(insn()) == Insn.EXIT_INSN
                    ? "return a value on every way to this point"
                    : number >= 1 && number <= 5 ? "set r" + number + " before this instruction: calls leave"
                    + " nothing in r1 to r5" : "set r" + number + " before this instruction",
                    "R" + number + " !read_ok");
        }
        return reg;
    }

    /** A map by its number. */
    MapFacts map(int number) {
        return subject.maps().get(number);
    }

    /** The map of an address; of one that a map of maps handed out, what is known of all of them. */
    MapFacts facts(Reg address) {
        MapFacts facts = map(address.which());
        return address.range() == 0 ? facts : facts.inner();
    }

    /** The program must be changed. */
    public static Refusal refuse(String remedy, String text) {
        return new Refusal(remedy, text, false, false);
    }

    /** All that is missing is the proof that the program ends. */
    public static Refusal refuseEndless(String remedy, String text) {
        return new Refusal(remedy, text, true, false);
    }

    /** The program has a loop that changes nothing. */
    public static Refusal refuseLoop(String remedy, String text) {
        return new Refusal(remedy, text, true, true);
    }
}
