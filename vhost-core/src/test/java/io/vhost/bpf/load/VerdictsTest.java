package io.vhost.bpf.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.BpfMap;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.Clang;
import io.vhost.bpf.helper.HelperSet;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.rules.MapFacts;
import io.vhost.bpf.rules.Subject;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.verify.Mode;
import io.vhost.bpf.verify.Verifier;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The verifier's verdicts beside the kernel's: on generated programs, on the same with mistakes, and on real
 * ones with mistakes. For longer: {@code -Dverdicts=20000 -Dverdicts.real=2000}, the seed with
 * {@code -Dverdicts.seed}; {@code -Dverdicts.list} prints each difference.
 */
@Tag("peer")
class VerdictsTest {
    private static final int PROGRAMS = Integer.getInteger("verdicts", 400);
    private static final int REAL = Integer.getInteger("verdicts.real", 140);
    private static final long SEED = Long.getLong("verdicts.seed", 1);
    private static final boolean LIST = System.getProperty("verdicts.list") != null;
    private static final int XDP = 6;
    private static final int ARRAY = 2;

    /** What the kernel refuses and is safe here: the beginning of its words, and why. */
    private static final Map<String, String> SAFE = Map.of(
            "math between", "an address that is not used on this way, where a state covered it");

    private final SplittableRandom random = new SplittableRandom(SEED);
    private final MutatedProgram mutations = new MutatedProgram(random);
    private final Map<String, Integer> onlyHere = new TreeMap<>();
    private final Map<String, Integer> onlyKernel = new TreeMap<>();
    private int accepted;
    private int refused;

    @TempDir
    private Path folder;

    private static String own(long[] insns, List<MapFacts> maps) {
        try {
            Verifier.verify(new Subject(Code.of("p", insns), ContextLayout.XDP, maps,
                    HelperSet.xdp()::prototype), Mode.STRICT);
            return "";
        } catch (ProgramException e) {
            return "insn " + e.instruction() + ": " + e.text();
        }
    }

    private void compare(String own, String kernel, String what) {
        accepted += own.isEmpty() && kernel.isEmpty() ? 1 : 0;
        refused += own.isEmpty() || kernel.isEmpty() ? 0 : 1;
        if (own.isEmpty() != kernel.isEmpty()) {
            String reason = own.isEmpty() ? kernel : own;
            (own.isEmpty() ? onlyHere : onlyKernel).merge(reason.replaceAll("-?\\d+", "N"), 1, Integer::sum);
            if (LIST) {
                System.out.println(what + (own.isEmpty() ? ": only here, kernel: " : ": only kernel, here: ")
                        + reason);
            }
        }
    }

    private int count(Map<String, Integer> differences) {
        return differences.values().stream().mapToInt(Integer::intValue).sum();
    }

    private void report(String what) {
        System.out.println(what + ": both accept " + accepted + ", both refuse " + refused + ", only here "
                + onlyHere + ", only the kernel " + onlyKernel);
        onlyHere.keySet().removeIf(reason -> SAFE.keySet().stream().anyMatch(reason::startsWith));
        assertEquals(Map.of(), onlyHere, "accepted here, refused by the kernel");
    }

    private void generated(boolean mutated) throws Exception {
        List<MapFacts> maps = List.of(MapFacts.of(new MapSpec("m", ARRAY, 4, TameProgram.SIZE, 1, 0)));
        TameProgram programs = new TameProgram(random);
        try (KernelRun kernel = new KernelRun()) {
            int map = kernel.map("m", ARRAY, 4, TameProgram.SIZE, 1, 0);
            for (int i = 0; i < PROGRAMS; i++) {
                long[] insns = programs.next(map);
                if (mutated) {
                    insns = mutations.of(insns);
                }
                String verdict = kernel.verdict(XDP, insns);
                for (int at = 0; at < insns.length; at++) {
                    if (Insns.isValue(insns[at])) {
                        insns[at] = Insns.withMap(insns[at], 0);
                    }
                }
                compare(own(insns, maps), verdict, "program " + i);
            }
        }
        report(mutated ? "generated with mistakes" : "generated");
        if (!mutated) {
            assertTrue(count(onlyKernel) * 100 < PROGRAMS, onlyKernel::toString);
        }
    }

    @Test
    void generatedProgramsAreJudgedAsByTheKernel() throws Exception {
        generated(false);
    }

    @Test
    void generatedProgramsWithMistakesAreJudgedAsByTheKernel() throws Exception {
        generated(true);
    }

    @Test
    void realProgramsAreAcceptedAndWithMistakesJudgedAsByTheKernel() throws Exception {
        Map<String, String> sources = Map.of("filter", XdpSources.filter(), "counters", XdpSources.counters(),
                "vlan", XdpSources.vlan(), "tunnel", XdpSources.tunnel(), "parts", XdpSources.parts(),
                "chain", XdpSources.chain(), "sampler", XdpSources.sampler());
        for (String name : new TreeMap<>(sources).keySet()) {
            BpfObject object = BpfObject.read(Clang.compile(folder, name, sources.get(name), "-mcpu=v3"));
            long[] insns = object.link(object.programs().getFirst()).instructions();
            List<MapFacts> maps = object.maps().stream().map(VerdictsTest::facts).toList();
            try (KernelRun kernel = new KernelRun()) {
                kernel.maps(object);
                assertEquals("", own(insns, maps), name);
                assertEquals("", kernel.verdict(XDP, kernel.linked(object, insns)), name);
                for (int i = 0; i < REAL / sources.size(); i++) {
                    long[] mutated = mutations.of(insns);
                    compare(own(mutated, maps), kernel.verdict(XDP, kernel.linked(object, mutated)),
                            name + " " + i);
                }
            }
        }
        report("real with mistakes");
    }

    private static MapFacts facts(BpfMap map) {
        return MapFacts.of(new MapSpec(map.name(), map.type(), (int) map.keySize(), (int) map.valueSize(),
                (int) map.maxEntries(), map.flags()));
    }
}
