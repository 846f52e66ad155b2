package io.vhost.bpf;

import io.vhost.bpf.BpfException.Stage;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfExt;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.core.CoreTarget;
import io.vhost.bpf.elf.ElfException;
import io.vhost.bpf.elf.ElfFile;
import io.vhost.bpf.elf.ElfRelocation;
import io.vhost.bpf.elf.ElfSection;
import io.vhost.bpf.elf.ElfSymbol;
import io.vhost.bpf.insn.Insn;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Puts programs together as a loader does: functions of other sections behind the program's own, calls and
 * addresses resolved. Thread: any, once made.
 */
final class ProgramLinker {
    // The kernel's limit for one program.
    private static final int MAX_INSTRUCTIONS = 1_000_000;

    private final ElfFile elf;
    private final Btf btf;
    private final IdentityHashMap<BpfFunction, FunctionCode> codes;
    private final Map<String, Integer> maps = new HashMap<>();
    private final Map<String, Map<Integer, ElfSymbol>> relocations = new HashMap<>();
    private final Map<String, Map<Integer, BtfExt.Relocation>> questions = new HashMap<>();

    ProgramLinker(ElfFile elf, Btf btf, BtfExt ext, IdentityHashMap<BpfFunction, FunctionCode> codes,
            List<BpfMap> maps) throws BpfException {
        this.elf = elf;
        this.btf = btf;
        this.codes = codes;
        for (int i = 0; i < maps.size(); i++) {
            this.maps.putIfAbsent(maps.get(i).name(), i);
        }
        for (ElfSection section : elf.sections()) {
            if (section.isCode()) {
                relocations.putIfAbsent(section.name(), symbols(section));
                for (BtfExt.Relocation question : ext.relocations(section.name())) {
                    questions.computeIfAbsent(section.name(), _ -> new HashMap<>())
                            .put(question.offset(), question);
                }
            }
        }
    }

    private Map<Integer, ElfSymbol> symbols(ElfSection section) throws BpfException {
        try {
            Map<Integer, ElfSymbol> symbols = new HashMap<>();
            for (ElfRelocation relocation : elf.relocations(section)) {
                symbols.put((int) relocation.offset(), elf.symbols().get(relocation.symbol()));
            }
            return symbols;
        } catch (ElfException e) {
            throw new BpfException(Stage.ELF, e.offset(), 0, e.getMessage(), e);
        }
    }

    /** Links it; {@code target} answers questions about types, null leaves them as the compiler has. */
    LinkedProgram link(BpfProgram program, CoreTarget target) throws BpfException {
        List<BpfFunction> functions = new ArrayList<>(List.of(program.function()));
        functions.addAll(program.called());
        IdentityHashMap<BpfFunction, Integer> places = new IdentityHashMap<>();
        int[] starts = new int[functions.size()];
        long length = 0;
        for (int i = 0; i < starts.length; i++) {
            starts[i] = (int) length;
            places.put(functions.get(i), starts[i]);
            length += functions.get(i).instructions();
            if (length > MAX_INSTRUCTIONS) {
                throw new BpfException(Stage.LINK, 0, "program " + program.name() + " has more than "
                        + MAX_INSTRUCTIONS + " instructions with the functions that it calls");
            }
        }
        long[] insns = new long[(int) length];
        Map<Integer, String> unresolved = new HashMap<>();
        for (int i = 0; i < starts.length; i++) {
            function(functions.get(i), starts[i], insns, places);
            if (target != null) {
                unresolved.putAll(answer(functions.get(i), starts[i], insns, target));
            }
        }
        return new LinkedProgram(insns, List.copyOf(functions), starts, btf, unresolved);
    }

    private Map<Integer, String> answer(BpfFunction function, int start, long[] insns, CoreTarget target)
            throws BpfException {
        CoreFixUp fixUp = new CoreFixUp(btf, target, insns);
        Map<Integer, BtfExt.Relocation> asked = questions.getOrDefault(function.section(), Map.of());
        for (int i = 0; i < function.instructions(); i++) {
            BtfExt.Relocation question = asked.get(function.offset() + Insn.BYTES * i);
            if (question != null) {
                fixUp.apply(question, start + i, place(function, i));
            }
        }
        return fixUp.unresolved();
    }

