package io.vhost.bpf;

import io.vhost.bpf.BpfException.Stage;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.CTypes;
import io.vhost.bpf.btf.TypeSize;
import io.vhost.bpf.elf.ElfFile;
import io.vhost.bpf.elf.ElfSection;
import io.vhost.bpf.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads map definitions: variables of the section {@code .maps} whose struct's members carry the numbers, as
 * pointers to arrays of so many integers; the numbers that older programs store in the section {@code maps};
 * and the sections of variables, which a loader stores in maps, too.
 */
final class MapReader {
    // struct bpf_map_def: type, key_size, value_size, max_entries, map_flags.
    private static final int LEGACY = 20;
    private static final int ARRAY = 2;
    private static final int STRUCT_OPS = 26;
    private static final int READ_ONLY = 1 << 7;
    private static final int MAPPABLE = 1 << 10;
    private static final int WORD = 4;

    private final Btf btf;
    private final ElfFile elf;
    private final List<BpfMap> maps = new ArrayList<>();
    private final Map<String, MapTypes> types = new HashMap<>();

    MapReader(Btf btf, ElfFile elf) {
        this.btf = btf;
        this.elf = elf;
    }

    /** What was read. */
    List<BpfMap> maps() {
        return List.copyOf(maps);
    }

    /** The types of what maps hold, by the map's name; after {@link #read}. */
    Map<String, MapTypes> types() {
        return types;
    }

    List<BpfMap> read() throws BpfException {
        Optional<ElfSection> legacy = elf.section("maps");
        if (legacy.isPresent()) {
            legacy(legacy.get());
        }
        for (int variable : variablesIn(".maps")) {
            maps.add(definition(variable));
        }
        for (ElfSection section : elf.sections()) {
            String name = section.name();
            boolean data = isPart(name, ".data") || isPart(name, ".bss");
            if (section.size() > 0 && (data || isPart(name, ".rodata"))) {
                addVariables(name, section.size(), data ? MAPPABLE : MAPPABLE | READ_ONLY);
            }
        }
        int options = btf.find(BtfKind.DATASEC, ".kconfig");
        if (options != Btf.NOT_FOUND) {
            addVariables(".kconfig", ((BtfType.Section) btf.type(options)).size(), MAPPABLE | READ_ONLY);
        }
        operations(".struct_ops");
        operations(".struct_ops.link");
        return maps();
    }

    private static boolean isPart(String section, String name) {
        return section.equals(name) || section.startsWith(name + ".");
    }

    private void addVariables(String name, long size, int flags) {
        maps.add(new BpfMap(name, ARRAY, WORD, size, 1, flags, "", ""));
        types.put(name, new MapTypes(0, btf.find(BtfKind.DATASEC, name), Optional.empty()));
    }

    private List<Integer> variablesIn(String section) {
        int id = btf.find(BtfKind.DATASEC, section);
        return id == Btf.NOT_FOUND ? List.of() : ((BtfType.Section) btf.type(id)).variables().stream()
                .map(BtfType.Placed::variable).toList();
    }

    private void legacy(ElfSection section) throws BpfException {
        ByteBuffer numbers = ByteBuffer.wrap(elf.contents(section)).order(elf.byteOrder());
        for (ElfSymbol symbol : elf.symbols()) {
            if (symbol.section() == section.index() && symbol.type() == ElfSymbol.OBJECT) {
                if (symbol.value() < 0 || symbol.value() > numbers.capacity() - LEGACY) {
                    throw new BpfException(Stage.OBJECT, section.offset(), "map " + symbol.name() + " at "
                            + symbol.value() + " in section maps of " + section.size() + " bytes");
                }
                int at = (int) symbol.value();
                maps.add(new BpfMap(symbol.name(), numbers.getInt(at),
                        Integer.toUnsignedLong(numbers.getInt(at + 4)),
                        Integer.toUnsignedLong(numbers.getInt(at + 8)),
                        Integer.toUnsignedLong(numbers.getInt(at + 12)), numbers.getInt(at + 16), "", ""));
            }
        }
    }

    /** Tables of functions that programs put in the place of the kernel's. */
    private void operations(String section) {
        for (int variable : variablesIn(section)) {
            int table = btf.referred(variable);
            maps.add(new BpfMap(btf.name(variable), STRUCT_OPS, WORD, Math.max(0, TypeSize.of(btf, table)), 1,
                    0, "", new CTypes(btf).name(table)));
        }
    }

