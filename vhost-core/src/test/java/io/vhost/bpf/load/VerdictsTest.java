package io.vhost.bpf.load;

import static java.util.Map.entry;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.BpfMap;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.Clang;
import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.helper.HelperSet;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.rules.MapFacts;
import io.vhost.bpf.rules.Subject;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.Program;
import io.vhost.bpf.verify.Mode;
import io.vhost.bpf.verify.Verdict;
import io.vhost.bpf.verify.Verifier;
import io.vhost.bpf.vm.Interpreter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The verifier's verdicts beside the kernel's: on generated programs, on the same with mistakes, and on real
 * ones with mistakes. For longer: {@code -Dverdicts=20000 -Dverdicts.real=2000}, the seed with
 * {@code -Dverdicts.seed}; {@code -Dverdicts.list} prints each difference, {@code -Dverdicts.dump} names a
 * folder for both logs.
 *
 * <p>Generated programs that are accepted here alone are run on 200 inputs each, and none is aborted: the
 * interpreter checks every access.
 */
@Tag("peer")
class VerdictsTest {
    private static final int PROGRAMS = Integer.getInteger("verdicts", 400);
    private static final int REAL = Integer.getInteger("verdicts.real", 140);
    private static final long SEED = Long.getLong("verdicts.seed", 1);
    private static final boolean LIST = System.getProperty("verdicts.list") != null;
    private static final String DUMP = System.getProperty("verdicts.dump");
    private static final int ARRAY = 2;

    /** What a program is loaded as. */
    enum Type {
        XDP(6), TC(3);

        private final int id;

        Type(int id) {
            this.id = id;
        }

        private ContextLayout layout() {
            return this == XDP ? ContextLayout.XDP : ContextLayout.SKB;
        }

        private HelperSet helpers() {
            return this == XDP ? HelperSet.xdp() : HelperSet.classifier();
        }
    }

    private static final String ENDS = "every way through it was followed to its end";
    private static final String DIVISIONS = "bounds of quotients and remainders are known here";
    private static final String NEVER_REACHED = "its bounds are narrower here: no way leads there";
    private static final String NOT_USED = "an address is computed there, and no way on which it is"
            + " out of bounds uses it";

    private final SplittableRandom random = new SplittableRandom(SEED);
    private final MutatedProgram mutations = new MutatedProgram(random);
    private final Map<String, Integer> onlyHere = new TreeMap<>();
    private final Map<String, Integer> onlyKernel = new TreeMap<>();
    private Type type = Type.XDP;
    private int accepted;
    private int refused;

    private final MemorySegment room = Arena.ofAuto().allocate(TameProgram.SIZE, 8);
    private final Cpu cpu = new Cpu(0);

    @TempDir
    private Path folder;

    private Verdict verify(long[] insns, List<MapFacts> maps, int level) throws ProgramException {
        return Verifier.verify(new Subject(Code.of("p", insns), type.layout(), maps,
                type.helpers()::prototype), Mode.STRICT, level);
    }

    private String own(long[] insns, List<MapFacts> maps) {
        try {
            verify(insns, maps, 0);
            return "";
        } catch (ProgramException e) {
            return "insn " + e.instruction() + ": " + e.text();
        }
    }

    private void compare(long[] insns, List<MapFacts> maps, KernelRun.Judgement kernel, String what)
            throws ProgramException, IOException {
        String own = own(insns, maps);
        boolean here = own.isEmpty();
        accepted += here && kernel.accepts() ? 1 : 0;
        refused += here || kernel.accepts() ? 0 : 1;
        if (here != kernel.accepts()) {
            String reason = here ? explained(insns, maps, kernel) : own;
            (here ? onlyHere : onlyKernel).merge(reason.replaceAll("-?\\d+", "N"), 1, Integer::sum);
            if (LIST) {
                System.out.println(what + (here ? ": only here, kernel: " : ": only kernel, here: ")
                        + (here ? kernel.reason() + ", " : "") + reason);
            }
        }
    }

