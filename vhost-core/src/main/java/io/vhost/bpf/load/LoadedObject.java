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
import io.vhost.bpf.helper.HelperPrototype;
import io.vhost.bpf.helper.HelperSet;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.jit.Compiler;
import io.vhost.bpf.jit.TooLargeException;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.rules.MapFacts;
import io.vhost.bpf.rules.Subject;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Fault;
import io.vhost.bpf.run.Helper;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.Program;
import io.vhost.bpf.verify.Mode;
import io.vhost.bpf.verify.Verdict;
import io.vhost.bpf.verify.Verifier;
import io.vhost.bpf.view.TypedMap;
import io.vhost.bpf.vm.Interpreter;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
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
    private final Map<String, TypedMap> maps = new LinkedHashMap<>();
    private final Map<String, String> interpreted = new LinkedHashMap<>();
    private final Map<String, Verdict> verdicts = new LinkedHashMap<>();

    private LoadedObject() {
    }

    /** Loads all programs of an object as it is, if the verifier proves that each does no harm and ends. */
    public static LoadedObject load(BpfObject object, MapFactory factory)
            throws BpfException, ProgramException, MapException {
        return load(object, LoadOptions.of(factory));
    }

    /** The same with what the application sets. */
    public static LoadedObject load(BpfObject object, LoadOptions options)
            throws BpfException, ProgramException, MapException {
        return load(object, options, Mode.STRICT, 0);
    }

    /** Loads an object as it is; otherwise as below. */
    public static LoadedObject load(BpfObject object, MapFactory factory, Mode mode, int logLevel)
            throws BpfException, ProgramException, MapException {
        return load(object, LoadOptions.of(factory), mode, logLevel);
    }

    /**
     * Loads all programs of an object, if the verifier accepts each.
     *
     * @param mode     what becomes of loops that are not known to end
     * @param logLevel how much is in the verifier's log: 0 to 2
     * @throws BpfException             if a program refers to what the object does not have, or its section
     *                                  does not tell a type that runs here
     * @throws ProgramException         if instructions are malformed or call a helper that does not exist,
     *                                  the verifier refuses a program, or the object's byte order is not the
     *                                  machine's
     * @throws MapException             if a map cannot be made, or be filled as the object says
     * @throws IllegalArgumentException if the options set a variable that the object does not have
     */
    public static LoadedObject load(BpfObject object, LoadOptions options, Mode mode, int logLevel)
            throws BpfException, ProgramException, MapException {
        return load(object, options, subject -> Verifier.verify(subject, mode, logLevel));
    }

    /** For tests of what stops a program that no verifier has seen: it runs with a budget. */
    static LoadedObject loadUnverified(BpfObject object, MapFactory factory)
            throws BpfException, ProgramException, MapException {
        return loadUnverified(object, LoadOptions.of(factory));
    }

    /** The same with what the application sets. */
    static LoadedObject loadUnverified(BpfObject object, LoadOptions options)
            throws BpfException, ProgramException, MapException {
        return load(object, options, ignored -> new Verdict(false, 0, 0, ""));
    }

    /** What decides on a program. */
    private interface Judge {
        Verdict judge(Subject subject) throws ProgramException;
    }

    private static LoadedObject load(BpfObject object, LoadOptions options, Judge judge)
            throws BpfException, ProgramException, MapException {
        if (!object.btf().byteOrder().equals(ByteOrder.nativeOrder())) {
            throw new ProgramException(0, "", "the object is " + object.btf().byteOrder() + ", this machine "
                    + ByteOrder.nativeOrder() + ": compile with -target bpf on it");
        }
        LoadedObject loaded = new LoadedObject();
        ObjectMaps maps = new ObjectMaps(object, options);
        loaded.maps.putAll(maps.byName());
        for (BpfProgram program : object.programs()) {
            loaded.add(object, program, maps.tables(), options, judge);
        }
        maps.fillWithPrograms(loaded.programs);
        return loaded;
    }

    private void add(BpfObject object, BpfProgram program, List<BpfTable> tables, LoadOptions options,
            Judge judge)
            throws BpfException, ProgramException {
        LinkedProgram linked = options.types().isEmpty() ? object.link(program)
                : object.link(program, options.types().get());
        Code code = Code.of(program.name(), linked.instructions(),
                linked.functions().stream().map(BpfFunction::name).toList(), linked::source);
        ProgramType type = program.target().map(ContextCheck.Target::type).orElse(null);
        boolean classifier = type == ProgramType.SCHED_CLS || type == ProgramType.SCHED_ACT;
        if (type != ProgramType.XDP && !classifier) {
            throw new ProgramException(0, "", "program " + program.name() + " in section "
                    + program.function().section() + ": only programs of xdp and tc run here");
        }
        HelperSet helpers = (classifier ? HelperSet.classifier() : HelperSet.xdp())
                .with(options.helpers().toArray(HelperPrototype[]::new));
        Helper unresolved = linked.unresolved().isEmpty() ? null : (_, _, _, _, _, _) -> {
            throw Fault.unresolved();
        };
        Image image = new Image(code, classifier ? ContextLayout.SKB : ContextLayout.XDP, tables,
                id -> id == LinkedProgram.UNRESOLVED ? unresolved : helpers.helper(id));
        Verdict verdict;
        try {
            verdict = judge.judge(new Subject(code, image.context(), facts(object, tables),
                    helpers::prototype));
        } catch (ProgramException e) {
            String noAnswer = linked.unresolved().get(e.instruction());
            throw noAnswer == null ? e : new ProgramException(e.instruction(), "", noAnswer);
        }
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
        DeclaredMaps types = new DeclaredMaps(object.btf());
        List<MapFacts> facts = new ArrayList<>();
        for (int i = 0; i < tables.size(); i++) {
            BpfMap map = object.maps().get(i);
            MemorySegment values = tables.get(i).values();
            facts.add(new MapFacts(tables.get(i).spec(), types.lockIn(map.valueType()),
                    types.inner(map.valueType()), values.isReadOnly() ? values : null));
        }
        return facts;
    }

    /** The programs by name, in the object's order. */
    public Map<String, Program> programs() {
        return Collections.unmodifiableMap(programs);
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
        return typed(name).table();
    }

    /**
     * A map with the types of what it holds.
     *
     * @throws IllegalArgumentException if there is none of this name
     */
    public TypedMap typed(String name) {
        return found(maps, name, "map");
    }

    /** The maps by name, in the object's order: those that are defined, then the sections of variables. */
    public Map<String, TypedMap> maps() {
        return Collections.unmodifiableMap(maps);
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
