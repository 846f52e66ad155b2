package io.vhost.app.bpf;

import io.vhost.bpf.BpfException;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.load.LoadOptions;
import io.vhost.bpf.load.LoadedObject;
import io.vhost.bpf.load.ObjectFile;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.verify.Mode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** Options of commands that load an object, and the loading. Thread: one. */
final class Loading {
    private static final long MAX_MAP = 1L << 30;

    @Option(names = "--set", paramLabel = "NAME=NUMBER",
            description = "Set a variable before the object is loaded, also one of .rodata or .kconfig;"
                    + " parts are written as in C: limits.rate, ports[2].")
    private final Map<String, String> variables = new LinkedHashMap<>();

    @Option(names = "--types", paramLabel = "BTF",
            description = "Answer what the program asks about types (CO-RE) from this file: bare BTF, such as"
                    + " /sys/kernel/btf/vmlinux. Default: the object's own types.")
    private Path types;

    @Option(names = "--budgeted",
            description = "Accept loops that are not known to end: a run that goes on for too long is"
                    + " ABORTED.")
    private boolean budgeted;

    /** Loads an object, with so much in the verifier's log. */
    LoadedObject load(Path file, int logLevel)
            throws IOException, BpfException, ProgramException, MapException, UsageException {
        BpfObject object = ObjectFile.read(file);
        LoadOptions options = LoadOptions.of(new MapFactory(1, MAX_MAP));
        for (Map.Entry<String, String> variable : variables.entrySet()) {
            options = options.set(variable.getKey(), number(variable.getKey(), variable.getValue()));
        }
        if (types != null) {
            options = options.types(types());
        }
        try {
            return LoadedObject.load(object, options, budgeted ? Mode.BUDGETED : Mode.STRICT, logLevel);
        } catch (IllegalArgumentException e) {
            if (options.variables().isEmpty()) {
                throw e;
            }
            throw new UsageException("--set: " + e.getMessage(), e);
        }
    }

    private Btf types() throws IOException, UsageException {
        try {
            return Btf.read(types);
        } catch (BtfException e) {
            throw new UsageException("--types " + types + ": " + e.getMessage(), e);
        }
    }

    private static long number(String name, String text) throws UsageException {
        try {
            return Long.decode(text);
        } catch (NumberFormatException e) {
            throw new UsageException("--set " + name + ": " + text + " is no number", e);
        }
    }
}
