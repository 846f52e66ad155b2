package io.vhost.bpf.load;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.bpf.helper.HelperSet;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.rules.MapFacts;
import io.vhost.bpf.rules.Subject;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.verify.Mode;
import io.vhost.bpf.verify.Verifier;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Rules at their edges, judged here and by the kernel, in the same words. */
@Tag("peer")
class VerdictEdgesTest {
    private static final int XDP = 6;
    private static final int ARRAY = 2;
    private static final int HASH = 1;
    private static final int ENTRIES = 4;
    private static final long EXIT = Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0);
    private static final long ZERO = Insn.of(0xb7, 0, 0, 0, 0);

    private static String own(long[] insns, int type) {
        try {
            Verifier.verify(new Subject(Code.of("p", insns), ContextLayout.XDP,
                    List.of(MapFacts.of(new MapSpec("m", type, 4, 16, ENTRIES, 0))),
                    HelperSet.xdp()::prototype), Mode.STRICT);
            return "";
        } catch (ProgramException e) {
            return e.text().substring(e.text().indexOf(": ") + 2);
        }
    }

    private static long store(int offset) {
        return Insn.of(0x72, 10, 0, offset, 0);
    }

    private static long local(int distance) {
        return Insn.of(Insn.CALL_INSN, 0, 1, 0, distance);
    }

    @Test
    void stacksOfFunctionsThatCallEachOtherAreCountedAsByTheKernel() throws Exception {
        try (KernelRun kernel = new KernelRun()) {
            for (int first : new int[] {1, 8, 9, 16, 17, 255, 256, 257, 495, 496, 497, 512}) {
                for (int second : new int[] {0, 1, 15, 16, 17, 240, 255, 256, 257, 496, 497, 512}) {
                    long[] insns = {store(-first), local(2), ZERO, EXIT,
                        second == 0 ? ZERO : store(-second), ZERO, EXIT};
                    assertEquals(kernel.judge(XDP, insns).reason(), own(insns, ARRAY), first + " " + second);
                }
            }
        }
    }

    /** The key in four bytes, stored as one number, as bytes, beside others, or not known. */
    @Test
    void lookUpsThatCannotFailAreTheKernels() throws Exception {
        long index = Insn.of(Insn.CALL_INSN, 0, 0, 0, 7);
        long wide = 0x7a;
        long[][] keys = {{Insn.of(0x62, 10, 0, -8, ENTRIES - 1)}, {Insn.of(0x62, 10, 0, -8, ENTRIES)},
            {Insn.of(0x62, 10, 0, -8, 0)}, {Insn.of(0x62, 10, 0, -8, -1)},
            {Insn.of((int) wide, 10, 0, -8, 0)}, {Insn.of((int) wide, 10, 0, -8, 1)},
            {index, Insn.of(0x63, 10, 0, -8, 0)},
            {index, Insn.of(0x57, 0, 0, 0, 3), Insn.of(0x63, 10, 0, -8, 0)},
            {Insn.of(0xb7, 1, 0, 0, 2), Insn.of(0x63, 10, 1, -8, 0)},
            {Insn.of(0x62, 10, 0, -8, 1), store(-8)}, {store(-8), store(-7), store(-6), store(-5)}};
        try (KernelRun kernel = new KernelRun()) {
            for (int type : new int[] {ARRAY, HASH}) {
                int map = kernel.map("m", type, 4, 16, ENTRIES, 0);
                for (int i = 0; i < keys.length; i++) {
                    long[] rest = {Insn.of(0xbf, 2, 10, 0, 0), Insn.of(0x07, 2, 0, 0, -8),
                        Insn.of(Insn.LDDW, 1, Insn.LDDW_MAP, 0, map), 0, Insn.of(Insn.CALL_INSN, 0, 0, 0, 1),
                        Insn.of(0x79, 1, 0, 8, 0), ZERO, EXIT};
                    long[] insns = new long[keys[i].length + rest.length];
                    System.arraycopy(keys[i], 0, insns, 0, keys[i].length);
                    System.arraycopy(rest, 0, insns, keys[i].length, rest.length);
                    String theirs = kernel.judge(XDP, insns).reason();
                    insns[keys[i].length + 2] = Insn.of(Insn.LDDW, 1, Insn.LDDW_MAP, 0, 0);
                    assertEquals(theirs, own(insns, type), "type " + type + ", key " + i);
                }
            }
        }
    }
}