    /** Why a program is safe that the kernel refuses; its words if that is not known. */
    private String explained(long[] insns, List<MapFacts> maps, KernelRun.Judgement kernel)
            throws ProgramException, IOException {
        String log = verify(insns, maps, 2).log();
        if (DUMP != null) {
            String file = Integer.toHexString(Arrays.hashCode(insns));
            Files.writeString(Path.of(DUMP, file + ".own"), log);
            Files.writeString(Path.of(DUMP, file + ".kernel"), kernel.log());
        }
        if (kernel.reason().startsWith("old state:") || kernel.reason().contains("too large")
                || kernel.reason().contains("too complex")) {
            return ENDS;
        }
        if (!log.contains("\n" + kernel.at() + ": (")) {
            return NEVER_REACHED;
        }
        if (kernel.reason().startsWith("math between") || kernel.reason().contains("be out of bounds")) {
            return NOT_USED;
        }
        boolean divides = Arrays.stream(insns).anyMatch(insn -> (Insn.kind(insn) == Insn.ALU
                || Insn.kind(insn) == Insn.ALU64)
                && (Insn.operation(insn) == Insn.DIV || Insn.operation(insn) == Insn.MOD));
        return divides ? DIVISIONS : kernel.reason();
    }

    private static int count(Map<String, Integer> differences) {
        return differences.values().stream().mapToInt(Integer::intValue).sum();
    }

    private void report(String what) {
        System.out.println(what + ": both accept " + accepted + ", both refuse " + refused + ", only here "
                + onlyHere + ", only the kernel " + onlyKernel);
        onlyHere.keySet().removeAll(List.of(DIVISIONS, ENDS, NEVER_REACHED, NOT_USED));
        assertEquals(Map.of(), onlyHere, "accepted here, refused by the kernel");
    }

    private void generated(Type of, boolean mutated) throws Exception {
        type = of;
        List<MapFacts> maps = List.of(MapFacts.of(new MapSpec("m", ARRAY, 4, TameProgram.SIZE, 1, 0)));
        TameProgram programs = new TameProgram(random, type.layout());
        cpu.memory().context(Arena.ofAuto().allocate(type.layout().size(), 8));
        try (KernelRun kernel = new KernelRun()) {
            int map = kernel.map("m", ARRAY, 4, TameProgram.SIZE, 1, 0);
            for (int i = 0; i < PROGRAMS; i++) {
                long[] insns = programs.next(map);
                if (mutated) {
                    insns = mutations.of(insns);
                }
                KernelRun.Judgement verdict = kernel.judge(type.id, insns);
                for (int at = 0; at < insns.length; at++) {
                    if (Insns.isValue(insns[at])) {
                        insns[at] = Insns.withMap(insns[at], 0);
                    }
                }
                compare(insns, maps, verdict, "program " + i);
                if (own(insns, maps).isEmpty()) {
                    run(insns, verdict.accepts() ? 2 : 200, "program " + i);
                }
            }
        }
        report(type + (mutated ? " generated with mistakes" : " generated"));
        if (!mutated) {
            assertTrue(count(onlyKernel) * 100 < PROGRAMS, onlyKernel::toString);
        }
    }

    @ParameterizedTest
    @EnumSource(Type.class)
    void generatedProgramsAreJudgedAsByTheKernel(Type of) throws Exception {
        generated(of, false);
    }

    @ParameterizedTest
    @EnumSource(Type.class)
    void generatedProgramsWithMistakesAreJudgedAsByTheKernel(Type of) throws Exception {
        generated(of, true);
    }

    /** Those of tc, and those of XDP that do nothing but what tc's may do as well. */
    @Test
    void realProgramsOfTcAreAcceptedAndWithMistakesJudgedAsByTheKernel() throws Exception {
        type = Type.TC;
        List<String> names = List.of("flows", "nat", "helpers_tc", "dns", "parse", "firewall", "functions",
                "ratelimit");
        for (String name : names) {
            real(name, BpfObject.read(Clang.programOfTc(folder, name, "-mcpu=v3")), REAL / names.size());
        }
        report("TC real with mistakes");
    }

