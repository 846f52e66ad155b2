package io.vhost.app.bpf;

import io.vhost.app.cli.EndSignal;
import io.vhost.bpf.BpfException;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.load.LoadedObject;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.verify.Verdict;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The command {@code bpf verify}. Thread: the main thread. */
@Command(
        name = "verify",
        mixinStandardHelpOptions = true,
        description = {
                "Says whether the programs of an object may run, and what has to be changed if not.",
                "Exit status: 0 all may; 1 one may not, or the object is no good; 2 the command line is not"
                + " understood."})
final class BpfVerifyCommand implements Callable<Integer> {
    private static final int MOST_LOG = 2;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "OBJ", description = "The object file, compiled with clang -g -target bpf.")
    private Path file;

    @Option(names = "--log", paramLabel = "LEVEL", defaultValue = "0",
            description = "How much of the verifier's log is shown: 0 nothing, 1 instructions with registers"
                    + " and source lines, 2 with what they do to them. Default: ${DEFAULT-VALUE}.")
    private int log;

    @Mixin
    private Loading loading;

    private final EndSignal end;

    /**
     * The command, to be added to a command line.
     *
     * @param end tells when its user waits no longer
     */
    BpfVerifyCommand(EndSignal end) {
        this.end = end;
    }

    @Override
    public Integer call() throws Exception {
        if (log < 0 || log > MOST_LOG) {
            throw new ParameterException(spec.commandLine(), "--log is " + log + "; 0, 1 or " + MOST_LOG);
        }
        return ObjectWork.run(file, file, end, spec.commandLine().getErr(), this::work);
    }

    private Void work() throws IOException, BpfException, ProgramException, MapException, UsageException {
        PrintWriter out = spec.commandLine().getOut();
        try {
            LoadedObject loaded = loading.load(file, log);
            for (String name : loaded.programs().keySet()) {
                Verdict verdict = loaded.verdict(name);
                out.print(verdict.log());
                out.println(name + ": accepted, " + verdict.processed() + " instructions followed in "
                        + verdict.states() + " states, " + (verdict.ends() ? "ends" : "runs with a budget"));
            }
            return null;
        } catch (ProgramException refused) {
            out.print(refused.log());
            throw refused;
        } finally {
            out.flush();
        }
    }
}
