package io.vhost.bpf.state;

import io.vhost.bpf.range.Scalar;

/**
 * What a register or a spilled one holds.
 *
 * <p>Thread: immutable; any thread.
 *
 * @param kind   number or which address
 * @param number the number; of an address, the part of the distance that is not constant
 * @param off    the constant part of the distance; of a number, how far it is from those with the same id
 * @param id     those with the same id above 0 are the same number, the same address or come from the same
 *               lookup; of a record, what must be released
 * @param which  the map, the frame, the function, or how many bytes a record has
 * @param range  of a packet: how many bytes behind the variable part are there
 * @param orNull whether it may be NULL instead
 */
public record Reg(RegKind kind, Scalar number, int off, int id, int which, int range, boolean orNull) {
    /** Nothing was stored. */
    public static final Reg NOTHING = address(RegKind.NOT_INIT, 0);
    /** Any number. */
    public static final Reg UNKNOWN = number(Scalar.UNKNOWN);

    /** A number. */
    public static Reg number(Scalar number) {
        return new Reg(RegKind.SCALAR, number, 0, 0, 0, 0, false);
    }

    /** A number that is known. */
    public static Reg constant(long number) {
        return number(Scalar.of(number));
    }

    /** An address at the beginning of what it is in. */
    public static Reg address(RegKind kind, int which) {
        return new Reg(kind, Scalar.ZERO, 0, 0, which, 0, false);
    }

    /** Whether it is a number. */
    public boolean isNumber() {
        return kind == RegKind.SCALAR;
    }

    /** Whether it is the number 0, or NULL. */
    public boolean isZero() {
        return isNumber() && number.is(0);
    }

    /** The same with another number; of an address, another variable distance. */
    public Reg withNumber(Scalar other) {
        return new Reg(kind, other, off, id, which, range, orNull);
    }

    /** The same with another constant distance. */
    public Reg withOff(int other) {
        return new Reg(kind, number, other, id, which, range, orNull);
    }

    /** The same with another id. */
    public Reg withId(int other) {
        return new Reg(kind, number, off, other, which, range, orNull);
    }

    /** The same with another range. */
    public Reg withRange(int other) {
        return new Reg(kind, number, off, id, which, other, orNull);
    }

    /** The same, and not NULL. */
    public Reg notNull() {
        return new Reg(kind, number, off, id, which, range, false);
    }

    /** The same, or NULL. */
    public Reg orNullToo() {
        return new Reg(kind, number, off, id, which, range, true);
    }

    /** As the kernel's log has it. */
    @Override
    public String toString() {
        if (isNumber()) {
            return id == 0 || number.isConstant() ? number.toString()
                    : number.toString().replaceFirst("scalar\\(", "scalar(id=" + id
                    + (off == 0 ? "" : (off > 0 ? "+" : "") + off) + ",").replace(",)", ")");
        }
        if (kind == RegKind.STACK && number.is(0)) {
            return "fp" + (off == 0 ? "0" : off);
        }
        StringBuilder text = new StringBuilder(kind.text());
        text.append(orNull ? "_or_null(" : "(");
        String comma = "";
        if (id > 0) {
            text.append("id=").append(id);
            comma = ",";
        }
        if (off != 0) {
            text.append(comma).append("off=").append(off);
            comma = ",";
        }
        if (kind.isPacket()) {
            text.append(comma).append("r=").append(range);
            comma = ",";
        }
        if (kind == RegKind.RECORD) {
            text.append(comma).append("sz=").append(which);
            comma = ",";
        }
        if (!number.is(0)) {
            text.append(comma).append(number.toString().replaceFirst("scalar\\((.*)\\)", "$1"));
        }
        return text.append(')').toString();
    }
}
