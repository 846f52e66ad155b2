package io.vhost.bpf;

import io.vhost.bpf.insn.Insn;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * A function's instructions, and which of its calls pass on the context that it was given, as far as
 * registers alone tell: one that was on the stack in between is not followed.
 *
 * <p>Sets of registers are words with a bit for each. Thread: immutable; any thread.
 */
final class FunctionCode {
    /** The registers that calls pass. */
    static final int ARGUMENTS = 0b111110;

    private static final int INSTRUCTION = 8;
    private static final int UNREACHED = -1;
    private static final int RESULT_AND_ARGUMENTS = 0b111111;

    private static final int LOAD_WIDE = 0x18;
    private static final int MOVE = 0xbf;
    private static final int CALL = 0x80;
    private static final int EXIT = 0x90;

    private final ByteBuffer code;
    private final int count;
    private final Map<Integer, BpfFunction> called;
    private final Map<Integer, BpfFunction> taken;

    /** A call of a function of the object, and the registers that hold the context there on every way. */
    record Call(int instruction, BpfFunction function, int contexts) {
    }

    /**
     * Takes a function's instructions.
     *
     * @param code   from the first one to the last
     * @param called the functions of the object that it calls, by the number of the instruction
     * @param taken  those whose address it loads, likewise
     */
    FunctionCode(ByteBuffer code, Map<Integer, BpfFunction> called, Map<Integer, BpfFunction> taken) {
        this.code = code;
        this.count = code.limit() / INSTRUCTION;
        this.called = Map.copyOf(called);
        this.taken = Map.copyOf(taken);
    }

    /** The functions whose address it loads: others call them, with arguments of their own. */
    Collection<BpfFunction> taken() {
        return taken.values();
    }

    /** Number of instructions. */
    int length() {
        return count;
    }

    /** An instruction as {@link Insn} has it, whatever the byte order of the object. */
    long insn(int at) {
        int registers = code.get(INSTRUCTION * at + 1) & 0xFF;
        boolean little = code.order() == ByteOrder.LITTLE_ENDIAN;
        return Insn.of(opcode(at), little ? registers & 0xF : registers >>> 4,
                little ? registers >>> 4 : registers & 0xF, offset(at), code.getInt(INSTRUCTION * at + 4));
    }

    /** The function of the object that an instruction calls, or whose address it loads; or null. */
    BpfFunction function(int at) {
        BpfFunction function = called.get(at);
        return function == null ? taken.get(at) : function;
    }

    /**
     * Its calls that can be reached.
     *
     * @param contexts the registers that hold the context at its beginning
     */
    List<Call> calls(int contexts) {
        List<Call> calls = new ArrayList<>();
        if (called.isEmpty()) {
            return calls;
        }
        int[] states = new Walk().states(contexts);
        called.forEach((instruction, function) -> {
            if (states[instruction] != UNREACHED) {
                calls.add(new Call(instruction, function, states[instruction] & ARGUMENTS));
            }
        });
        calls.sort((one, other) -> Integer.compare(one.instruction, other.instruction));
        return calls;
    }

    /** Which registers hold the context before an instruction after one more has been executed. */
    private int after(int at, int state) {
        int registers = code.get(INSTRUCTION * at + 1) & 0xFF;
        boolean little = code.order() == ByteOrder.LITTLE_ENDIAN;
        int target = 1 << (little ? registers & 0xF : registers >>> 4);
        int source = 1 << (little ? registers >>> 4 : registers & 0xF);
        int opcode = opcode(at);
        return switch (Kind.of(opcode)) {
            case LOAD -> opcode == LOAD_WIDE ? state & ~target : state & ~RESULT_AND_ARGUMENTS;
            case LOAD_INDIRECT, ARITHMETIC_32 -> state & ~target;
            case STORE -> state;
            // Some atomic operations write what was there into one of these.
            case STORE_REGISTER -> isAtomic(opcode) ? state & ~(target | source | 1) : state;
            case ARITHMETIC -> opcode == MOVE && offset(at) == 0 && (state & source) != 0
                    ? state | target : state & ~target;
            case JUMP, JUMP_32 -> (opcode & 0xF0) == CALL ? state & ~RESULT_AND_ARGUMENTS : state;
        };
    }

    private static boolean isAtomic(int opcode) {
        return (opcode & 0xE0) == 0xC0;
    }

    private int opcode(int at) {
        return code.get(INSTRUCTION * at) & 0xFF;
    }

    private int offset(int at) {
        return code.getShort(INSTRUCTION * at + 2);
    }

    /** The classes of instructions, by their numbers. */
    private enum Kind {
        LOAD, LOAD_INDIRECT, STORE, STORE_REGISTER, ARITHMETIC_32, JUMP, JUMP_32, ARITHMETIC;

        private static final Kind[] ALL = values();

        static Kind of(int opcode) {
            return ALL[opcode & 7];
        }
    }

    /** One walk over all ways through the function. */
    private final class Walk {
        private final int[] states = new int[count];
        private final int[] pending = new int[count];
        private final BitSet isPending = new BitSet(count);
        private int depth;

        /** The registers that hold the context before each instruction, whichever way led there. */
        int[] states(int contexts) {
            Arrays.fill(states, UNREACHED);
            flow(0, contexts);
            while (depth > 0) {
                int at = pending[--depth];
                isPending.clear(at);
                step(at);
            }
            return states;
        }

        private void step(int at) {
            int opcode = opcode(at);
            int after = after(at, states[at]);
            Kind kind = Kind.of(opcode);
            boolean jump = kind == Kind.JUMP || kind == Kind.JUMP_32;
            int operation = opcode & 0xF0;
            if (jump && operation == EXIT) {
                return;
            }
            boolean always = jump && operation == 0;
            if (jump && operation != CALL) {
                // The long form of the unconditional jump has its distance where others have a number.
                boolean far = always && kind == Kind.JUMP_32;
                flow(at + 1L + (far ? code.getInt(INSTRUCTION * at + 4) : offset(at)), after);
            }
            if (!always) {
                flow(at + (opcode == LOAD_WIDE ? 2L : 1L), after);
            }
        }

        /** What is true on one way only is not true. A state only ever loses registers, so this ends. */
        private void flow(long to, int contexts) {
            if (to < 0 || to >= count) {
                return;
            }
            int at = (int) to;
            int merged = states[at] & contexts;
            if (merged != states[at]) {
                states[at] = merged;
                if (!isPending.get(at)) {
                    isPending.set(at);
                    pending[depth++] = at;
                }
            }
        }
    }
}
