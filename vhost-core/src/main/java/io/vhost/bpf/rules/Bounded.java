package io.vhost.bpf.rules;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.range.Scalar;
import io.vhost.bpf.state.Reg;
import io.vhost.bpf.state.RegKind;

/** Whether an access stays inside what an address points to: packet, map value, record. Thread: stateless. */
final class Bounded {
    private Bounded() {
    }

    /**
     * Checks an access.
     *
     * @param register the register with the address
     * @param off      the instruction's offset
     */
    static void check(Site site, int register, Reg reg, int off, int size, boolean write) {
        switch (reg.kind()) {
            case PACKET, PACKET_META -> packet(register, reg, off, size);
            case MAP_VALUE -> {
                MapFacts map = site.facts(reg);
                notNull(register, reg);
                inside(register, reg, off, size, map.spec().valueSize(), "map value, value_size=");
                if (write && Maps.isReadOnly(map.spec())) {
                    throw Site.refuse("leave " + map.spec().name() + " as it is, programs may only read it",
                            "write into map forbidden, value_size=" + map.spec().valueSize() + " off="
                            + (reg.off() + off) + " size=" + size);
                }
                besideLock(reg, off, size, map.lockAt());
            }
            case RECORD -> {
                notNull(register, reg);
                inside(register, reg, off, size, reg.which(), "memory, mem_size=");
            }
            default -> throw Site.refuse(Insn.FP == register || reg.kind() != RegKind.SCALAR
                    ? "use an address in the stack, the packet, a map's value or a record"
                    : "load the address again: this is a number, packet addresses become numbers when a"
                    + " helper moves the packet", "R" + register + " invalid mem access '"
                    + reg.kind().text() + "'");
        }
    }

    private static void notNull(int register, Reg reg) {
        if (reg.orNull()) {
            throw Site.refuse(Remedies.CHECK_NULL, "R" + register + " invalid mem access '"
                    + reg.kind().text() + "_or_null'");
        }
    }

    private static void packet(int register, Reg reg, int off, int size) {
        boolean meta = reg.kind() == RegKind.PACKET_META;
        if (reg.number().smin() < 0) {
            throw negative(register);
        }
        long from = (long) reg.off() + off;
        if (from < 0 || from + size > reg.range()) {
            throw Site.refuse(from < 0 ? "load behind the packet's first byte: this is " + -from
                    + " bytes in front of it" : Remedies.comparePacket(meta, from, size),
                    "invalid access to packet, off=" + from + " size=" + size + ", R" + register + "(id="
                    + reg.id() + ",off=" + from + ",r=" + reg.range() + ")");
        }
    }

    private static void inside(int register, Reg reg, int off, int size, int limit, String what) {
        Scalar number = reg.number();
        long fixed = (long) reg.off() + off;
        if (number.smin() < 0 && (number.smin() < -PointerMath.MAX_OFFSET || fixed + number.smin() < 0)) {
            throw negative(register);
        }
        if (number.smax() >= PointerMath.MAX_OFFSET) {
            throw Site.refuse("bound the index first: compare it, or mask it with &", "R" + register
                    + " unbounded memory access, make sure to bounds check any such access");
        }
        long least = fixed + number.smin();
        long most = fixed + number.smax();
        if (least < 0 || most + size > limit) {
            long bad = least < 0 ? least : most;
            throw Site.refuse("stay within the " + limit + " bytes: this reaches byte "
                    + (least < 0 ? least : most + size - 1), "invalid access to " + what + limit + " off="
                    + bad + " size=" + size);
        }
    }

    private static Refusal negative(int register) {
        return Site.refuse("use an unsigned index, or compare it with 0 first", "R" + register
                + " min value is negative, either use unsigned index or do a if (index >=0) check.");
    }

    private static void besideLock(Reg reg, int off, int size, int lock) {
        if (lock < 0) {
            return;
        }
        long least = reg.off() + off + reg.number().smin();
        long most = reg.off() + off + reg.number().smax() + size;
        if (least < lock + MapFacts.LOCK_SIZE && most > lock) {
            throw Site.refuse("leave the lock to bpf_spin_lock and bpf_spin_unlock",
                    "bpf_spin_lock cannot be accessed directly by load/store");
        }
    }
}
