package io.vhost.app.bpf;

import io.vhost.app.cli.Background;
import io.vhost.app.cli.EndSignal;
import io.vhost.bpf.BpfException;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.context.CheckMode;
import io.vhost.bpf.context.ContextTypes;
import io.vhost.bpf.context.SectionName;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
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
                "Each function gets a verdict: pass; reject; unreliable (the kernel accepts it, but does not"
                + " rely on its types).",
                "Exit status: 0 all programs pass; 1 one is rejected, there is none, or the file is no good"
                + " object; 2 the command line is not understood."})
final class BpfInspectCommand implements Callable<Integer> {
    private static final String RUNNING_KERNEL = "host";

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "OBJ", description = "The object file.")
    private Path file;

    @Option(names = "--json", description = "Write JSON instead of text; it always has the lines.")
    private boolean json;

    @Option(names = "--types", description = "Write the definitions of all types, too, in C.")
    private boolean definitions;

    @Option(names = "--lines", description = "List the source line of each instruction.")
    private boolean lines;

    @Option(names = "--mode", paramLabel = "MODE", defaultValue = "strict", converter = ModeConverter.class,
            description = "How to judge: strict (a program must take its context), kernel (what Linux 6.18"
                    + " says of types, and of calls that pass the context on in a register; the rest of its"
                    + " verifier is left out), seed (as Linux did in 2019). Default: ${DEFAULT-VALUE}.")
    private CheckMode mode;

    @Option(names = "--section", paramLabel = "NAME", converter = SectionConverter.class,
            description = "Judge programs in sections whose names tell no type as if they were in section"
                    + " NAME, such as xdp or tc.")
    private SectionName section;

    @Option(names = "--extends", paramLabel = "NAME", converter = SectionConverter.class,
            description = "Judge freplace programs as parts of a program in section NAME, such as xdp.")
    private SectionName extended;

    @Option(names = "--kernel-types", paramLabel = "BTF",
            description = "Take the kernel's context types from this file, or from the running kernel if it"
                    + " is \"" + RUNNING_KERNEL + "\". Default: the types that come with this program.")
    private String kernelTypes;

    private final EndSignal end;

    /** The file that is to blame for what happens. */
    private volatile Path reading;

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

    /** Reads a section's name. */
    static final class SectionConverter implements ITypeConverter<SectionName> {
        @Override
        public SectionName convert(String value) {
            return SectionName.of(value).orElseThrow(() -> new TypeConversionException(
                    "section name '" + value + "' tells no program type"));
        }
    }

    /**
     * The command, to be added to a command line.
     *
     * @param end tells when its user waits no longer
     */
    BpfInspectCommand(EndSignal end) {
        this.end = end;
    }

    @Override
    public Integer call() throws Exception {
        reading = file;
        // A FIFO may never have a writer, and opening it cannot be broken off.
        CompletableFuture<Inspection> work = Background.start("vhost-read", this::inspect);
        if (!end.await(work, Long.MAX_VALUE)) {
            return refuse(reading, "not read to its end: interrupted", Optional.empty());
        }
        Inspection inspection;
        try {
            inspection = Background.result(work);
        } catch (BpfException e) {
            return refuse(reading, json ? e.text() : e.getMessage(), Optional.of(e));
        } catch (IOException e) {
            return refuse(reading, reason(reading, e), Optional.empty());
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            InspectionJson.write(inspection, definitions, out);
        } else {
            new InspectionText(out, definitions, lines).write(inspection);
        }
        out.flush();
        return inspection.passed() ? 0 : 1;
    }

    private Inspection inspect() throws IOException, BpfException {
        BpfObject object = BpfObject.read(file);
        if (kernelTypes != null) {
            reading = kernelTypes.equals(RUNNING_KERNEL) ? Btf.HOST : Path.of(kernelTypes);
        }
        return Inspection.of(file, object, types(reading), mode,
                new Inspection.Hints(Optional.ofNullable(section), Optional.ofNullable(extended)));
    }

    private ContextTypes types(Path source) throws IOException, BpfException {
        if (kernelTypes == null) {
            return ContextTypes.shipped();
        }
        try {
            return ContextTypes.of(Btf.read(source));
        } catch (BtfException e) {
            throw new BpfException(BpfException.Stage.CONTEXT, e);
        }
    }

    private static String reason(Path file, IOException error) {
        return switch (error) {
            case NoSuchFileException e -> "no such file";
            case AccessDeniedException e -> "permission denied";
            default -> {
                String text = String.valueOf(error.getMessage());
                yield text.startsWith(file + " ") ? text.substring(file.toString().length() + 1) : text;
            }
        };
    }

    private int refuse(Path refused, String text, Optional<BpfException> refusal) throws IOException {
        if (json) {
            PrintWriter out = spec.commandLine().getOut();
            InspectionJson.write(refused, text, refusal, out);
            out.flush();
        } else {
            spec.commandLine().getErr().println(refused + ": " + text);
        }
        return 1;
    }
}
