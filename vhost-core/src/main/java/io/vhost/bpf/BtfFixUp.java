package io.vhost.bpf;

import io.vhost.bpf.BpfException.Stage;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.TypeSize;
import io.vhost.bpf.elf.ElfException;
import io.vhost.bpf.elf.ElfFile;
import io.vhost.bpf.elf.ElfRelocation;
import io.vhost.bpf.elf.ElfSection;
import io.vhost.bpf.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Completes the BTF of an object file as a loader must before a kernel takes it: a compiler does not know
 * where a linker will put variables, and marks as extern what a loader resolves.
 *
 * <p>Words are changed in place and at most two types are appended, so that ids and string offsets stay what
 * the file's other sections say they are.
 */
final class BtfFixUp {
    private static final int TYPES_LENGTH = 12;
    private static final int STRINGS_OFFSET = 16;
    private static final int INFO = 4;
    private static final int SIZE = 8;
    private static final int TRAILING = 12;
    private static final int GLOBAL = 1;
    private static final int HEADER_LENGTH = 4;
    private static final long MAX_OPTION = 1 << 20;

    private final ElfFile elf;
    private final ElfSection section;
    private final Set<String> hidden = new HashSet<>();
    private final Map<Integer, Map<String, ElfSymbol>> objects = new HashMap<>();
    private ByteBuffer blob;
    private Btf btf;
    private int stand;

    private BtfFixUp(ElfFile elf, ElfSection section) {
        this.elf = elf;
        this.section = section;
    }

    /** The completed blob. */
    static byte[] apply(ElfFile elf, ElfSection section) throws BpfException {
        return new BtfFixUp(elf, section).run();
    }

    private byte[] run() throws BpfException {
        byte[] contents = elf.contents(section);
        blob = ByteBuffer.wrap(contents).order(elf.byteOrder());
        btf = open(contents);
        relocate();
        btf = open(contents);
        for (ElfSymbol symbol : elf.symbols()) {
            if (symbol.type() == ElfSymbol.FUNCTION && symbol.visibility() != ElfSymbol.DEFAULT) {
                hidden.add(symbol.name());
            } else if (symbol.type() == ElfSymbol.OBJECT) {
                objects.computeIfAbsent(symbol.section(), key -> new HashMap<>())
                        .putIfAbsent(symbol.name(), symbol);
            }
        }
        int last = btf.typeCount();
        for (int id = 1; id < last; id++) {
            switch (btf.type(id)) {
                case BtfType.Function function -> function(id, function);
                case BtfType.Variable variable when variable.linkage() > GLOBAL ->
                        blob.putInt(btf.offset(id) + TRAILING, GLOBAL);
                case BtfType.Section data -> section(id, data);
                default -> { }
            }
        }
        return blob.array();
    }

    private Btf open(byte[] contents) throws BpfException {
        try {
            // A copy: what is read must not change while words are written.
            Btf opened = Btf.parse(contents.clone());
            if (opened.byteOrder() != elf.byteOrder()) {
                throw new BpfException(Stage.READ, section.offset(),
                        "BTF is " + opened.byteOrder() + " in a file that is " + elf.byteOrder());
            }
            return opened;
        } catch (BtfException e) {
            throw BpfException.of(Stage.READ, section.offset(), e);
        }
    }

    /** Adds the place of each symbol to the word that stands for it. */
    private void relocate() throws BpfException {
        try {
            for (ElfRelocation relocation : elf.relocations(section)) {
                boolean word = relocation.type() == ElfRelocation.BPF_64_NODYLD32
                        || relocation.type() == ElfRelocation.BPF_64_ABS32;
                if (!word) {
                    throw new BpfException(Stage.FIX_UP, section.offset() + relocation.offset(),
                            "relocation type " + relocation.type() + " in " + section.name());
                }
                int at = (int) relocation.offset();
                blob.putInt(at, blob.getInt(at) + (int) elf.symbols().get(relocation.symbol()).value());
            }
        } catch (ElfException e) {
            throw new BpfException(Stage.FIX_UP, e.offset(), 0, e.getMessage(), e);
        }
    }

    private void function(int id, BtfType.Function function) {
        int info = blob.getInt(btf.offset(id) + INFO);
        if (function.linkage() == BtfType.Function.EXTERN) {
            blob.putInt(btf.offset(id) + INFO, (info & ~0xFFFF) | BtfType.Function.GLOBAL);
            nameParameters(id, function.prototype());
        } else if (hidden.contains(function.name())) {
            // Nobody but this object can call it, so it is checked with its callers, as a static one.
            blob.putInt(btf.offset(id) + INFO, (info & ~0xFFFF) | BtfType.Function.STATIC);
        }
    }

    /**
     * Compilers do not name the parameters of what is only declared; kernels insist on names. Any will do.
     */
    private void nameParameters(int id, int prototype) {
        if (btf.type(prototype) instanceof BtfType.Prototype found) {
            int name = blob.getInt(btf.offset(id));
            for (int i = 0; i < found.parameters().size(); i++) {
                int at = btf.offset(prototype) + TRAILING + 8 * i;
                if (blob.getInt(at) == 0 && blob.getInt(at + 4) != 0) {
                    blob.putInt(at, name);
                }
            }
        }
    }

