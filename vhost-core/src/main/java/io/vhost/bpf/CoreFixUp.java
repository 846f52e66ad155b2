package io.vhost.bpf;

import io.vhost.bpf.BpfException.Stage;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfExt;
import io.vhost.bpf.btf.core.CoreException;
import io.vhost.bpf.btf.core.CoreKind;
import io.vhost.bpf.btf.core.CoreTarget;
import io.vhost.bpf.btf.core.CoreValue;
import io.vhost.bpf.insn.Insn;
import java.util.Map;
import java.util.TreeMap;

/**
 * Puts answers about other types into instructions (CO-RE). Where there is none, a call takes the
 * instruction's place that must not be reached: the program may have asked before whether the type is there.
 *
 * <p>Thread: one.
 */
final class CoreFixUp {
    private final Btf btf;
    private final CoreTarget target;
    private final long[] insns;
    private final Map<Integer, String> unresolved = new TreeMap<>();

    CoreFixUp(Btf btf, CoreTarget target, long[] insns) {
        this.btf = btf;
        this.target = target;
        this.insns = insns;
    }

    /** What was not found, by instruction. */
    Map<Integer, String> unresolved() {
        return unresolved;
    }

    /**
     * Applies one relocation.
     *
     * @param at    the instruction
     * @param place where that is, for messages
     */
    void apply(BtfExt.Relocation relocation, int at, String place) throws BpfException {
        CoreKind kind = CoreKind.of(relocation.kind());
        String access = btf.string(relocation.access());
        boolean known = kind != null && access != null && relocation.typeId() > 0
                && relocation.typeId() < btf.typeCount();
        if (!known) {
            throw wrong(at, relocation.typeId(), "a relocation of kind " + relocation.kind() + " for type "
                    + relocation.typeId() + " is not known; was the object damaged?" + place, null);
        }
        CoreValue value;
        try {
            value = target.resolve(btf, relocation.typeId(), access, kind);
        } catch (CoreException e) {
            throw wrong(at, relocation.typeId(), e.getMessage() + place, e);
        }
        String name = btf.name(relocation.typeId());
        if (!value.found()) {
            poison(at, "the types that were named have no " + name + " with what the program asks ("
                    + kind + " " + access + "): test for it with bpf_core_field_exists or"
                    + " bpf_core_type_exists, or name others" + place);
            return;
        }
        if (!patch(at, value)) {
            throw wrong(at, relocation.typeId(), "the instruction does not have what " + kind + " of " + name
                    + " is in the object's own types; was the object damaged?" + place, null);
        }
        resize(at, value, name + place);
    }

    private static BpfException wrong(int at, int type, String text, Throwable cause) {
        return new BpfException(Stage.LINK, (long) at * Insn.BYTES, type, text, cause);
    }

    private void poison(int at, String text) {
        boolean wide = Insn.opcode(insns[at]) == Insn.LDDW && at + 1 < insns.length;
        insns[at] = Insn.of(Insn.CALL_INSN, 0, Insn.CALL_HELPER, 0, LinkedProgram.UNRESOLVED);
        if (wide) {
            insns[at + 1] = insns[at];
        }
        unresolved.put(at, text);
    }

    /** Puts the value where the compiler has put its own; false if that is not there. */
    private boolean patch(int at, CoreValue value) {
        long insn = insns[at];
        long original = value.original().value();
        switch (Insn.kind(insn)) {
            case Insn.ALU, Insn.ALU64 -> {
                if (Insn.isX(insn) || Insn.imm(insn) != (int) original) {
                    return false;
                }
                insns[at] = Insn.of(Insn.opcode(insn), Insn.dst(insn), Insn.src(insn), Insn.off(insn),
                        (int) value.value());
            }
            case Insn.LDX, Insn.ST, Insn.STX -> {
                if (Insn.off(insn) != original || value.value() > Short.MAX_VALUE) {
                    return false;
                }
                insns[at] = Insn.of(Insn.opcode(insn), Insn.dst(insn), Insn.src(insn), (int) value.value(),
                        Insn.imm(insn));
            }
            default -> {
                boolean wide = Insn.opcode(insn) == Insn.LDDW && at + 1 < insns.length
                        && Insn.wide(insn, insns[at + 1]) == original;
                if (!wide) {
                    return false;
                }
                insns[at] = Insn.of(Insn.LDDW, Insn.dst(insn), Insn.src(insn), 0, (int) value.value());
                insns[at + 1] = Insn.of(0, 0, 0, 0, (int) (value.value() >>> Integer.SIZE));
            }
        }
        return true;
    }

    /** A load or store of a field that has another size there becomes one of that size, if it can. */
    private void resize(int at, CoreValue value, String what) {
        long insn = insns[at];
        int kind = Insn.kind(insn);
        boolean memory = kind == Insn.LDX || kind == Insn.ST || kind == Insn.STX;
        int before = value.original().size();
        if (!memory || value.size() == 0 || before == 0 || value.size() == before) {
            return;
        }
        int code = switch (value.size()) {
            case 1 -> 0x10;
            case 2 -> 0x08;
            case 4 -> 0x00;
            case 8 -> 0x18;
            default -> -1;
        };
        if (value.signed() || code < 0 || Insn.size(insn) != before) {
            poison(at, "a field of " + before + " bytes has " + value.size()
                    + " there, and this instruction cannot load it; read it with BPF_CORE_READ_BITFIELD or"
                    + " bpf_core_read: " + what);
            return;
        }
        insns[at] = Insn.of((Insn.opcode(insn) & ~0x18) | code, Insn.dst(insn), Insn.src(insn),
                Insn.off(insn), Insn.imm(insn));
    }
}
