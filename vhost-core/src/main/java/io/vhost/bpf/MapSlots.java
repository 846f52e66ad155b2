package io.vhost.bpf;

import io.vhost.bpf.BpfException.Stage;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.elf.ElfException;
import io.vhost.bpf.elf.ElfFile;
import io.vhost.bpf.elf.ElfRelocation;
import io.vhost.bpf.elf.ElfSection;
import io.vhost.bpf.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Reads what maps of programs and of maps begin with: {@code .values = { [3] = &name }} is an address in the
 * section {@code .maps}, with a relocation that tells whose.
 */
final class MapSlots {
    private static final String MAPS = ".maps";

    private final Btf btf;
    private final ElfFile elf;
    private final Map<String, Map<Integer, String>> slots = new HashMap<>();

    MapSlots(Btf btf, ElfFile elf) {
        this.btf = btf;
        this.elf = elf;
    }

    /** Names of programs and maps by slot, by the name of the map. */
    Map<String, Map<Integer, String>> read() throws BpfException {
        int id = btf.find(BtfKind.DATASEC, MAPS);
        Optional<ElfSection> section = elf.section(MAPS);
        if (id == Btf.NOT_FOUND || section.isEmpty()) {
            return slots;
        }
        List<BtfType.Placed> variables = ((BtfType.Section) btf.type(id)).variables();
        try {
            for (ElfRelocation relocation : elf.relocations(section.get())) {
                slot(section.get(), variables, relocation);
            }
        } catch (ElfException e) {
            throw new BpfException(Stage.ELF, e.offset(), 0, e.getMessage(), e);
        }
        return slots;
    }

    private void slot(ElfSection section, List<BtfType.Placed> variables, ElfRelocation relocation)
            throws BpfException {
        long at = relocation.offset();
        BtfType.Placed map = variables.stream()
                .filter(placed -> at >= placed.offset() && at < placed.offset() + placed.size()).findFirst()
                .orElseThrow(() -> wrong(section, at, "belongs to no map"));
        long first = map.offset() + values(map.variable(), section, at);
        String target = target(section, relocation);
        if (at < first || (at - first) % Long.BYTES != 0 || target.isEmpty()) {
            throw wrong(section, at, "is no slot of map " + btf.name(map.variable())
                    + ", or names nothing");
        }
        slots.computeIfAbsent(btf.name(map.variable()), _ -> new TreeMap<>())
                .put((int) ((at - first) / Long.BYTES), target);
    }

    /** Where the slots begin in a map's definition. */
    private long values(int variable, ElfSection section, long at) throws BpfException {
        if (btf.type(btf.strip(btf.referred(variable))) instanceof BtfType.Composite struct) {
            for (BtfType.Member member : struct.members()) {
                if (member.name().equals("values")) {
                    return member.offset() / Byte.SIZE;
                }
            }
        }
        throw wrong(section, at, "is in map " + btf.name(variable) + ", which has no values");
    }

    /** A function or map by its own symbol, or by its section and its place there. */
    private String target(ElfSection section, ElfRelocation relocation) {
        ElfSymbol symbol = elf.symbols().get(relocation.symbol());
        if (symbol.type() != ElfSymbol.SECTION) {
            return symbol.name();
        }
        ByteBuffer contents = ByteBuffer.wrap(elf.contents(section)).order(elf.byteOrder());
        boolean inside = relocation.offset() >= 0 && relocation.offset() <= contents.limit() - Long.BYTES;
        long place = symbol.value() + (inside ? contents.getLong((int) relocation.offset()) : 0);
        return elf.symbols().stream()
                .filter(other -> other.section() == symbol.section() && other.value() == place)
                .filter(other -> other.type() == ElfSymbol.FUNCTION || other.type() == ElfSymbol.OBJECT)
                .map(ElfSymbol::name).findFirst().orElse("");
    }

    private static BpfException wrong(ElfSection section, long at, String text) {
        return new BpfException(Stage.OBJECT, section.offset() + Math.max(0, at), "a relocation at " + at
                + " of section .maps " + text);
    }
}
