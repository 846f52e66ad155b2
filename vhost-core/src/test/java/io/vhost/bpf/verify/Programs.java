package io.vhost.bpf.verify;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.helper.HelperSet;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.live.Needs;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.rules.MapFacts;
import io.vhost.bpf.rules.Refusal;
import io.vhost.bpf.rules.Subject;
import io.vhost.bpf.run.ContextLayout;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;

/** Programs of a few instructions for a verifier, and its maps. */
abstract class Programs {
    static final long EXIT = Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0);
    static final int VALUE = 16;
    static final int LOCK = 8;
    static final MapFacts ARRAY = MapFacts.of(new MapSpec("array", 2, 4, VALUE, 4, 0));
    static final List<MapFacts> MAPS = List.of(ARRAY,
            MapFacts.of(new MapSpec("fixed", 2, 4, VALUE, 1, MapSpec.RDONLY_PROG)),
            MapFacts.of(new MapSpec("ring", 27, 0, 0, 4096, 0)),
            new MapFacts(new MapSpec("locked", 2, 4, VALUE, 4, 0), LOCK, null),
            new MapFacts(new MapSpec("outer", 12, 4, 4, 4, 0), -1, ARRAY),
            MapFacts.of(new MapSpec("unknown", 12, 4, 4, 4, 0)),
            MapFacts.of(new MapSpec("programs", 3, 4, 4, 4, 0)),
            MapFacts.of(new MapSpec("hash", 1, 4, VALUE, 4, 0)));
    /** The map of which no key is known to be there. */
    static final int HASH = 7;

    static Verdict verify(Mode mode, int level, ContextLayout layout, long... insns)
            throws ProgramException {
        boolean tc = layout.equals(ContextLayout.SKB);
        HelperSet helpers = tc ? HelperSet.classifier() : HelperSet.xdp();
        Code code = Code.of("p", insns, List.of("p"), at -> "line " + at + " @ p.c:" + at);
        return Verifier.verify(new Subject(code, layout, MAPS, helpers::prototype), mode, level);
    }

    static void accepted(long... insns) throws ProgramException {
        assertTrue(verify(Mode.STRICT, 0, ContextLayout.XDP, insns).ends());
    }

    static ProgramException refused(String text, long... insns) {
        ProgramException refused = assertThrows(ProgramException.class,
                () -> verify(Mode.STRICT, 1, ContextLayout.XDP, insns));
        assertTrue(refused.text().contains(text), refused.getMessage());
        assertTrue(refused.log().contains(text), refused.log());
        assertTrue(isRefused(Exploration.JOINED, insns), () -> "joined, it is accepted: " + text);
        boolean aboutEnd = text.startsWith("infinite loop") || text.startsWith("BPF program is too large");
        assertTrue(aboutEnd || isRefused(Exploration.ENDLESS, insns), () -> "endless, it is accepted: "
                + text);
        return refused;
    }

    /** Whether a program is refused where states are made one as soon as there are two of a kind. */
    private static boolean isRefused(Exploration exploration, long... insns) {
        try {
            Code code = Code.of("p", insns);
            Subject subject = new Subject(code, ContextLayout.XDP, MAPS, HelperSet.xdp()::prototype);
            BitSet meets = new CodeGraph(code).check();
            new Explorer(subject, Needs.of(code, subject.helpers()), meets, exploration,
                    new VerifierLog(0, subject.helpers()), 1).explore();
            return false;
        } catch (Refusal | CodeGraph.Unreachable | ProgramException e) {
            return true;
        }
    }

    static long[] code(Object... parts) {
        return Stream.of(parts).flatMapToLong(part -> part instanceof long[] many ? Arrays.stream(many)
                : Arrays.stream(new long[] {(Long) part})).toArray();
    }

    static long mov(int dst, int imm) {
        return Insn.of(0xb7, dst, 0, 0, imm);
    }

    static long copy(int dst, int src) {
        return Insn.of(0xbf, dst, src, 0, 0);
    }

    static long add(int dst, int imm) {
        return Insn.of(0x07, dst, 0, 0, imm);
    }

    static long load(int size, int dst, int src, int off) {
        int code = switch (size) {
            case 1 -> 0x71;
            case 2 -> 0x69;
            case 4 -> 0x61;
            default -> 0x79;
        };
        return Insn.of(code, dst, src, off, 0);
    }

    static long store(int size, int dst, int src, int off) {
        return Insn.of(Insn.opcode(load(size, 0, 0, 0)) + 2, dst, src, off, 0);
    }

    static long call(int helper) {
        return Insn.of(Insn.CALL_INSN, 0, 0, 0, helper);
    }

    static long[] map(int dst, int number) {
        return new long[] {Insn.of(Insn.LDDW, dst, Insn.LDDW_MAP, 0, number), 0};
    }

    /** The value of key 0 in r0. */
    static long[] lookup(int map) {
        return code(Insn.of(0x62, 10, 0, -4, 0), copy(2, 10), add(2, -4), map(1, map), call(1));
    }

    static long[] end() {
        return code(mov(0, 2), EXIT);
    }

    /** data in r2, data_end in r3, data + n in r4. */
    static long[] packet(int n) {
        return code(load(4, 2, 1, 0), load(4, 3, 1, 4), copy(4, 2), add(4, n));
    }
}
