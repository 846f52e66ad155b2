package io.vhost.program;

import io.vhost.bpf.BpfException;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.BpfProgram;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.load.LoadOptions;
import io.vhost.bpf.load.LoadedObject;
import io.vhost.bpf.load.ObjectFile;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.verify.Mode;
import io.vhost.bpf.view.TypedMap;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The programs and maps of an eBPF object, verified, compiled and ready to run on queues. Freed when nobody
 * refers to them any more.
 *
 * <p>Threads: any. Programs of one object share its maps.
 */
public final class ProgramObject {
    private final Map<String, QueueProgram> programs = new LinkedHashMap<>();
    private final Map<String, QueueProgram> sections = new LinkedHashMap<>();
    private final Map<String, TypedMap> typed = new LinkedHashMap<>();
    private final Map<String, ProgramMap> maps = new LinkedHashMap<>();
    private final int threads;

    private ProgramObject(int threads) {
        this.threads = threads;
    }

    /**
     * Loads an object with {@link ProgramOptions#defaults}.
     *
     * @param file compiled with {@code clang -g -target bpf}
     * @throws IOException if the file cannot be read
     * @throws ProgramRefusedException as the other form
     */
    public static ProgramObject load(Path file) throws IOException, ProgramRefusedException {
        return load(file, ProgramOptions.defaults());
    }

    /**
     * Loads an object: all of it, or nothing.
     *
     * @param file compiled with {@code clang -g -target bpf}
     * @param options what the application tells
     * @throws IOException if the file cannot be read
     * @throws ProgramRefusedException if the verifier refuses a program, or something of the object is wrong
     * @throws IllegalArgumentException if the options set a variable that the object does not have
     */
    public static ProgramObject load(Path file, ProgramOptions options)
            throws IOException, ProgramRefusedException {
        return load(file, options, Map.of());
    }

    /**
     * Loads an object that goes on with the maps of this one, as a replacement of its programs may have to:
     * what is in them stays, and both see what either writes. Variables begin anew.
     *
     * @param file compiled with {@code clang -g -target bpf}
     * @param options what the application tells; with as many threads as this object has
     * @throws IOException if the file cannot be read
     * @throws ProgramRefusedException as {@link #load(Path, ProgramOptions)}, and if a map is missing or has
     *     another shape
     * @throws IllegalArgumentException if the options set a variable that the object does not have, or have
     *     another number of threads
     */
    public ProgramObject successor(Path file, ProgramOptions options)
            throws IOException, ProgramRefusedException {
        if (options.threads() != threads) {
            throw new IllegalArgumentException("threads=" + options.threads() + ", and the maps to be kept"
                    + " are for " + threads + ": use as many");
        }
        Map<String, TypedMap> kept = new LinkedHashMap<>(typed);
        // Sections of variables belong to the code that was compiled with them.
        kept.keySet().removeIf(name -> name.startsWith("."));
        ProgramObject next = load(file, options, kept);
        for (String name : kept.keySet()) {
            if (!next.maps.containsKey(name)) {
                throw new ProgramRefusedException(file + ": it has no map " + name + ", which is to be kept;"
                        + " add it, or begin with new maps", "", null);
            }
        }
        return next;
    }

    private static ProgramObject load(Path file, ProgramOptions options, Map<String, TypedMap> kept)
            throws IOException, ProgramRefusedException {
        LoadEvent event = new LoadEvent();
        event.begin();
        try {
            BpfObject object = ObjectFile.read(file);
            LoadOptions loading = LoadOptions.of(new MapFactory(options.threads(), options.maxMapBytes()));
            for (Map.Entry<String, Long> variable : options.variables().entrySet()) {
                loading = loading.set(variable.getKey(), variable.getValue());
            }
            if (options.types().isPresent()) {
                loading = loading.types(options.types().get());
            }
            Map<String, BpfTable> reused = new LinkedHashMap<>();
            kept.forEach((name, map) -> reused.put(name, map.table()));
            loading = loading.reusing(reused);
            LoadedObject loaded = LoadedObject.load(object, loading,
                    options.budgeted() ? Mode.BUDGETED : Mode.STRICT, 0);
            ProgramObject result = new ProgramObject(options.threads());
            result.fill(object, loaded, options);
            event.loaded(file, result.programs.size());
            return result;
        } catch (BpfException | MapException e) {
            throw new ProgramRefusedException(file + ": " + e.getMessage(), "", e);
        } catch (ProgramException e) {
            throw new ProgramRefusedException(file + ": " + e.getMessage(), e.log(), e);
        }
    }

    private void fill(BpfObject object, LoadedObject loaded, ProgramOptions options) {
        Runners runners = new Runners(options.threads(), options.budget());
        for (BpfProgram program : object.programs()) {
            QueueProgram made = new QueueProgram(program.name(), loaded.program(program.name()), runners,
                    loaded.whyInterpreted(program.name()));
            programs.put(program.name(), made);
            sections.putIfAbsent(program.function().section(), made);
        }
        typed.putAll(loaded.maps());
        for (Map.Entry<String, TypedMap> map : typed.entrySet()) {
            maps.put(map.getKey(), new ProgramMap(map.getKey(), map.getValue(), options.threads()));
        }
    }

    /** {@return the programs, in the object's order} */
    public List<QueueProgram> programs() {
        return List.copyOf(programs.values());
    }

    /**
     * {@return a program}
     *
     * @param name its own, or that of its section, of which the first counts; empty: the only one
     * @throws IllegalArgumentException if there is none, or empty does not tell which
     */
    public QueueProgram program(String name) {
        if (name.isEmpty() && programs.size() == 1) {
            return programs.values().iterator().next();
        }
        QueueProgram found = programs.getOrDefault(name, sections.get(name));
        if (found == null) {
            throw new IllegalArgumentException((name.isEmpty() ? "which program?" : "no program " + name)
                    + " There are " + programs.keySet() + " in sections " + sections.keySet());
        }
        return found;
    }

    /** {@return the maps by name, in the object's order; sections of variables are among them} */
    public Map<String, ProgramMap> maps() {
        return Collections.unmodifiableMap(maps);
    }

    /**
     * {@return a map}
     *
     * @throws IllegalArgumentException if there is none of this name
     */
    public ProgramMap map(String name) {
        ProgramMap map = maps.get(name);
        if (map == null) {
            throw new IllegalArgumentException("no map " + name + "; there are " + maps.keySet());
        }
        return map;
    }
}
