package io.vhost.app.bpf;

import io.vhost.app.cli.EndSignal;
import io.vhost.bpf.BpfException;
import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.load.LoadedObject;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.run.Program;
import io.vhost.bpf.vm.Interpreter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The command {@code bpf run}. Thread: the main thread. */
@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        description = {
                "Runs an XDP or tc program on the packets of a capture, and shows what each of them got and"
                + " what is in the maps at the end.",
                "Exit status: 0 it ran on all packets; 1 the object or the capture is no good; 2 the command"
                + " line is not understood."})
final class BpfRunCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "OBJ", description = "The object file, compiled with clang -g -target bpf.")
    private Path file;

    @Option(names = "--pcap", required = true, paramLabel = "IN",
            description = "The capture, pcap or pcapng, of Ethernet.")
    private Path input;

    @Option(names = "--out", paramLabel = "OUT",
            description = "Write the packets that go on, as the program left them; pcapng if the name ends"
                    + " so, else pcap.")
    private Path output;

    @Option(names = "--repeat", paramLabel = "N", defaultValue = "1",
            description = "Run N times on each packet, as it came; what the first run did is shown, and how"
                    + " long all took. Default: ${DEFAULT-VALUE}.")
    private long repeat;

    @Option(names = "--program", paramLabel = "NAME",
            description = "Which program; may be left out if the object has one.")
    private String program;

    @Mixin
    private Loading loading;

    @Option(names = "--interpret", description = "Interpret the program instead of compiling it.")
    private boolean interpret;

    @Option(names = {"-q", "--quiet"}, description = "Leave out what each packet got.")
    private boolean quiet;

    private final EndSignal end;

    /**
     * The command, to be added to a command line.
     *
     * @param end tells when its user waits no longer
     */
    BpfRunCommand(EndSignal end) {
        this.end = end;
    }

    @Override
    public Integer call() throws Exception {
        if (repeat < 1) {
            throw new ParameterException(spec.commandLine(), "--repeat is " + repeat + "; at least 1");
        }
        return ObjectWork.run(file, input, end, spec.commandLine().getErr(), this::work);
    }

    private Void work() throws IOException, BpfException, ProgramException, MapException, UsageException {
        LoadedObject loaded = loading.load(file, 0);
        String name = name(loaded.programs().keySet());
        Program chosen = loaded.program(name);
        if (interpret) {
            chosen.execute(new Interpreter(chosen.image(), AccessRegions.of(chosen.image())));
        }
        loaded.whyInterpreted(name).ifPresent(why -> spec.commandLine().getErr()
                .println(name + " is interpreted: " + why));
        new PacketRun(loaded, name, spec.commandLine().getOut(), quiet)
                .run(input, Optional.ofNullable(output), repeat, end);
        return null;
    }

    private String name(Set<String> names) throws UsageException {
        if (program == null && names.size() == 1) {
            return names.iterator().next();
        }
        if (program == null || !names.contains(program)) {
            throw new UsageException((program == null ? "which program? Say --program NAME"
                    : "no program " + program) + "; there are " + names, null);
        }
        return program;
    }
}
