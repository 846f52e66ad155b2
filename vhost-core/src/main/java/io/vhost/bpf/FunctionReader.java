package io.vhost.bpf;

import io.vhost.bpf.BpfException.Stage;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfExt;
import io.vhost.bpf.btf.BtfExt.LineInfo;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.context.SectionName;
import io.vhost.bpf.elf.ElfException;
import io.vhost.bpf.elf.ElfFile;
import io.vhost.bpf.elf.ElfRelocation;
import io.vhost.bpf.elf.ElfSection;
import io.vhost.bpf.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Finds the functions of an object and which of them call which. */
final class FunctionReader {
    private static final int INSTRUCTION = 8;
    private static final int CALL = 0x85;
    private static final int CALL_LOCAL = 1;
    // The kernel's limit for one program, and one for the object that keeps the walk over all calls short.
    private static final int MAX_CALLED = 255;
    private static final int MAX_FUNCTIONS = 4096;
    // Instructions of all programs with what they call; files of people are far from it.
    private static final long MAX_JUDGED = 1 << 22;
    private static final String SUBPROGRAMS = ".text";

    private final Btf btf;
    private final ElfFile elf;
    private final BtfExt ext;
    private final Map<Integer, TreeMap<Integer, BpfFunction>> bySection = new TreeMap<>();
    private final IdentityHashMap<BpfFunction, Set<BpfFunction>> calls = new IdentityHashMap<>();
    private final IdentityHashMap<BpfFunction, FunctionCode> codes = new IdentityHashMap<>();
    private final Map<String, Information> informations = new HashMap<>();
    private int count;
    private long judged;

    FunctionReader(Btf btf, ElfFile elf, BtfExt ext) {
        this.btf = btf;
        this.elf = elf;
        this.ext = ext;
    }

    List<BpfProgram> read() throws BpfException {
        for (ElfSymbol symbol : elf.symbols()) {
            if (symbol.type() == ElfSymbol.FUNCTION && symbol.section() > 0) {
                function(symbol);
            }
        }
        for (Map.Entry<Integer, TreeMap<Integer, BpfFunction>> entry : bySection.entrySet()) {
            findCalls(elf.sections().get(entry.getKey()), entry.getValue().values());
        }
        List<BpfProgram> programs = new ArrayList<>();
        for (TreeMap<Integer, BpfFunction> functions : bySection.values()) {
            for (BpfFunction function : functions.values()) {
                if (!function.section().equals(SUBPROGRAMS)) {
                    List<BpfFunction> called = reachable(function);
                    programs.add(new BpfProgram(function, SectionName.of(function.section()), called));
                    judged += function.instructions()
                            + called.stream().mapToLong(BpfFunction::instructions).sum();
                }
            }
        }
        return List.copyOf(programs);
    }

    /** The instructions of all functions that were read. */
    IdentityHashMap<BpfFunction, FunctionCode> allCodes() {
        return codes;
    }

    /** The same, for those who judge calls; none where programs have too many instructions in all. */
    IdentityHashMap<BpfFunction, FunctionCode> codes() {
        return judged > MAX_JUDGED ? new IdentityHashMap<>() : codes;
    }

    private void function(ElfSymbol symbol) throws BpfException {
        if (symbol.section() >= elf.sections().size() || !elf.sections().get(symbol.section()).isCode()) {
            throw new BpfException(Stage.OBJECT, 0, "function " + symbol.name() + " is in section "
                    + symbol.section() + ", which holds no code");
        }
        ElfSection section = elf.sections().get(symbol.section());
        boolean whole = symbol.value() % INSTRUCTION == 0 && symbol.size() % INSTRUCTION == 0
                && symbol.size() > 0;
        if (!whole || symbol.value() < 0 || symbol.value() > section.size() - symbol.size()) {
            throw new BpfException(Stage.OBJECT, section.offset(), "function " + symbol.name() + " at "
                    + symbol.value() + " with " + symbol.size() + " bytes in section " + section.name()
                    + " of " + section.size());
        }
        if (symbol.binding() == ElfSymbol.LOCAL && !section.name().equals(SUBPROGRAMS)) {
            throw new BpfException(Stage.OBJECT, section.offset() + symbol.value(), "program " + symbol.name()
                    + " in section " + section.name() + " is static: loaders take global functions only");
        }
        if (++count > MAX_FUNCTIONS) {
            throw new BpfException(Stage.OBJECT, section.offset(), "more than " + MAX_FUNCTIONS
                    + " functions");
        }
        int start = (int) symbol.value();
        int end = start + (int) symbol.size();
        Information information = information(section.name());
        List<LineInfo> lines = information.lines.subList(information.firstLine(start),
                information.firstLine(end));
        int typeId = information.functions.getOrDefault(start, 0);
        bySection.computeIfAbsent(section.index(), key -> new TreeMap<>()).put(start,
                new BpfFunction(symbol.name(), section.name(), start, (end - start) / INSTRUCTION,
                typeId == 0 ? btf.find(BtfKind.FUNC, symbol.name()) : typeId, lines, source(lines)));
    }

