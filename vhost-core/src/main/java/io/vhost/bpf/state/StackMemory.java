package io.vhost.bpf.state;

import io.vhost.bpf.range.Scalar;

/**
 * The 512 bytes of a frame: of each byte whether something was stored, and of each slot of eight bytes which
 * register was spilled there. Offsets are those from the frame pointer, -512 to -1.
 */
public final class StackMemory {
    /** Nothing was stored. */
    public static final int INVALID = 0;
    /** Something was stored. */
    public static final int MISC = 1;
    /** Zero was stored. */
    public static final int ZERO = 2;
    /** A part of a register that was spilled. */
    public static final int SPILL = 3;

    /** Slots of a frame. */
    public static final int SLOTS = 64;
    private static final int SLOT = 8;

    private final short[] bytes;
    private final Reg[] spills;

    /** Nothing was stored yet. */
    public StackMemory() {
        this(new short[SLOTS], new Reg[SLOTS]);
    }

    private StackMemory(short[] bytes, Reg[] spills) {
        this.bytes = bytes;
        this.spills = spills;
    }

    /** A copy. */
    public StackMemory copy() {
        return new StackMemory(bytes.clone(), spills.clone());
    }

    /** The slot of a byte. */
    public static int slot(int offset) {
        return (-offset - 1) / SLOT;
    }

    /** What a byte holds. */
    public int at(int offset) {
        return bytes[slot(offset)] >> (2 * (offset & 7)) & 3;
    }

    /** What a byte of a slot holds, from the lowest address. */
    int at(int slot, int index) {
        return bytes[slot] >> (2 * index) & 3;
    }

    private void set(int offset, int what) {
        int slot = slot(offset);
        int shift = 2 * (offset & 7);
        bytes[slot] = (short) ((bytes[slot] & ~(3 << shift)) | what << shift);
    }

    /** The register that was spilled to a slot, or null. */
    public Reg spilled(int slot) {
        return spills[slot];
    }

    /** Changes a spilled register. */
    public void spilled(int slot, Reg reg) {
        spills[slot] = reg;
    }

    /** How many bytes of the spilled register are still there, from the lowest address. */
    public int spilledSize(int slot) {
        int size = 0;
        while (spills[slot] != null && size < SLOT && at(slot, size) == SPILL) {
            size++;
        }
        return size;
    }

    /** Spills a register to the beginning of a slot. */
    public void spill(int offset, int size, Reg reg) {
        forget(offset, size);
        for (int i = 0; i < size; i++) {
            set(offset + i, SPILL);
        }
        spills[slot(offset)] = reg;
    }

    /** Stores bytes of which it is known at most that they are zero. */
    public void store(int offset, int size, boolean zero) {
        forget(offset, size);
        for (int i = 0; i < size; i++) {
            set(offset + i, zero ? ZERO : MISC);
        }
    }

    /** Something may be stored in these bytes: those that were nothing may be nothing still. */
    public void maybeStore(int offset, int size) {
        forget(offset, size);
        for (int i = 0; i < size; i++) {
            if (at(offset + i) != INVALID) {
                set(offset + i, MISC);
            }
        }
    }

    /** Where a register was spilled that loses bytes, something is left: also of a zero, as in Linux. */
    private void forget(int offset, int size) {
        for (int slot = slot(offset + size - 1); slot <= slot(offset); slot++) {
            if (spills[slot] != null) {
                for (int i = 0; i < SLOT; i++) {
                    if (at(slot, i) == SPILL) {
                        set(-SLOT * (slot + 1) + i, MISC);
                    }
                }
                spills[slot] = null;
            }
        }
    }

    /** Whether something was stored in all bytes. */
    public boolean isStored(int offset, int size) {
        for (int i = 0; i < size; i++) {
            if (at(offset + i) == INVALID) {
                return false;
            }
        }
        return true;
    }

    /** Whether all bytes are zero. */
    public boolean isZero(int offset, int size) {
        for (int i = 0; i < size; i++) {
            int what = at(offset + i);
            Reg spilled = spills[slot(offset + i)];
            boolean zero = what == ZERO || (what == SPILL && spilled.isNumber() && spilled.number().is(0));
            if (!zero) {
                return false;
            }
        }
        return true;
    }

    /** What a load gives: a spilled register, zero, or anything of that size. Something was stored there. */
    public Reg load(int offset, int size, boolean signed) {
        int slot = slot(offset);
        Reg reg = spills[slot];
        if (reg != null && (offset & 7) == 0 && spilledSize(slot) >= size) {
            if (size == SLOT && spilledSize(slot) == SLOT) {
                return reg;
            }
            boolean whole = !signed
                    && Long.compareUnsigned(reg.number().umax(), -1L >>> (64 - 8 * size)) <= 0;
            if (reg.isNumber() && whole) {
                return reg;
            }
            if (reg.isNumber() && !signed) {
                return Reg.number(reg.number().low(8 * size));
            }
        }
        return isZero(offset, size) ? Reg.constant(0) : Reg.number(Scalar.loaded(size, signed));
    }

    /**
     * The number that four bytes hold, where Linux knows it: zeros, or one that was spilled with just these
     * bytes; else -1.
     */
    public long word(int offset) {
        boolean zero = true;
        for (int i = 0; i < Integer.BYTES; i++) {
            zero &= at(offset + i) == ZERO;
        }
        Reg reg = spills[slot(offset)];
        boolean known = reg != null && (offset & 7) == 0 && spilledSize(slot(offset)) == Integer.BYTES
                && reg.isNumber() && reg.number().isConstant();
        return zero ? 0 : known ? reg.number().umin() : -1;
    }

    /** Whether nothing was stored in a slot. */
    boolean isEmpty(int slot) {
        return bytes[slot] == 0;
    }

    /** A slot's bytes as the kernel's log has them, from the highest address. */
    String text(int slot) {
        StringBuilder text = new StringBuilder();
        for (int i = SLOT - 1; i >= 0; i--) {
            text.append("?m0r".charAt(at(slot, i)));
        }
        return text.toString();
    }
}
