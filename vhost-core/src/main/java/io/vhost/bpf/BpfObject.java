package io.vhost.bpf;

import io.vhost.bpf.BpfException.Stage;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfExt;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.check.BtfValidator;
import io.vhost.bpf.btf.core.CoreTarget;
import io.vhost.bpf.context.ArgumentTags;
import io.vhost.bpf.context.CheckMode;
import io.vhost.bpf.context.ContextCheck;
import io.vhost.bpf.context.ContextTypes;
import io.vhost.bpf.context.FunctionCheck;
import io.vhost.bpf.elf.ElfException;
import io.vhost.bpf.elf.ElfFile;
import io.vhost.bpf.elf.ElfSection;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An object file as {@code clang -g -target bpf} writes it: its programs, maps, license and types, ready to
 * be checked. The types have passed {@link BtfValidator}.
 *
 * <p>Thread: immutable; any thread.
 */
public final class BpfObject {
    private static final int MAX_FILE = 64 << 20;

    private final Btf btf;
    private final ArgumentTags tags;
    private final BtfExt ext;
    private final String license;
    private final List<BpfProgram> programs;
    private final IdentityHashMap<BpfFunction, FunctionCode> codes;
    private final List<BpfMap> maps;
    private final Map<String, MapTypes> mapTypes;
    private final Map<String, Map<Integer, String>> slots;
    private final ProgramLinker linker;
    private volatile CoreTarget target;

    private BpfObject(Btf btf, BtfExt ext, String license, List<BpfProgram> programs,
            IdentityHashMap<BpfFunction, FunctionCode> codes, MapReader maps, MapSlots slots,
            ProgramLinker linker) throws BpfException {
        this.btf = btf;
        this.tags = new ArgumentTags(btf);
        this.ext = ext;
        this.license = license;
        this.programs = programs;
        this.codes = codes;
        this.maps = maps.maps();
        this.mapTypes = Map.copyOf(maps.types());
        this.slots = slots.read();
        this.linker = linker;
    }

    /**
     * Reads an object file.
     *
     * @throws IOException  if the file cannot be read or has more than 64 MiB
     * @throws BpfException if it is no BPF object, or a broken one; the error names the stage
     */
    public static BpfObject read(Path file) throws IOException, BpfException {
        try (InputStream stream = Files.newInputStream(file)) {
            byte[] contents = stream.readNBytes(MAX_FILE + 1);
            if (contents.length > MAX_FILE) {
                throw new IOException(file + " has more than " + MAX_FILE
                        + " bytes; no BPF object is that large");
            }
            return parse(contents);
        }
    }

    /**
     * Reads an object file's contents. The array must not be changed meanwhile.
     *
     * @throws BpfException if it is no BPF object, or a broken one; the error names the stage
     */
    public static BpfObject parse(byte[] file) throws BpfException {
        ElfFile elf;
        try {
            elf = ElfFile.parse(file, ElfFile.BPF);
        } catch (ElfException e) {
            throw new BpfException(Stage.ELF, e.offset(), 0, e.getMessage(), e);
        }
        ElfSection types = elf.section(".BTF").orElseThrow(() -> new BpfException(Stage.READ, 0,
                "no section .BTF: compile with -g"));
        byte[] blob = BtfFixUp.apply(elf, types);
        Btf btf;
        try {
            btf = BtfValidator.standard().byteOrder(elf.byteOrder()).load(blob);
        } catch (BtfException e) {
            throw refused(e, types.offset(), blob);
        }
        BtfExt ext = readExt(elf, btf);
        FunctionReader functions = new FunctionReader(btf, elf, ext);
        List<BpfProgram> programs = functions.read();
        MapReader maps = new MapReader(btf, elf);
        return new BpfObject(btf, ext, license(elf), programs, functions.codes(), maps,
                new MapSlots(btf, elf), new ProgramLinker(elf, btf, ext, functions.allCodes(),
                maps.read()));
    }

    /** The object's types, completed and validated. */
    public Btf btf() {
        return btf;
    }

    /** Which type and which line belong to which instruction. */
    public BtfExt information() {
        return ext;
    }

    /** The license, or the empty string. */
    public String license() {
        return license;
    }

    /** The programs, by section and place. */
    public List<BpfProgram> programs() {
        return programs;
    }

    /** The maps: those that are defined, then the sections of variables. */
    public List<BpfMap> maps() {
        return maps;
    }

    /** The types of what a map holds. */
    public MapTypes types(BpfMap map) {
        return mapTypes.getOrDefault(map.name(), MapTypes.UNKNOWN);
    }

