package io.vhost.bpf.elf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An ELF object, opened: its tables are read, its sections' contents are handed out on request.
 *
 * <p>Thread: not changed once opened; any thread. The file's bytes are kept, not copied.
 */
public final class ElfFile {
    /** The machine number of BPF. */
    public static final int BPF = 247;

    private static final int HEADER = 64;
    private static final int SECTION_HEADER = 64;
    private static final int SYMBOL = 24;
    private static final int RELOCATION = 16;
    private static final int RELOCATABLE = 1;
    // All names together; a hostile file could otherwise name a million symbols after one string of a
    // megabyte.
    private static final int MAX_NAMES = 64 << 20;

    private final ByteBuffer file;
    private final Map<String, ElfSection> byName = new HashMap<>();
    private List<ElfSection> sections = List.of();
    private List<ElfSymbol> symbols = List.of();
    private int namesLeft = MAX_NAMES;

    private ElfFile(byte[] file, ByteOrder order) {
        this.file = ByteBuffer.wrap(file).order(order);
    }

    /**
     * Opens an object for {@code machine}.
     *
     * @throws ElfException if it is none, or broken
     */
    public static ElfFile parse(byte[] file, int machine) throws ElfException {
        if (file.length < HEADER || file[0] != 0x7F || file[1] != 'E' || file[2] != 'L' || file[3] != 'F') {
            throw new ElfException(0, "not an ELF file");
        }
        if (file[4] != 2) {
            throw new ElfException(4, "class " + file[4] + " instead of 2: not a 64-bit file");
        }
        if (file[5] != 1 && file[5] != 2) {
            throw new ElfException(5, "byte order " + file[5] + " is neither 1 nor 2");
        }
        ElfFile elf = new ElfFile(file, file[5] == 1 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        int actual = elf.file.getShort(18) & 0xFFFF;
        if (actual != machine) {
            throw new ElfException(18, "made for " + ElfMachine.name(actual) + ", not for "
                    + ElfMachine.name(machine) + (machine == BPF ? ": compile with clang -target bpf" : ""));
        }
        int type = elf.file.getShort(16) & 0xFFFF;
        if (type != RELOCATABLE) {
            throw new ElfException(16, "type " + type + " instead of 1: not a relocatable object");
        }
        elf.readSections();
        elf.readSymbols();
        return elf;
    }

    /** The order of the bytes in the file's words. */
    public ByteOrder byteOrder() {
        return file.order();
    }

    /** All sections, in order; the first is always empty. */
    public List<ElfSection> sections() {
        return sections;
    }

    /** All symbols, in order. */
    public List<ElfSymbol> symbols() {
        return symbols;
    }

    /** The first section of this name. */
    public Optional<ElfSection> section(String name) {
        return Optional.ofNullable(byName.get(name));
    }

    /** A section's contents, as a copy; nothing for {@link ElfSection#NO_BITS}. */
    public byte[] contents(ElfSection section) {
        if (section.type() == ElfSection.NO_BITS) {
            return new byte[0];
        }
        byte[] contents = new byte[(int) section.size()];
        file.get(section.offset(), contents);
        return contents;
    }

    /**
     * The relocations that change {@code target}, in file order.
     *
     * @throws ElfException if one lies outside the section or names a symbol that does not exist
     */
    public List<ElfRelocation> relocations(ElfSection target) throws ElfException {
        List<ElfRelocation> found = new ArrayList<>();
        for (ElfSection table : sections) {
            if (table.type() == ElfSection.RELOCATIONS && table.info() == target.index()) {
                readRelocations(table, target, found);
            }
        }
        return found;
    }

    private void readRelocations(ElfSection table, ElfSection target, List<ElfRelocation> found)
            throws ElfException {
        checkTable(table, RELOCATION);
        for (int at = table.offset(); at < table.offset() + table.size(); at += RELOCATION) {
            long offset = file.getLong(at);
            long info = file.getLong(at + 8);
            int symbol = (int) (info >>> 32);
            if (offset < 0 || offset > target.size() - 4) {
                throw new ElfException(at, "relocation of offset " + Long.toUnsignedString(offset)
                        + " in section " + target.name() + " of " + target.size() + " bytes");
            }
            if (symbol < 0 || symbol >= symbols.size()) {
                throw new ElfException(at, "relocation by symbol " + Integer.toUnsignedString(symbol) + " of "
                        + symbols.size());
            }
            found.add(new ElfRelocation(offset, symbol, (int) info));
        }
    }

    private void readSections() throws ElfException {
        long table = file.getLong(40);
        int entrySize = file.getShort(58) & 0xFFFF;
        int count = file.getShort(60) & 0xFFFF;
        int namesIndex = file.getShort(62) & 0xFFFF;
        if (count == 0) {
            throw new ElfException(60, "no sections");
        }
        if (entrySize != SECTION_HEADER) {
            throw new ElfException(58, "section headers of " + entrySize + " bytes instead of "
                    + SECTION_HEADER);
        }
        if (table < 0 || table > file.capacity() - (long) count * SECTION_HEADER) {
            throw new ElfException(40, "section table at " + Long.toUnsignedString(table) + " with " + count
                    + " entries exceeds the file of " + file.capacity() + " bytes");
        }
        if (namesIndex >= count) {
            throw new ElfException(62, "section names in section " + namesIndex + " of " + count);
        }
        ElfSection names = header((int) table + namesIndex * SECTION_HEADER, namesIndex, null);
        List<ElfSection> read = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            ElfSection section = header((int) table + i * SECTION_HEADER, i, names);
            if (section.type() != ElfSection.NONE) {
                byName.putIfAbsent(section.name(), section);
            }
            read.add(section);
        }
        checkApart(read);
        sections = List.copyOf(read);
    }