    private void section(int id, BtfType.Section data) throws BpfException {
        switch (data.name()) {
            case ".ksyms" -> symbolsOfKernel(id, data);
            case ".kconfig" -> options(id, data);
            default -> {
                if (data.size() == 0) {
                    ElfSection described = elf.section(data.name()).filter(found -> found.size() > 0)
                            .orElseThrow(() -> new BpfException(Stage.FIX_UP,
                            section.offset() + btf.offset(id), id,
                            "no section " + data.name() + " to take a size from", null));
                    blob.putInt(btf.offset(id) + SIZE, (int) described.size());
                    placeBySymbols(id, data, described.index());
                }
                sort(id, data.variables().size());
            }
        }
    }

    /**
     * Takes places from the symbols, for objects that have lost the relocations of their types. Symbols of
     * static variables may have equal names, so these stay where the relocations put them.
     */
    private void placeBySymbols(int id, BtfType.Section data, int sectionIndex) {
        Map<String, ElfSymbol> symbols = objects.getOrDefault(sectionIndex, Map.of());
        for (int i = 0; i < data.variables().size(); i++) {
            if (btf.type(data.variables().get(i).variable()) instanceof BtfType.Variable variable
                    && variable.linkage() == GLOBAL && symbols.containsKey(variable.name())) {
                blob.putInt(btf.offset(id) + TRAILING + 12 * i + 4,
                        (int) symbols.get(variable.name()).value());
            }
        }
    }

    private void sort(int id, int count) {
        int[][] entries = new int[count][3];
        int start = btf.offset(id) + TRAILING;
        for (int i = 0; i < 3 * count; i++) {
            entries[i / 3][i % 3] = blob.getInt(start + 4 * i);
        }
        Arrays.sort(entries, Comparator.comparingLong(entry -> Integer.toUnsignedLong(entry[1])));
        for (int i = 0; i < 3 * count; i++) {
            blob.putInt(start + 4 * i, entries[i / 3][i % 3]);
        }
    }

    /**
     * Addresses and functions of the kernel: each gets the room of an integer, functions get a variable
     * instead.
     */
    private void symbolsOfKernel(int id, BtfType.Section data) {
        List<BtfType.Placed> places = data.variables();
        for (int i = 0; i < places.size(); i++) {
            int variable = places.get(i).variable();
            if (stand == 0) {
                appendStand();
            }
            if (btf.kind(variable) == BtfKind.VAR) {
                blob.putInt(btf.offset(variable) + SIZE, stand);
            } else {
                variable = stand + 1;
            }
            place(id, i, variable, 4 * i, 4);
        }
        blob.putInt(btf.offset(id) + SIZE, 4 * places.size());
    }

    /**
     * Options of the kernel's configuration: a loader makes room for them. As libbpf does, those of the
     * largest alignment come first, and of equal ones the smaller.
     */
    private void options(int id, BtfType.Section data) throws BpfException {
        List<Option> options = new ArrayList<>();
        for (BtfType.Placed placed : data.variables()) {
            options.add(option(placed.variable()));
        }
        options.sort(Comparator.comparingLong(Option::alignment).reversed().thenComparingLong(Option::size)
                .thenComparing(Option::name));
        long offset = 0;
        for (int i = 0; i < options.size(); i++) {
            Option option = options.get(i);
            offset = (offset + option.alignment - 1) / option.alignment * option.alignment;
            place(id, i, option.variable, (int) offset, (int) option.size);
            offset += option.size;
        }
        blob.putInt(btf.offset(id) + SIZE, (int) offset);
    }

    private record Option(int variable, String name, long size, long alignment) {
    }

    private Option option(int variable) throws BpfException {
        int type = btf.kind(variable) == BtfKind.VAR ? btf.strip(btf.referred(variable)) : 0;
        long size = TypeSize.of(btf, type);
        if (size <= 0 || size > MAX_OPTION) {
            throw new BpfException(Stage.FIX_UP, section.offset() + btf.offset(variable), variable,
                    "option " + btf.name(variable) + " has no size", null);
        }
        long unit = btf.type(type) instanceof BtfType.Array array ? TypeSize.of(btf, array.element()) : size;
        return new Option(variable, btf.name(variable), size, Math.min(8, Long.lowestOneBit(unit)));
    }

    private void place(int id, int index, int variable, int offset, int size) {
        int at = btf.offset(id) + TRAILING + 12 * index;
        blob.putInt(at, variable);
        blob.putInt(at + 4, offset);
        blob.putInt(at + 8, size);
    }

    /** Appends {@code int} and a variable of that type, named after the first name in the strings. */
    private void appendStand() {
        stand = btf.typeCount();
        int name = firstName();
        ByteBuffer added = ByteBuffer.allocate(32).order(blob.order());
        added.putInt(name).putInt(BtfKind.INT.id() << 24).putInt(4).putInt(BtfType.Int.SIGNED << 24 | 32);
        added.putInt(name).putInt(BtfKind.VAR.id() << 24).putInt(stand).putInt(GLOBAL);
        int typesLength = blob.getInt(TYPES_LENGTH);
        int end = blob.getInt(HEADER_LENGTH) + typesLength + btf.header().typesOffset();
        ByteBuffer longer = ByteBuffer.allocate(blob.capacity() + added.capacity()).order(blob.order());
        longer.put(blob.array(), 0, end).put(added.array()).put(blob.array(), end, blob.capacity() - end);
        longer.putInt(TYPES_LENGTH, typesLength + added.capacity());
        longer.putInt(STRINGS_OFFSET, blob.getInt(STRINGS_OFFSET) + added.capacity());
        blob = longer;
    }

    private int firstName() {
        for (int id = 1; id < btf.typeCount(); id++) {
            if (btf.kind(id) == BtfKind.VAR || btf.kind(id) == BtfKind.FUNC) {
                return blob.getInt(btf.offset(id));
            }
        }
        return 0;
    }
}