    private BpfMap definition(int variable) throws BpfException {
        String name = btf.name(variable);
        if (!(btf.type(btf.strip(btf.referred(variable))) instanceof BtfType.Composite struct)
                || struct.kind() != BtfKind.STRUCT) {
            throw new BpfException(Stage.OBJECT, btf.offset(variable), variable,
                    "map " + name + " is no struct", null);
        }
        Definition definition = new Definition(name, false);
        for (BtfType.Member member : struct.members()) {
            definition.member(variable, member);
        }
        types.put(name, definition.types());
        return definition.map();
    }

    /** What a map's members have said so far. */
    private final class Definition {
        private final String name;
        private final boolean isInner;
        private int type;
        private long keySize;
        private long valueSize;
        private long maxEntries;
        private int flags;
        private String keyType = "";
        private String valueType = "";
        private int keyTypeId;
        private int valueTypeId;
        private BpfMap inner;

        Definition(String name, boolean isInner) {
            this.name = name;
            this.isInner = isInner;
        }

        void member(int variable, BtfType.Member member) throws BpfException {
            switch (member.name()) {
                case "type" -> type = (int) number(variable, member);
                case "max_entries" -> maxEntries = number(variable, member);
                case "map_flags" -> flags = (int) number(variable, member);
                case "key_size" -> keySize = number(variable, member);
                case "value_size" -> valueSize = number(variable, member);
                case "key" -> {
                    keySize = pointedSize(variable, member);
                    keyTypeId = btf.referred(btf.strip(member.type()));
                    keyType = new CTypes(btf).name(keyTypeId);
                }
                case "value" -> {
                    valueSize = pointedSize(variable, member);
                    valueTypeId = btf.referred(btf.strip(member.type()));
                    valueType = new CTypes(btf).name(valueTypeId);
                }
                case "values" -> {
                    valueSize = WORD;
                    valueType = contained(variable, member);
                }
                default -> { }
            }
        }

        MapTypes types() {
            return new MapTypes(keyTypeId, valueTypeId, Optional.ofNullable(inner));
        }

        BpfMap map() {
            return new BpfMap(name, type, keySize, valueSize, maxEntries, flags, keyType, valueType);
        }

        /** The number that a pointer to an array of so many integers stands for. */
        private long number(int variable, BtfType.Member member) throws BpfException {
            if (btf.type(pointed(variable, member)) instanceof BtfType.Array array) {
                return array.count();
            }
            throw wrong(variable, member, "a pointer to an array");
        }

        /** What the slots of a map of maps or of programs hold: a pointer to each, written as an array. */
        private String contained(int variable, BtfType.Member member) throws BpfException {
            int element = btf.type(btf.strip(member.type())) instanceof BtfType.Array array
                    ? btf.strip(array.element()) : 0;
            if (btf.kind(element) != BtfKind.PTR) {
                throw wrong(variable, member, "an array of pointers");
            }
            int target = btf.referred(element);
            if (btf.type(btf.strip(target)) instanceof BtfType.Composite struct && !isInner) {
                Definition definition = new Definition(name + ".inner", true);
                for (BtfType.Member numbers : struct.members()) {
                    definition.member(variable, numbers);
                }
                inner = definition.map();
            }
            return new CTypes(btf).name(target);
        }

        private long pointedSize(int variable, BtfType.Member member) throws BpfException {
            long size = TypeSize.of(btf, pointed(variable, member));
            if (size < 0) {
                throw wrong(variable, member, "a pointer to a type with a size");
            }
            return size;
        }

        private int pointed(int variable, BtfType.Member member) throws BpfException {
            int pointer = btf.strip(member.type());
            if (btf.kind(pointer) != BtfKind.PTR) {
                throw wrong(variable, member, "a pointer");
            }
            return btf.strip(btf.referred(pointer));
        }

        private BpfException wrong(int variable, BtfType.Member member, String expected) {
            return new BpfException(Stage.OBJECT, btf.offset(variable), variable, "map " + name + ": member "
                    + member.name() + " is " + new CTypes(btf).name(member.type()) + ", not " + expected,
                    null);
        }
    }
}
