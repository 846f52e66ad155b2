package io.vhost.bpf.flow;

import io.vhost.bpf.insn.Insn;
import java.util.Arrays;

/**
 * What each register and each stack slot holds at one place of a function. Kinds are numbers: the low eight
 * bits say what, the others which map or which offset in the frame. Thread: one.
 */
final class Kinds {
    static final int NOTHING = 0;
    static final int NUMBER = 1;
    static final int CONTEXT = 2;
    /** An address in the context, it is not said where. */
    static final int IN_CONTEXT = 3;
    static final int PACKET = 4;
    static final int STACK = 5;
    /** With the offset from the frame pointer. */
    static final int FRAME = 6;
    static final int MAP = 7;
    static final int VALUE = 8;
    static final int ANYTHING = 9;

    private static final int SLOTS = 64;
    private static final int REGISTERS = 11;

    private final int[] kinds;

    private Kinds(int[] kinds) {
        this.kinds = kinds;
    }

    /** At the beginning of a function. */
    static Kinds entry(int[] arguments) {
        int[] kinds = new int[REGISTERS + SLOTS];
        Arrays.fill(kinds, 0, REGISTERS, NUMBER);
        Arrays.fill(kinds, REGISTERS, kinds.length, ANYTHING);
        System.arraycopy(arguments, 0, kinds, 1, arguments.length);
        kinds[Insn.FP] = frame(0);
        return new Kinds(kinds);
    }

    Kinds copy() {
        return new Kinds(kinds.clone());
    }

    int get(int register) {
        return kinds[register];
    }

    void set(int register, int kind) {
        kinds[register] = kind;
    }

    /** What eight bytes of the frame hold. */
    int slot(int offset) {
        return isSlot(offset) ? kinds[index(offset)] : ANYTHING;
    }

    /** A store of {@code size} bytes at an offset from the frame pointer. */
    void store(int offset, int size, int kind) {
        if (size == Insn.BYTES && isSlot(offset)) {
            kinds[index(offset)] = kind;
            return;
        }
        for (int at = offset; at < offset + size; at++) {
            if (at >= -SLOTS * Insn.BYTES && at < 0) {
                kinds[REGISTERS + (at + SLOTS * Insn.BYTES) / Insn.BYTES] = NUMBER;
            }
        }
    }

    /** Somebody else may have stored anything. */
    void forgetSlots() {
        Arrays.fill(kinds, REGISTERS, kinds.length, ANYTHING);
    }

    /** Takes in what holds on another way here; whether that changed anything. */
    boolean merge(Kinds other) {
        boolean changed = false;
        for (int i = 0; i < kinds.length; i++) {
            int merged = merge(kinds[i], other.kinds[i]);
            changed |= merged != kinds[i];
            kinds[i] = merged;
        }
        return changed;
    }

    /** A number beside a pointer is NULL: nobody could use the pointer otherwise. */
    static int merge(int one, int other) {
        if (one == other || other == NOTHING) {
            return one;
        }
        if (one == NOTHING) {
            return other;
        }
        if (one == NUMBER && other != ANYTHING) {
            return other;
        }
        if (other == NUMBER && one != ANYTHING) {
            return one;
        }
        int a = what(one);
        int b = what(other);
        boolean stacks = (a == STACK || a == FRAME) && (b == STACK || b == FRAME);
        boolean contexts = (a == CONTEXT || a == IN_CONTEXT) && (b == CONTEXT || b == IN_CONTEXT);
        return stacks ? STACK : contexts ? IN_CONTEXT : ANYTHING;
    }

    static int what(int kind) {
        return kind & 0xFF;
    }

    static int which(int kind) {
        return kind >> 8;
    }

    static int frame(int offset) {
        return FRAME | offset << 8;
    }

    static int map(int number) {
        return MAP | number << 8;
    }

    static int value(int number) {
        return VALUE | number << 8;
    }

    static boolean isPointer(int kind) {
        return what(kind) >= CONTEXT && what(kind) <= VALUE;
    }

    private static boolean isSlot(int offset) {
        return offset < 0 && offset >= -SLOTS * Insn.BYTES && offset % Insn.BYTES == 0;
    }

    private static int index(int offset) {
        return REGISTERS + SLOTS + offset / Insn.BYTES;
    }
}
