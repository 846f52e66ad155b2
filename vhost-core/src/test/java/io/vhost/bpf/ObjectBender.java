package io.vhost.bpf;

import io.vhost.bpf.elf.ElfException;
import io.vhost.bpf.elf.ElfFile;
import io.vhost.bpf.elf.ElfSection;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Bends objects where it hurts: in headers, symbols, relocations and in the words of .BTF and .BTF.ext. */
final class ObjectBender {
    private static final int HEADER = 64;
    private static final int[] ELF_FIELDS = {16, 18, 32, 40, 48, 52, 54, 56, 58, 60, 62};
    private static final int[] SECTION_FIELDS = {0, 4, 8, 24, 32, 40, 44, 48, 56};
    private static final int[] SYMBOL_FIELDS = {0, 4, 5, 6, 8, 16};
    private static final long[] EDGES = {0, 1, 4, 7, 8, -1, -8, 0x7FFF_FFFF, 0x8000_0000L, 0xFFFF_FFFFL,
        0xFFFF_FFF8L, 0x1_0000_0000L, Long.MAX_VALUE, Long.MIN_VALUE, Long.MAX_VALUE - 7};

    private final byte[] object;
    private final List<ElfSection> sections;
    private final SplittableRandom random;
    private final ByteBuffer bent;

    private ObjectBender(byte[] object, ElfFile elf, long seed) {
        this.object = object;
        this.sections = elf.sections();
        this.random = new SplittableRandom(seed);
        this.bent = ByteBuffer.wrap(object.clone()).order(elf.byteOrder());
    }

    /** Reads and checks {@code count} bent objects; only {@link BpfException} may come of it. */
    static void fuzz(byte[] object, int count) {
        ElfFile elf;
        try {
            elf = ElfFile.parse(object, ElfFile.BPF);
        } catch (ElfException e) {
            throw new AssertionError(e);
        }
        long seed = Long.getLong("bpf.seed", System.nanoTime());
        for (int i = 0; i < count; i++) {
            byte[] bent = new ObjectBender(object, elf, seed + i).bend();
            try {
                FuzzTarget.object(bent);
            } catch (Throwable e) {
                throw new AssertionError("-Dbpf.seed=" + (seed + i), e);
            }
        }
    }

    private byte[] bend() {
        for (int changes = random.nextInt(1, 4); changes > 0; changes--) {
            switch (random.nextInt(8)) {
                case 0 -> field(0, ELF_FIELDS);
                case 1, 2 -> field(HEADER * random.nextInt(sections.size()) + (int) bent.getLong(40),
                        SECTION_FIELDS);
                case 3 -> entry(ElfSection.SYMBOL_TABLE, 24, SYMBOL_FIELDS);
                case 4 -> entry(ElfSection.RELOCATIONS, 16, 0, 8, 12);
                case 5 -> word(".BTF");
                case 6 -> word(".BTF.ext");
                default -> bent.put(random.nextInt(object.length), (byte) random.nextInt());
            }
        }
        return random.nextInt(30) == 0 ? Arrays.copyOf(bent.array(), random.nextInt(object.length))
                : bent.array();
    }

    private void entry(int type, int size, int... fields) {
        List<ElfSection> tables = sections.stream()
                .filter(section -> section.type() == type && section.size() >= size).toList();
        if (!tables.isEmpty()) {
            ElfSection table = tables.get(random.nextInt(tables.size()));
            field(table.offset() + size * random.nextInt((int) table.size() / size), fields);
        }
    }

    private void word(String name) {
        for (ElfSection section : sections) {
            if (section.name().equals(name)) {
                int at = section.offset() + 4 * random.nextInt((int) section.size() / 4);
                bent.putInt(at, (int) value(bent.getInt(at)));
            }
        }
    }

    private void field(int start, int... fields) {
        int at = start + fields[random.nextInt(fields.length)];
        if (at < 0 || at > object.length - Long.BYTES) {
            return;
        }
        switch (random.nextInt(3)) {
            case 0 -> bent.putShort(at, (short) value(bent.getShort(at)));
            case 1 -> bent.putInt(at, (int) value(bent.getInt(at)));
            default -> bent.putLong(at, value(bent.getLong(at)));
        }
    }

    /** Another value: an edge, near the old one, near the file's end, or a small one. */
    private long value(long old) {
        return switch (random.nextInt(5)) {
            case 0 -> EDGES[random.nextInt(EDGES.length)];
            case 1 -> old + random.nextInt(-16, 17);
            case 2 -> object.length - random.nextInt(-1, 65);
            case 3 -> old ^ 1L << random.nextInt(64);
            default -> random.nextInt(sections.size() + 2);
        };
    }
}
