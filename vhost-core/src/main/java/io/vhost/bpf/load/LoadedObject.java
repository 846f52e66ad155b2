package io.vhost.bpf.load;

import io.vhost.bpf.BpfException;
import io.vhost.bpf.BpfFunction;
import io.vhost.bpf.BpfMap;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.BpfProgram;
import io.vhost.bpf.LinkedProgram;
import io.vhost.bpf.context.ContextCheck;
import io.vhost.bpf.context.ProgramType;
import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.helper.HelperSet;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.jit.Compiler;
import io.vhost.bpf.jit.TooLargeException;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.rules.MapFacts;
import io.vhost.bpf.rules.Subject;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.Program;
import io.vhost.bpf.verify.Mode;
import io.vhost.bpf.verify.Verdict;
import io.vhost.bpf.verify.Verifier;
import io.vhost.bpf.vm.Interpreter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The programs and maps of an object, ready to run. All of it is there or none: what cannot be loaded ends in
 * an exception, and nothing is left behind.
 *
 * <p>Thread: immutable; any thread. Maps are shared by all programs of the object.
 */
public final class LoadedObject {
    private final Map<String, Program> programs = new LinkedHashMap<>();
    private final Map<String, BpfTable> maps = new LinkedHashMap<>();
    private final Map<String, String> interpreted = new LinkedHashMap<>();
    private final Map<String, Verdict> verdicts = new LinkedHashMap<>();

    private LoadedObject() {
    }

    /** Loads all programs of an object, if the verifier proves that each does no harm and ends. */
    public static LoadedObject load(BpfObject object, MapFactory factory)
            throws BpfException, ProgramException, MapException {
        return load(object, factory, Mode.STRICT, 0);
    }

    /**
     * Loads all programs of an object, if the verifier accepts each.
     *
     * @param mode     what becomes of loops that are not known to end
     * @param logLevel how much is in the verifier's log: 0 to 2
     * @throws BpfException     if a program refers to what the object does not have, or its section does not
     *                          tell a type that runs here
     * @throws ProgramException if instructions are malformed or call a helper that does not exist, the
     *                          verifier refuses a program, or the object's byte order is not the machine's
     * @throws MapException     if a map cannot be made
     */
    public static LoadedObject load(BpfObject object, MapFactory factory, Mode mode, int logLevel)
            throws BpfException, ProgramException, MapException {
        return load(object, factory, subject -> Verifier.verify(subject, mode, logLevel));
    }

    /** For tests of what stops a program that no verifier has seen: it runs with a budget. */
    static LoadedObject loadUnverified(BpfObject object, MapFactory factory)
            throws BpfException, ProgramException, MapException {
        return load(object, factory, ignored -> new Verdict(false, 0, 0, ""));
    }

    /** What decides on a program. */
    private interface Judge {
        Verdict judge(Subject subject) throws ProgramException;
    }

    private static LoadedObject load(BpfObject object, MapFactory factory, Judge judge)
            throws BpfException, ProgramException, MapException {
        if (!object.btf().byteOrder().equals(ByteOrder.nativeOrder())) {
            throw new ProgramException(0, "", "the object is " + object.btf().byteOrder() + ", this machine "
                    + ByteOrder.nativeOrder() + ": compile with -target bpf on it");
        }
        LoadedObject loaded = new LoadedObject();
        List<BpfTable> tables = new ArrayList<>();
        for (BpfMap map : object.maps()) {
            BpfTable table = table(object, map, factory);
            tables.add(table);
            loaded.maps.put(map.name(), table);
        }
        for (BpfProgram program : object.programs()) {
            loaded.add(object, program, tables, judge);
        }
        return loaded;
    }

    private static BpfTable table(BpfObject object, BpfMap map, MapFactory factory) throws MapException {
        BpfTable table = factory.create(new MapSpec(map.name(), map.type(), size(map.keySize()),
                size(map.valueSize()), size(map.maxEntries()), map.flags()));
        byte[] data = object.initialData(map);
        MemorySegment.copy(data, 0, table.values(), ValueLayout.JAVA_BYTE, 0,
                (int) Math.min(data.length, table.values().byteSize()));
        return table;
    }

    /** Sizes above what an {@code int} holds are as impossible as the largest one. */
    private static int size(long number) {
        return (int) Math.min(number, Integer.MAX_VALUE);
    }

    private void add(BpfObject object, BpfProgram program, List<BpfTable> tables, Judge judge)
            throws BpfException, ProgramException {
        LinkedProgram linked = object.link(program);
        Code code = Code.of(program.name(), linked.instructions(),
                linked.functions().stream().map(BpfFunction::name).toList(), linked::source);
        ProgramType type = program.target().map(ContextCheck.Target::type).orElse(null);
        boolean classifier = type == ProgramType.SCHED_CLS || type == ProgramType.SCHED_ACT;
        if (type != ProgramType.XDP && !classifier) {
            throw new ProgramException(0, "", "program " + program.name() + " in section "
                    + program.function().section() + ": only programs of xdp and tc run here");
        }
        HelperSet helpers = classifier ? HelperSet.classifier() : HelperSet.xdp();
        Image image = new Image(code, classifier ? ContextLayout.SKB : ContextLayout.XDP, tables,
                helpers::helper);
        Verdict verdict = judge.judge(new Subject(code, image.context(), facts(object, tables),
                helpers::prototype));
        verdicts.put(program.name(), verdict);
        AccessRegions regions = AccessRegions.of(image);
        Program runnable = new Program(image, new Interpreter(image, regions));
        try {
            runnable.execute(Compiler.compile(image, regions, !verdict.ends()));
        } catch (TooLargeException e) {
            interpreted.put(program.name(), e.getMessage());
        }
        programs.put(program.name(), runnable);
    }

    private static List<MapFacts> facts(BpfObject object, List<BpfTable> tables) {
        MapTypes types = new MapTypes(object.btf());
        List<MapFacts> facts = new ArrayList<>();
        for (int i = 0; i < tables.size(); i++) {
            BpfMap map = object.maps().get(i);
            facts.add(new MapFacts(tables.get(i).spec(), types.lockIn(map.valueType()),
                    types.inner(map.valueType())));
        }
        return facts;
    }

    /** The programs by name, in the object's order. */
    public Map<String, Program> programs() {
        return Map.copyOf(programs);
    }

    /**
     * A program.
     *
     * @throws IllegalArgumentException if there is none of this name
     */
    public Program program(String name) {
        return found(programs, name, "program");
    }

    /**
     * A map.
     *
     * @throws IllegalArgumentException if there is none of this name
     */
    public BpfTable map(String name) {
        return found(maps, name, "map");
    }

    /** Why a program is interpreted; empty if it is compiled. */
    public Optional<String> whyInterpreted(String name) {
        return Optional.ofNullable(interpreted.get(name));
    }

    /** What the verifier found of a program. */
    public Verdict verdict(String name) {
        return found(verdicts, name, "program");
    }

    private static <T> T found(Map<String, T> things, String name, String what) {
        T thing = things.get(name);
        if (thing == null) {
            throw new IllegalArgumentException("no " + what + " " + name + "; there are " + things.keySet());
        }
        return thing;
    }
}