    private void function(BpfFunction function, int start, long[] insns,
            IdentityHashMap<BpfFunction, Integer> places) throws BpfException {
        FunctionCode code = codes.get(function);
        for (int i = 0; i < code.length(); i++) {
            insns[start + i] = code.insn(i);
        }
        Map<Integer, ElfSymbol> symbols = relocations.getOrDefault(function.section(), Map.of());
        for (int i = 0; i < code.length(); i++) {
            int at = start + i;
            ElfSymbol symbol = symbols.get(function.offset() + Insn.BYTES * i);
            BpfFunction target = code.function(i);
            if (target != null) {
                reference(insns, at, places.get(target) - at - 1);
            } else if (symbol != null) {
                if (Insn.opcode(insns[at]) != Insn.LDDW || i + 1 >= code.length()) {
                    throw unresolved(function, i, symbol);
                }
                data(function, i, symbol, insns, at);
            } else if (Insn.opcode(insns[at]) == Insn.CALL_INSN && Insn.src(insns[at]) == Insn.CALL_LOCAL) {
                throw new BpfException(Stage.LINK, function.offset() + (long) Insn.BYTES * i, "function "
                        + function.name() + " calls where no function begins" + place(function, i));
            }
            if (Insn.opcode(insns[at]) == Insn.LDDW) {
                i++;
            }
        }
    }

    /** A call, or the address of a function: by distance. */
    private static void reference(long[] insns, int at, int distance) {
        boolean call = Insn.opcode(insns[at]) == Insn.CALL_INSN;
        int source = call ? Insn.CALL_LOCAL : Insn.LDDW_FUNCTION;
        insns[at] = Insn.of(Insn.opcode(insns[at]), Insn.dst(insns[at]), source, 0, distance);
        if (!call && at + 1 < insns.length) {
            insns[at + 1] = 0;
        }
    }

    /** A map, or a place in the value of a map of variables. */
    private void data(BpfFunction function, int i, ElfSymbol symbol, long[] insns, int at)
            throws BpfException {
        long addend = Insn.wide(insns[at], insns[at + 1]);
        int dst = Insn.dst(insns[at]);
        String section = section(symbol);
        String map = switch (section) {
            case ".maps", "maps" -> symbol.type() == ElfSymbol.SECTION ? variableAt(section, addend)
                    : symbol.name();
            default -> section;
        };
        Integer index = maps.get(map);
        if (index == null) {
            throw unresolved(function, i, symbol);
        }
        boolean isMap = section.equals(".maps") || section.equals("maps");
        long offset = symbol.section() == 0 ? option(symbol.name()) : symbol.value() + addend;
        if (!isMap && (offset < Integer.MIN_VALUE || offset > Integer.MAX_VALUE)) {
            throw unresolved(function, i, symbol);
        }
        insns[at] = Insn.of(Insn.LDDW, dst, isMap ? Insn.LDDW_MAP : Insn.LDDW_MAP_VALUE, 0, index);
        insns[at + 1] = isMap ? 0 : Insn.of(0, 0, 0, 0, (int) offset);
    }

    private String section(ElfSymbol symbol) {
        if (symbol.section() == 0) {
            return option(symbol.name()) >= 0 ? ".kconfig" : "";
        }
        return symbol.section() < elf.sections().size() ? elf.sections().get(symbol.section()).name() : "";
    }

    /** The offset of a configuration option's value, or -1. */
    private long option(String name) {
        return placed(".kconfig").stream().filter(place -> btf.name(place.variable()).equals(name))
                .mapToLong(place -> place.offset()).findFirst().orElse(-1);
    }

    private String variableAt(String section, long offset) {
        return placed(section).stream().filter(place -> place.offset() == offset)
                .map(place -> btf.name(place.variable())).findFirst().orElse("");
    }

    private List<BtfType.Placed> placed(String section) {
        int id = btf.find(BtfKind.DATASEC, section);
        return id == Btf.NOT_FOUND ? List.of() : ((BtfType.Section) btf.type(id)).variables();
    }

    /** What the object has of a map of variables; nothing for those that are all zero. */
    byte[] initialData(BpfMap map) {
        return elf.section(map.name())
                .filter(section -> map.name().startsWith(".") && section.type() == ElfSection.PROG_BITS)
                .map(elf::contents).orElse(new byte[0]);
    }

    private BpfException unresolved(BpfFunction function, int i, ElfSymbol symbol) {
        String name = symbol.name().isEmpty() ? "section " + symbol.section() : symbol.name();
        String remedy = symbol.section() == 0
                ? "is only declared: define it in the object, or link the object that has it"
                : "is neither a function nor a map nor a variable of the object";
        return new BpfException(Stage.LINK, function.offset() + (long) Insn.BYTES * i, "function "
                + function.name() + " refers to " + name + ", which " + remedy + place(function, i));
    }

    private String place(BpfFunction function, int i) {
        String source = function.source(btf, i);
        return ": instruction " + i + (source.isEmpty() ? "" : ", " + source);
    }
}
