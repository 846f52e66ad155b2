package io.vhost.app.bpf;

import io.vhost.bpf.elf.ElfException;
import io.vhost.bpf.elf.ElfFile;
import io.vhost.bpf.elf.ElfSection;
import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.helper.HelperSet;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.jit.Compiler;
import io.vhost.bpf.jit.TooLargeException;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.Program;
import io.vhost.bpf.vm.Interpreter;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * The command {@code bpf test}: one run for the runner of the public conformance suite (bpf_conformance), by
 * the contract of its plug-ins. Thread: the main thread.
 */
@Command(
        name = "test",
        mixinStandardHelpOptions = true,
        description = {
                "Runs instructions from standard input, bytes in hex, and writes register 0 in hex: a"
                + " plug-in of the runner of bpf_conformance (--plugin_path). Register 1 is the address of"
                + " MEMORY, register 2 its length.",
                "Exit status: 0 it ran; 1 it could not be loaded or was aborted, and standard error says"
                + " why; 2 the command line is not understood."})
final class BpfTestCommand implements Callable<Integer> {
    private static final int MAX_INPUT = 64 << 20;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "MEMORY", arity = "0..1", defaultValue = "",
            description = "Bytes in hex, with blanks between them.")
    private String memory;

    @Option(names = "--program", paramLabel = "HEX",
            description = "The instructions, instead of standard input.")
    private String program;

    @Option(names = "--elf", description = "What comes is an ELF file; its first section of code is run.")
    private boolean elf;

    @Option(names = "--interpret", description = "Interpret instead of compiling.")
    private boolean interpret;

    @Option(names = "--debug", description = "Say on standard error what is run.")
    private boolean debug;

    private final InputStream in;

    /**
     * The command, to be added to a command line.
     *
     * @param in standard input
     */
    BpfTestCommand(InputStream in) {
        this.in = in;
    }

    @Override
    public Integer call() {
        try {
            String text = program != null ? program
                    : new String(in.readNBytes(MAX_INPUT), StandardCharsets.US_ASCII);
            byte[] code = bytes(text);
            long result = run(elf ? code(code) : code, bytes(memory));
            spec.commandLine().getOut().println(Long.toHexString(result));
            spec.commandLine().getOut().flush();
            return 0;
        } catch (IOException | ElfException | ProgramException | TooLargeException
                | IllegalArgumentException e) {
            spec.commandLine().getErr().println(e.getMessage());
            return 1;
        }
    }

    private static byte[] bytes(String text) {
        return HexFormat.of().parseHex(text.replaceAll("\\s", ""));
    }

    private static byte[] code(byte[] file) throws ElfException {
        ElfFile parsed = ElfFile.parse(file, ElfFile.BPF);
        return parsed.sections().stream().filter(ElfSection::isCode).filter(s -> s.size() > 0)
                .findFirst().map(parsed::contents)
                .orElseThrow(() -> new IllegalArgumentException("the ELF file has no section of code"));
    }

    private long run(byte[] code, byte[] given) throws ProgramException, TooLargeException {
        if (code.length == 0 || code.length % Insn.BYTES != 0) {
            throw new IllegalArgumentException(code.length + " bytes are no instructions: they have "
                    + Insn.BYTES + " each");
        }
        long[] insns = new long[code.length / Insn.BYTES];
        ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(insns);
        if (debug) {
            spec.commandLine().getErr().println(insns.length + " instructions, " + given.length
                    + " bytes of memory, " + (interpret ? "interpreted" : "compiled"));
        }
        Image image = new Image(Code.of("test", insns), ContextLayout.PLAIN, List.of(),
                HelperSet.base()::helper);
        AccessRegions regions = AccessRegions.of(image);
        Program runnable = new Program(image, interpret ? new Interpreter(image, regions)
                : Compiler.compile(image, regions, true));
        Cpu cpu = new Cpu(0);
        MemorySegment room = Arena.ofAuto().allocate(Math.max(1, given.length), 8);
        MemorySegment.copy(given, 0, room, ValueLayout.JAVA_BYTE, 0, given.length);
        cpu.memory().context(room.asSlice(0, given.length));
        long result = runnable.run(cpu, given.length == 0 ? 0 : Address.CONTEXT, given.length);
        if (cpu.abort() != Abort.NONE) {
            throw new IllegalArgumentException(cpu.abort().text() + (cpu.faultAt() < 0 ? ""
                    : " at instruction " + cpu.faultAt()));
        }
        return result;
    }
}