    private Information information(String section) {
        return informations.computeIfAbsent(section, name -> {
            Map<Integer, Integer> functions = new HashMap<>();
            ext.functions(name).forEach(info -> functions.putIfAbsent(info.offset(), info.typeId()));
            List<LineInfo> lines = new ArrayList<>(ext.lines(name));
            lines.sort(Comparator.comparingInt(LineInfo::offset));
            return new Information(functions, Collections.unmodifiableList(lines));
        });
    }

    /** What is known about a section's instructions: types by offset, lines sorted by offset. */
    private record Information(Map<Integer, Integer> functions, List<LineInfo> lines) {
        int firstLine(int offset) {
            int low = 0;
            int high = lines.size();
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (lines.get(middle).offset() < offset) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            return low;
        }
    }

    private String source(List<LineInfo> lines) {
        return lines.isEmpty() ? "" : BpfFunction.source(btf, lines.getFirst());
    }

    private void findCalls(ElfSection section, Collection<BpfFunction> functions) throws BpfException {
        ByteBuffer code = ByteBuffer.wrap(elf.contents(section)).order(elf.byteOrder());
        Map<Integer, ElfSymbol> symbols = symbols(section);
        int free = 0;
        for (BpfFunction function : functions) {
            if (function.offset() < free) {
                throw new BpfException(Stage.OBJECT, section.offset() + (long) function.offset(),
                        "function " + function.name() + " overlaps the one before it in " + section.name());
            }
            free = function.offset() + INSTRUCTION * function.instructions();
            findCalls(function, code, section.index(), symbols);
        }
    }

    private void findCalls(BpfFunction function, ByteBuffer code, int section,
            Map<Integer, ElfSymbol> symbols) {
        Set<BpfFunction> targets = Collections.newSetFromMap(new IdentityHashMap<>());
        Map<Integer, BpfFunction> taken = new HashMap<>();
        Map<Integer, BpfFunction> called = new HashMap<>();
        for (int i = 0; i < function.instructions(); i++) {
            int at = function.offset() + INSTRUCTION * i;
            BpfFunction target = target(code, at, section, symbols.get(at));
            if (target != null) {
                targets.add(target);
                if ((code.get(at) & 0xFF) == CALL) {
                    called.put(i, target);
                } else {
                    taken.put(i, target);
                }
            }
        }
        calls.put(function, targets);
        ByteBuffer own = code.slice(function.offset(), INSTRUCTION * function.instructions());
        codes.put(function, new FunctionCode(own.order(code.order()), called, taken));
    }

    private Map<Integer, ElfSymbol> symbols(ElfSection section) throws BpfException {
        try {
            List<ElfSymbol> all = elf.symbols();
            Map<Integer, ElfSymbol> symbols = new HashMap<>();
            for (ElfRelocation relocation : elf.relocations(section)) {
                symbols.put((int) relocation.offset(), all.get(relocation.symbol()));
            }
            return symbols;
        } catch (ElfException e) {
            throw new BpfException(Stage.ELF, e.offset(), 0, e.getMessage(), e);
        }
    }

    /** The function that an instruction calls or whose address it loads, or null. */
    private BpfFunction target(ByteBuffer code, int at, int section, ElfSymbol symbol) {
        boolean call = (code.get(at) & 0xFF) == CALL;
        int immediate = code.getInt(at + 4);
        if (symbol == null) {
            int registers = code.get(at + 1) & 0xFF;
            int source = code.order() == ByteOrder.LITTLE_ENDIAN ? registers >>> 4 : registers & 0xF;
            return call && source == CALL_LOCAL
                    ? functionAt(section, at + INSTRUCTION * (immediate + 1L)) : null;
        }
        if (symbol.type() == ElfSymbol.FUNCTION) {
            return functionAt(symbol.section(), symbol.value());
        }
        if (symbol.type() == ElfSymbol.SECTION) {
            return functionAt(symbol.section(), call ? INSTRUCTION * (immediate + 1L) : immediate);
        }
        return null;
    }

    private BpfFunction functionAt(int section, long offset) {
        TreeMap<Integer, BpfFunction> functions = bySection.get(section);
        boolean representable = functions != null && offset >= 0 && offset <= Integer.MAX_VALUE;
        return representable ? functions.get((int) offset) : null;
    }

    private List<BpfFunction> reachable(BpfFunction program) throws BpfException {
        Set<BpfFunction> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        List<BpfFunction> found = new ArrayList<>();
        Deque<BpfFunction> pending = new ArrayDeque<>(List.of(program));
        seen.add(program);
        while (!pending.isEmpty()) {
            for (BpfFunction called : calls.get(pending.pop())) {
                if (seen.add(called)) {
                    found.add(called);
                    pending.push(called);
                }
            }
            if (found.size() > MAX_CALLED) {
                throw new BpfException(Stage.OBJECT, 0, "program " + program.name() + " calls more than "
                        + MAX_CALLED + " functions");
            }
        }
        found.sort(Comparator.comparing(BpfFunction::section).thenComparingInt(BpfFunction::offset));
        return List.copyOf(found);
    }
}
