package io.vhost.app.bpf;

import io.vhost.bpf.BpfException;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.CheckMode;
import io.vhost.bpf.ContextTypes;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The command {@code bpf inspect}. Thread: the main thread. */
@Command(
        name = "inspect",
        mixinStandardHelpOptions = true,
        description = {
                "Shows the programs, maps and types of an object file compiled with clang -g -target bpf,"
                + " and checks that each program takes the context of its type.",
                "Exit status: 0 all programs pass, 1 not, 2 the command line is not understood."})
final class BpfInspectCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "OBJ", description = "The object file.")
    private Path file;

    @Option(names = "--json", description = "Write JSON instead of text.")
    private boolean json;

    @Option(names = "--lines", description = "List the source line of each instruction.")
    private boolean lines;

    @Option(names = "--mode", paramLabel = "MODE", defaultValue = "strict", converter = ModeConverter.class,
            description = "How to judge: strict (a program must take its context), kernel (as Linux 6.18),"
                    + " seed (as Linux did in 2019). Default: ${DEFAULT-VALUE}.")
    private CheckMode mode;

    @Option(names = "--kernel-types", paramLabel = "BTF",
            description = "Take the kernel's context types from this file, or from the running kernel if it"
                    + " is \"host\". Default: the types that come with this program.")
    private String kernelTypes;

    /** Reads a mode in small letters, as the help writes it. */
    static final class ModeConverter implements ITypeConverter<CheckMode> {
        @Override
        public CheckMode convert(String value) {
            try {
                return CheckMode.valueOf(value.toUpperCase(Locale.ROOT));
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException("'" + value + "' is none of strict, kernel, seed");
            }
        }
    }

    BpfInspectCommand() {
    }

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        Inspection inspection;
        try {
            inspection = Inspection.of(file, BpfObject.read(file), types(), mode);
        } catch (BpfException e) {
            return refuse(out, e);
        } catch (NoSuchFileException e) {
            spec.commandLine().getErr().println("no such file: " + e.getMessage());
            return 1;
        } catch (IOException e) {
            spec.commandLine().getErr().println("cannot read: " + e.getMessage());
            return 1;
        }
        if (json) {
            InspectionJson.write(inspection, out);
        } else {
            new InspectionText(out, lines).write(inspection);
        }
        out.flush();
        return inspection.passed() ? 0 : 1;
    }

    private ContextTypes types() throws IOException, BpfException {
        if (kernelTypes == null) {
            return ContextTypes.shipped();
        }
        if (kernelTypes.equals("host")) {
            return ContextTypes.host();
        }
        try {
            return ContextTypes.of(Btf.read(Path.of(kernelTypes)));
        } catch (BtfException e) {
            throw new BpfException(BpfException.Stage.CONTEXT, e);
        }
    }

    private int refuse(PrintWriter out, BpfException refusal) throws IOException {
        if (json) {
            InspectionJson.write(file, refusal, out);
        } else {
            spec.commandLine().getErr().println(file + ": " + refusal.getMessage());
        }
        out.flush();
        return 1;
    }
}