    private void real(String name, BpfObject object, int count) throws Exception {
        long[] insns = object.link(object.programs().getFirst()).instructions();
        List<MapFacts> maps = object.maps().stream().map(VerdictsTest::facts).toList();
        try (KernelRun kernel = new KernelRun()) {
            kernel.maps(object);
            assertEquals("", own(insns, maps), name);
            assertTrue(kernel.judge(type.id, kernel.linked(object, insns)).accepts(), name);
            for (int i = 0; i < count; i++) {
                long[] mutated = mutations.of(insns);
                compare(mutated, maps, kernel.judge(type.id, kernel.linked(object, mutated)), name + " " + i);
            }
        }
    }

    @Test
    void realProgramsAreAcceptedAndWithMistakesJudgedAsByTheKernel() throws Exception {
        Map<String, String> sources = Map.ofEntries(entry("filter", XdpSources.filter()),
                entry("counters", XdpSources.counters()), entry("vlan", XdpSources.vlan()),
                entry("tunnel", XdpSources.tunnel()), entry("parts", XdpSources.parts()),
                entry("chain", XdpSources.chain()), entry("sampler", XdpSources.sampler()),
                entry("names", DeployedSources.names()), entry("extensions", DeployedSources.extensions()),
                entry("limiter", DeployedSources.limiter()), entry("option", DeployedSources.option()),
                entry("nat", DeployedSources.nat()), entry("functions", DeployedSources.functions()));
        for (String name : new TreeMap<>(sources).keySet()) {
            real(name, BpfObject.read(Clang.compile(folder, name, sources.get(name), "-mcpu=v3")),
                    REAL / sources.size());
        }
        report("XDP real with mistakes");
    }

    /** What was accepted does no harm, whatever is in the packet and in the map. */
    private void run(long[] insns, int times, String what) throws Exception {
        BpfTable table = new MapFactory(1, 1 << 16)
                .create(new MapSpec("m", ARRAY, 4, TameProgram.SIZE, 1, 0));
        Image image = new Image(Code.of("p", insns), type.layout(), List.of(table), type.helpers()::helper);
        Program program = new Program(image, new Interpreter(image, AccessRegions.of(image)));
        for (int i = 0; i < times; i++) {
            byte[] bytes = new byte[TameProgram.SIZE];
            fill(bytes, i);
            // No room in front and behind: what is outside the packet is outside the region.
            MemorySegment.copy(bytes, 0, room, ValueLayout.JAVA_BYTE, 0, bytes.length);
            fill(bytes, i);
            MemorySegment.copy(bytes, 0, table.values(), ValueLayout.JAVA_BYTE, 0, bytes.length);
            cpu.packet().set(room, 0, bytes.length, type.layout());
            program.run(cpu, Address.CONTEXT, 0);
            assertEquals(Abort.NONE, cpu.abort(), () -> what + " of seed " + SEED + " at insn "
                    + cpu.faultAt());
        }
    }

    private void fill(byte[] bytes, int round) {
        random.nextBytes(bytes);
        for (int i = 0; i < bytes.length && round % 2 == 1; i++) {
            bytes[i] = random.nextInt(3) == 0 ? bytes[i] : (byte) random.nextInt(-1, 2);
        }
    }

    @Test
    void programsWithMapsInMapsAreAcceptedWithEachInstructionSet() throws Exception {
        for (String version : List.of("v1", "v2", "v3")) {
            BpfObject object = BpfObject.read(Clang.compile(folder, "balancer", DeployedSources.balancer(),
                    "-mcpu=" + version));
            assertTrue(LoadedObject.load(object, new MapFactory(1, 1 << 20)).verdict("balancer").ends());
        }
    }

    private static MapFacts facts(BpfMap map) {
        return MapFacts.of(new MapSpec(map.name(), map.type(), (int) map.keySize(), (int) map.valueSize(),
                (int) map.maxEntries(), map.flags()));
    }
}
