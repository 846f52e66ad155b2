package io.vhost.bpf.elf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Writes small ELF objects, right ones and wrong ones. */
public final class ElfBuilder {
    private static final int HEADER = 64;

    private final ByteOrder order;
    private final List<Part> parts = new ArrayList<>();
    private final ByteArrayOutputStream names = new ByteArrayOutputStream();
    private final ByteArrayOutputStream symbols = new ByteArrayOutputStream();

    private record Part(int name, int type, long flags, ByteBuffer contents, int link, int info,
            long entrySize) {
    }

    /**
     * A builder of objects in this byte order, with the three sections that all have: none, names and
     * symbols.
     */
    public ElfBuilder(ByteOrder order) {
        this.order = order;
        names.write(0);
        symbols.writeBytes(new byte[24]);
    }

    /** Adds a section; its index. */
    public int section(String name, int type, long flags, byte[] contents) {
        parts.add(new Part(name(name), type, flags, ByteBuffer.wrap(contents), 0, 0, 0));
        return parts.size() + 2;
    }

    /** Adds relocations of three words each: offset, symbol, type; the section's index. */
    public int relocations(int target, int... words) {
        ByteBuffer table = ByteBuffer.allocate(words.length / 3 * 16).order(order);
        for (int i = 0; i < words.length; i += 3) {
            table.putLong(Integer.toUnsignedLong(words[i])).putLong((long) words[i + 1] << 32 | words[i + 2]);
        }
        parts.add(new Part(name(".rel" + target), ElfSection.RELOCATIONS, 0, table, 2, target, 16));
        return parts.size() + 2;
    }

    /** Adds a symbol; its index. */
    public int symbol(String name, int type, int section, long value, long size) {
        ByteBuffer entry = ByteBuffer.allocate(24).order(order);
        entry.putInt(name(name)).put((byte) (0x10 | type)).put((byte) 0).putShort((short) section)
                .putLong(value).putLong(size);
        symbols.writeBytes(entry.array());
        return symbols.size() / 24 - 1;
    }

    /** The object, for the BPF machine. */
    public byte[] build() {
        List<Part> all = new ArrayList<>();
        all.add(new Part(0, 0, 0, ByteBuffer.allocate(0), 0, 0, 0));
        all.add(new Part(name(".strtab"), ElfSection.STRING_TABLE, 0, null, 0, 0, 0));
        all.add(new Part(name(".symtab"), ElfSection.SYMBOL_TABLE, 0, ByteBuffer.wrap(symbols.toByteArray()),
                1, 0,
                24));
        all.addAll(parts);
        all.set(1, new Part(all.get(1).name, ElfSection.STRING_TABLE, 0,
                ByteBuffer.wrap(names.toByteArray()), 0, 0,
                0));
        int size = HEADER + 64 * all.size() + all.stream().mapToInt(part -> part.contents.capacity()).sum();
        ByteBuffer file = ByteBuffer.allocate(size).order(order);
        file.put(new byte[] {0x7F, 'E', 'L', 'F', 2, (byte) (order == ByteOrder.LITTLE_ENDIAN ? 1 : 2), 1});
        file.putShort(16, (short) 1).putShort(18, (short) ElfFile.BPF).putInt(20, 1).putLong(40, HEADER);
        file.putShort(52, (short) HEADER).putShort(58, (short) 64).putShort(60, (short) all.size());
        file.putShort(62, (short) 1);
        int data = HEADER + 64 * all.size();
        for (int i = 0; i < all.size(); i++) {
            Part part = all.get(i);
            int at = HEADER + 64 * i;
            file.putInt(at, part.name).putInt(at + 4, part.type).putLong(at + 8, part.flags);
            file.putLong(at + 24, data).putLong(at + 32, part.contents.capacity());
            file.putInt(at + 40, part.link).putInt(at + 44, part.info).putLong(at + 56, part.entrySize);
            file.put(data, part.contents, 0, part.contents.capacity());
            data += part.contents.capacity();
        }
        return file.array();
    }

    private int name(String name) {
        int start = names.size();
        names.writeBytes(name.getBytes(StandardCharsets.UTF_8));
        names.write(0);
        return start;
    }
}