    /** The names of the programs or maps that a map of them begins with, by slot. */
    public Map<Integer, String> initialSlots(BpfMap map) {
        return Collections.unmodifiableMap(slots.getOrDefault(map.name(), Map.of()));
    }

    /**
     * Puts a program together with the functions and maps that it refers to, as it is loaded.
     *
     * @throws BpfException if it refers to what the object does not have, or is too large; the error names
     * the instruction and its source line
     */
    public LinkedProgram link(BpfProgram program) throws BpfException {
        return linker.link(program, null);
    }

    /**
     * The same, with what the program asks about types (CO-RE) answered from other ones: those of a kernel,
     * or of the application. Without them the object's own types are the answer.
     *
     * @param types where types are found, by their names up to {@code ___}
     * @throws BpfException also if a question makes no sense or has several answers; where there is none
     * {@link LinkedProgram#unresolved} tells
     */
    public LinkedProgram link(BpfProgram program, Btf types) throws BpfException {
        CoreTarget known = target;
        if (known == null || !known.btf().equals(types)) {
            known = new CoreTarget(types);   // an index of all names, for all programs of an object
            target = known;
        }
        return linker.link(program, known);
    }

    /**
     * What the one value of a map of variables holds before any program runs. Empty for one that is all zero,
     * as {@code .bss}, and for maps that are no sections of variables.
     */
    public byte[] initialData(BpfMap map) {
        return linker.initialData(map);
    }

    /**
     * Checks the types of one program: its own function first, then those that it calls. A function that
     * passes the context on for an argument of another type is rejected, too. What the program is to a kernel
     * is told by the name of its section.
     *
     * @param types the kernel's context types
     * @param mode  how to judge
     * @return one outcome per function; a single rejection if the section's name does not tell the program's
     * type
     */
    public List<FunctionCheck> check(BpfProgram program, ContextTypes types, CheckMode mode) {
        if (program.target().isEmpty()) {
            return List.of(new FunctionCheck(program.name(), FunctionCheck.Verdict.REJECT, Optional.empty(),
                    List.of(), "section name '" + program.function().section()
                    + "' tells no program type\n"));
        }
        return check(program, program.target().get(), types, mode);
    }

    /**
     * Checks the types of one program that is told what it is: for sections whose names tell nothing, and for
     * extensions, of which only the caller knows what they extend.
     *
     * @param target what the program is to a kernel
     * @param types  the kernel's context types
     * @param mode   how to judge
     * @return one outcome per function, the program's own first
     */
    public List<FunctionCheck> check(BpfProgram program, ContextCheck.Target target, ContextTypes types,
            CheckMode mode) {
        ContextCheck check = new ContextCheck(btf, tags, types, mode);
        List<FunctionCheck> outcomes = new ArrayList<>();
        outcomes.add(check.program(program.function().typeId(), target, program.function().source()));
        for (BpfFunction function : program.called()) {
            outcomes.add(check.function(function.typeId(), target, function.source()));
        }
        return mode == CheckMode.SEED || codes.isEmpty() ? List.copyOf(outcomes)
                : List.copyOf(new PassedContexts(btf, codes, check, target, program, outcomes).judge());
    }

    private static BpfException refused(BtfException refusal, long start, byte[] blob) {
        BpfException plain = BpfException.of(Stage.VALIDATE, start, refusal);
        boolean unnamed = refusal.typeId() != 0 && refusal.text().startsWith("Invalid arg#");
        try {
            BtfType type = unnamed ? Btf.parse(blob).type(refusal.typeId()) : null;
            return !(type instanceof BtfType.Function function) ? plain
                    : new BpfException(Stage.VALIDATE, plain.offset(), plain.typeId(), plain.text()
                    + ": function " + function.name() + " has parameters without names, as clang -O0 writes"
                    + " them; compile with -O1 or more", refusal);
        } catch (BtfException e) {
            plain.addSuppressed(e);
            return plain;
        }
    }

    private static BtfExt readExt(ElfFile elf, Btf btf) throws BpfException {
        Optional<ElfSection> section = elf.section(".BTF.ext");
        if (section.isEmpty()) {
            return BtfExt.none(btf);
        }
        try {
            return BtfExt.parse(elf.contents(section.get()), btf);
        } catch (BtfException e) {
            throw BpfException.of(Stage.READ, section.get().offset(), e);
        }
    }

    private static String license(ElfFile elf) {
        byte[] text = elf.section("license").map(elf::contents).orElse(new byte[0]);
        int end = 0;
        while (end < text.length && text[end] != 0) {
            end++;
        }
        return new String(text, 0, end, StandardCharsets.UTF_8);
    }
}
