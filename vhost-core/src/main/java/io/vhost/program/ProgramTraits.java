package io.vhost.program;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.flow.Region;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Image;
import java.util.Set;

/**
 * What a program may do, as far as its instructions tell at a glance; what is doubtful counts as done.
 *
 * @param isClassifier whether it is one of tc
 * @param usesMetadata whether it may look at what lies before the packet
 * @param writes whether it may change packets
 * @param redirects whether it redirects them itself; what it calls in its place nobody knows
 */
record ProgramTraits(boolean isClassifier, boolean usesMetadata, boolean writes, boolean redirects) {
    // Numbers of helpers.
    private static final int TAIL_CALL = 12;
    private static final int REDIRECT = 23;
    private static final int REDIRECT_MAP = 51;
    private static final int ADJUST_META = 54;
    /** Those that leave packets alone: of maps, clocks, redirects; and those that load, to somewhere else. */
    private static final Set<Integer> READING = Set.of(1, 2, 3, 5, 6, 7, 8, 23, 26, 28, 51, 125, 188, 189);

    /** Of those that load: bytes of the packet go to where an argument says, which may be the packet. */
    private static final Set<Integer> LOADING = Set.of(26, 189);

    // BPF_LDX | BPF_MEM | BPF_W
    private static final int LOAD_WORD = 0x61;

    /** Looks at a program. */
    static ProgramTraits of(Image image) {
        boolean classifier = image.context().equals(ContextLayout.SKB);
        boolean tails = calls(image, TAIL_CALL);
        return new ProgramTraits(classifier,
                !classifier && (tails || calls(image, ADJUST_META) || loadsMetadata(image)),
                tails || mayWrite(image), calls(image, REDIRECT) || calls(image, REDIRECT_MAP));
    }

    /** Whether it is one of XDP that only needs to know where the packet lies. */
    boolean looksOnly() {
        return !(isClassifier || usesMetadata || writes);
    }

    private static boolean calls(Image image, int helper) {
        Code code = image.code();
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

    /** Whether something loads four bytes where {@code data_meta} is, in the context or elsewhere. */
    private static boolean loadsMetadata(Image image) {
        Code code = image.code();
        for (int at = 0; at < code.length(); at++) {
            long insn = code.insn(at);
            if (Insn.opcode(insn) == Insn.LDDW) {
                at++;
            } else if ((Insn.opcode(insn) & 0xFF) == LOAD_WORD
                    && Insn.off(insn) == ContextLayout.XDP.meta()) {
                return true;
            }
        }
        return false;
    }

    /** Whether something is stored in the packet, as far as is known, or a helper may change it. */
    private static boolean mayWrite(Image image) {
        Code code = image.code();
        AccessRegions regions = AccessRegions.of(image);
        for (int at = 0; at < code.length(); at++) {
            long insn = code.insn(at);
            int opcode = Insn.opcode(insn);
            if (opcode == Insn.LDDW) {
                at++;
            }
            boolean calls = opcode == Insn.CALL_INSN && Insn.src(insn) == Insn.CALL_HELPER;
            boolean stores = (isStore(opcode) || (calls && LOADING.contains(Insn.imm(insn))))
                    && (regions.region(at) == Region.ANY || regions.region(at) == Region.PACKET);
            if (stores || (calls && !READING.contains(Insn.imm(insn)))) {
                return true;
            }
        }
        return false;
    }

    private static boolean isStore(int opcode) {
        return (opcode & 7) == Insn.ST || (opcode & 7) == Insn.STX;
    }
}