    /**
     * A byte belongs to one section at most (gABI, chapter 4). That also bounds the work on a file by its
     * size: a small one could otherwise have thousands of sections that share megabytes.
     */
    private static void checkApart(List<ElfSection> sections) throws ElfException {
        List<ElfSection> inFile = sections.stream()
                .filter(section -> section.type() != ElfSection.NONE && section.type() != ElfSection.NO_BITS
                        && section.size() > 0)
                .sorted(Comparator.comparingInt(ElfSection::offset)).toList();
        for (int i = 1; i < inFile.size(); i++) {
            ElfSection before = inFile.get(i - 1);
            ElfSection section = inFile.get(i);
            if (section.offset() < before.offset() + before.size()) {
                throw new ElfException(section.offset(), "section " + section.index() + " " + section.name()
                        + " overlaps section " + before.index() + " " + before.name());
            }
        }
    }

    private ElfSection header(int at, int index, ElfSection names) throws ElfException {
        int type = file.getInt(at + 4);
        long offset = file.getLong(at + 24);
        long size = file.getLong(at + 32);
        boolean inFile = offset >= 0 && size >= 0 && offset <= file.capacity()
                && size <= file.capacity() - offset;
        if (index == 0) {
            return new ElfSection(0, "", ElfSection.NONE, 0, 0, 0, 0, 0, 0);
        }
        if (type != ElfSection.NO_BITS && !inFile) {
            throw new ElfException(at, "section " + index + " at " + Long.toUnsignedString(offset) + " with "
                    + Long.toUnsignedString(size) + " bytes exceeds the file of " + file.capacity()
                    + " bytes");
        }
        if (type == ElfSection.NO_BITS && (size < 0 || size > Integer.MAX_VALUE)) {
            throw new ElfException(at + 32, "section " + index + " of " + Long.toUnsignedString(size)
                    + " bytes");
        }
        String name = names == null ? "" : string(names, file.getInt(at), at);
        return new ElfSection(index, name, type, file.getLong(at + 8), inFile ? (int) offset : 0, size,
                file.getInt(at + 40), file.getInt(at + 44), file.getLong(at + 56));
    }

    private void readSymbols() throws ElfException {
        for (ElfSection table : sections) {
            if (table.type() == ElfSection.SYMBOL_TABLE) {
                checkTable(table, SYMBOL);
                if (table.link() < 0 || table.link() >= sections.size()
                        || sections.get(table.link()).type() != ElfSection.STRING_TABLE) {
                    throw new ElfException(table.offset(), "names of section " + table.name() + " in section "
                            + table.link() + ", which is no string table");
                }
                List<ElfSymbol> read = new ArrayList<>();
                for (int at = table.offset(); at < table.offset() + table.size(); at += SYMBOL) {
                    read.add(symbol(at, sections.get(table.link())));
                }
                symbols = List.copyOf(read);
                return;
            }
        }
    }

    private ElfSymbol symbol(int at, ElfSection names) throws ElfException {
        int info = file.get(at + 4);
        return new ElfSymbol(string(names, file.getInt(at), at), file.getLong(at + 8), file.getLong(at + 16),
                info & 0xF, info >>> 4 & 0xF, file.get(at + 5) & 3, file.getShort(at + 6) & 0xFFFF);
    }

    private static void checkTable(ElfSection table, int entrySize) throws ElfException {
        if (table.entrySize() != entrySize || table.size() % entrySize != 0) {
            throw new ElfException(table.offset(), "section " + table.name() + " of " + table.size()
                    + " bytes is no table of entries of " + entrySize);
        }
    }

    private String string(ElfSection names, int start, int at) throws ElfException {
        if (names.type() != ElfSection.STRING_TABLE || start < 0 || start >= names.size()) {
            throw new ElfException(at, "name at " + Integer.toUnsignedString(start) + " of a string table of "
                    + names.size() + " bytes");
        }
        int first = names.offset() + start;
        int end = first;
        int limit = (int) Math.min(names.offset() + names.size(), first + (long) namesLeft);
        while (end < limit && file.get(end) != 0) {
            end++;
        }
        if (end == limit) {
            throw new ElfException(at, "name without end, or names of more than " + MAX_NAMES
                    + " bytes in all");
        }
        namesLeft -= end - first;
        byte[] text = new byte[end - first];
        file.get(first, text);
        return new String(text, StandardCharsets.UTF_8);
    }
}
