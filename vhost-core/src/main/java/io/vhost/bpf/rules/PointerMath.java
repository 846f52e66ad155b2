package io.vhost.bpf.rules;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.range.Scalar;
import io.vhost.bpf.range.ScalarMath;
import io.vhost.bpf.state.Reg;
import io.vhost.bpf.state.RegKind;

/** Arithmetic with addresses: only sums, and differences, with bounds. Thread: stateless. */
final class PointerMath {
    /** Distances from which addresses cannot be told from others any more. */
    static final int MAX_OFFSET = 1 << 29;

    private PointerMath() {
    }

    static Reg apply(Site site, long insn, boolean wide, Reg left, Reg right) {
        int operation = Insn.operation(insn);
        int dst = Insn.dst(insn);
        if (!left.isNumber() && !right.isNumber()) {
            if (operation == Insn.SUB) {
                return wide ? Reg.UNKNOWN : Reg.number(Scalar.loaded(4, false));
            }
            throw Site.refuse("do not combine two addresses", "R" + dst + " pointer " + sign(operation)
                    + " pointer prohibited");
        }
        if (!wide) {
            if (operation == Insn.SUB && !left.isNumber()) {
                return Reg.number(Scalar.loaded(4, false));
            }
            throw Site.refuse("compute with addresses in 64 bits", "R" + dst
                    + " 32-bit pointer arithmetic prohibited");
        }
        Reg pointer = left.isNumber() ? right : left;
        if (operation == Insn.SUB && left.isNumber()) {
            throw Site.refuse("subtract the number from the address", "R" + dst
                    + " tried to subtract pointer from scalar");
        }
        if (operation != Insn.ADD && operation != Insn.SUB) {
            throw Site.refuse("only add to an address or subtract from it", "R" + dst
                    + " pointer arithmetic with " + sign(operation) + " operator prohibited");
        }
        Scalar distance = left.isNumber() ? left.number() : right.number();
        check(dst, pointer, distance, operation == Insn.SUB);
        Reg moved = moved(site, pointer, operation == Insn.SUB, distance);
        checkSane(moved);
        return moved;
    }

    private static void check(int dst, Reg pointer, Scalar distance, boolean subtract) {
        if (pointer.orNull()) {
            throw Site.refuse(Remedies.CHECK_NULL, "R" + dst + " pointer arithmetic on "
                    + pointer.kind().text() + "_or_null prohibited, null-check it first");
        }
        boolean fixed = pointer.kind() == RegKind.MAP || pointer.kind() == RegKind.PACKET_END
                || pointer.kind() == RegKind.FUNCTION;
        if (fixed && !(pointer.kind() == RegKind.MAP && distance.is(0))) {
            throw Site.refuse("leave this address as it is", "R" + dst + " pointer arithmetic on "
                    + pointer.kind().text() + " prohibited");
        }
        if (subtract && pointer.kind() == RegKind.STACK && !distance.isConstant()) {
            throw Site.refuse("add to a lower address of the stack instead", "R" + dst
                    + " subtraction from stack pointer prohibited");
        }
        String bounded = "bound the number first: compare it, or mask it with &";
        if (distance.isConstant()) {
            long number = distance.smin();
            if (number >= MAX_OFFSET || number <= -MAX_OFFSET) {
                throw Site.refuse("keep distances below 2^29", "math between " + pointer.kind().text()
                        + " pointer and " + number + " is not allowed");
            }
        } else if (distance.smin() == Long.MIN_VALUE) {
            throw Site.refuse(bounded, "math between " + pointer.kind().text()
                    + " pointer and register with unbounded min value is not allowed");
        } else if (distance.smin() >= MAX_OFFSET || distance.smin() <= -MAX_OFFSET) {
            throw Site.refuse(bounded, "value " + distance.smin() + " makes " + pointer.kind().text()
                    + " pointer be out of bounds");
        }
    }

    private static Reg moved(Site site, Reg pointer, boolean subtract, Scalar distance) {
        if (distance.isConstant()) {
            long off = pointer.off() + (subtract ? -distance.smin() : distance.smin());
            if (off == (int) off) {
                return pointer.withOff((int) off);
            }
        }
        Scalar number = ScalarMath.apply(subtract ? Insn.SUB : Insn.ADD, true, false, pointer.number(),
                distance);
        Reg moved = pointer.withNumber(number);
        // Its variable part is another from now on: nothing is known of what is behind it.
        return pointer.kind().isPacket() ? moved.withRange(0).withId(site.newId()) : moved;
    }

    private static void checkSane(Reg pointer) {
        Scalar number = pointer.number();
        if (number.isConstant() && (number.smin() >= MAX_OFFSET || number.smin() <= -MAX_OFFSET)) {
            throw Site.refuse("keep distances below 2^29", "math between " + pointer.kind().text()
                    + " pointer and " + number.smin() + " is not allowed");
        }
        if (pointer.off() >= MAX_OFFSET || pointer.off() <= -MAX_OFFSET) {
            throw Site.refuse("keep distances below 2^29", pointer.kind().text() + " pointer offset "
                    + pointer.off() + " is not allowed");
        }
        if (number.smin() == Long.MIN_VALUE) {
            throw Site.refuse("bound the number first: compare it, or mask it with &", "math between "
                    + pointer.kind().text()
                    + " pointer and register with unbounded min value is not allowed");
        }
        if (number.smin() >= MAX_OFFSET || number.smin() <= -MAX_OFFSET) {
            throw Site.refuse("bound the number first: compare it, or mask it with &", "value "
                    + number.smin() + " makes " + pointer.kind().text() + " pointer be out of bounds");
        }
    }

    private static String sign(int operation) {
        return switch (operation) {
            case Insn.ADD -> "+=";
            case Insn.SUB -> "-=";
            case Insn.MUL -> "*=";
            case Insn.DIV -> "/=";
            case Insn.MOD -> "%=";
            case Insn.AND -> "&=";
            case Insn.OR -> "|=";
            case Insn.XOR -> "^=";
            case Insn.LSH -> "<<=";
            case Insn.RSH -> ">>=";
            default -> "s>>=";
        };
    }
}
