package io.vhost.bpf;

import io.vhost.bpf.BpfException.Stage;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.CTypes;
import io.vhost.bpf.elf.ElfFile;
import io.vhost.bpf.elf.ElfSection;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads map definitions: variables of the section {@code .maps} whose struct's members carry the numbers, as
 * pointers to arrays of so many integers, and the sections of variables, which a loader stores in maps, too.
 */
final class MapReader {
    private final Btf btf;
    private final ElfFile elf;

    MapReader(Btf btf, ElfFile elf) {
        this.btf = btf;
        this.elf = elf;
    }

    List<BpfMap> read() throws BpfException {
        List<BpfMap> maps = new ArrayList<>();
        int definitions = btf.find(BtfKind.DATASEC, ".maps");
        if (definitions != Btf.NOT_FOUND) {
            for (BtfType.Placed placed : ((BtfType.Section) btf.type(definitions)).variables()) {
                maps.add(definition(placed.variable()));
            }
        }
        for (ElfSection section : elf.sections()) {
            String name = section.name();
            boolean data = name.equals(".data") || name.equals(".bss") || name.equals(".rodata")
                    || name.startsWith(".data.") || name.startsWith(".bss.") || name.startsWith(".rodata.");
            if (data && section.size() > 0) {
                maps.add(new BpfMap(name, BpfMap.ARRAY, 4, section.size(), 1, 0, "", ""));
            }
        }
        return List.copyOf(maps);
    }

    private BpfMap definition(int variable) throws BpfException {
        String name = btf.name(variable);
        if (!(btf.type(btf.strip(btf.referred(variable))) instanceof BtfType.Composite struct)
                || struct.kind() != BtfKind.STRUCT) {
            throw new BpfException(Stage.OBJECT, btf.offset(variable), variable,
                    "map " + name + " is no struct", null);
        }
        Definition definition = new Definition(name);
        for (BtfType.Member member : struct.members()) {
            definition.member(variable, member);
        }
        return definition.map();
    }

    /** What a map's members have said so far. */
    private final class Definition {
        private final String name;
        private int type;
        private long keySize;
        private long valueSize;
        private long maxEntries;
        private int flags;
        private String keyType = "";
        private String valueType = "";

        Definition(String name) {
            this.name = name;
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
                    keyType = new CTypes(btf).name(btf.referred(btf.strip(member.type())));
                }
                case "value" -> {
                    valueSize = pointedSize(variable, member);
                    valueType = new CTypes(btf).name(btf.referred(btf.strip(member.type())));
                }
                default -> { }
            }
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
