package io.vhost.bpf.btf;

import io.vhost.bpf.btf.raw.BtfRaw;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * The types of a program, an object file or a kernel, read from a BTF blob.
 *
 * <p>Opening a blob finds where each record starts and that what it refers to exists; records are decoded one
 * by one when they are asked for. Opening says nothing about whether a kernel would accept the blob: see
 * {@link io.vhost.bpf.btf.check.BtfValidator}. Both byte orders can be read, and heads with and without the
 * layout section of 2026.
 *
 * <p>Thread: immutable; any thread. Ids run from 0 (void) to {@link #typeCount} - 1.
 */
public final class Btf {
    /** What {@link #find} returns for a name that is not there: the id of void, which has no name. */
    public static final int NOT_FOUND = 0;
    /** Where a Linux kernel shows its own types. */
    public static final Path HOST = Path.of("/sys/kernel/btf/vmlinux");

    private static final int MAX_FILE = 256 << 20;
    private static final int MAX_MODIFIERS = 64;
    private static final int MAX_STRING = 1024;

    private final BtfRaw raw;
    private final BtfHeader header;
    private volatile NameIndex index;

    private Btf(BtfRaw raw, BtfHeader header) {
        this.raw = raw;
        this.header = header;
    }

    /**
     * Opens a blob. The array is kept, not copied: the caller must not change it.
     *
     * @throws BtfException if the blob's structure is broken
     */
    public static Btf parse(byte[] blob) throws BtfException {
        return new Btf(BtfStructure.read(blob), BtfStructure.header(blob));
    }

    /**
     * Opens a file that holds a bare blob, such as {@link #HOST}.
     *
     * @throws IOException  if the file cannot be read or has more than 256 MiB
     * @throws BtfException if the blob's structure is broken
     */
    public static Btf read(Path file) throws IOException, BtfException {
        try (InputStream stream = Files.newInputStream(file)) {
            byte[] blob = stream.readNBytes(MAX_FILE + 1);
            if (blob.length > MAX_FILE) {
                throw new IOException(file + " has more than " + MAX_FILE + " bytes; no BTF is that large");
            }
            return parse(blob);
        }
    }

    /** The blob's head. */
    public BtfHeader header() {
        return header;
    }

    /** The order of the bytes in the blob's words. */
    public ByteOrder byteOrder() {
        return header.byteOrder();
    }

    /** The blob itself, as a copy. */
    public byte[] toBytes() {
        return raw.blob().clone();
    }

    /** Number of ids, void included. */
    public int typeCount() {
        return raw.count();
    }

    /** The kind of type {@code id}; {@link BtfKind#UNKNOWN} for void. */
    public BtfKind kind(int id) {
        return BtfKind.of(raw.kindId(Objects.checkIndex(id, raw.count())));
    }

    /** The name of type {@code id}, or the empty string. */
    public String name(int id) {
        return raw.name(raw.nameOffset(Objects.checkIndex(id, raw.count())));
    }

    /**
     * The string at an offset of the string section, or null if there is none; line information refers to
     * these. More than 1,024 bytes are cut.
     */
    public String string(int offset) {
        boolean inside = Integer.compareUnsigned(offset, header.stringsLength()) < 0;
        return inside ? raw.name(offset, MAX_STRING) : null;
    }

    /** Where the record of type {@code id} starts, in bytes from the start of the blob; 0 for void. */
    public int offset(int id) {
        return id == 0 ? 0 : raw.offset(Objects.checkIndex(id, raw.count()));
    }

    /**
     * Type {@code id}, decoded.
     *
     * @throws IndexOutOfBoundsException if there is no such id; no reference inside the blob leads to this
     */
    public BtfType type(int id) {
        return BtfDecoder.decode(raw, Objects.checkIndex(id, raw.count()));
    }

    /**
     * The type behind typedefs, qualifiers and type tags; {@code id} itself if it is none of these.
     *
     * <p>In a blob that was not validated a chain may have no end: then the result is the modifier where
     * following stopped, after 64 steps.
     */
    public int strip(int id) {
        int at = Objects.checkIndex(id, raw.count());
        for (int steps = 0; BtfKind.of(raw.kindId(at)).isModifier() && steps < MAX_MODIFIERS; steps++) {
            at = raw.size(at);
        }
        return at;
    }

    /**
     * The type that a pointer, modifier, variable, function or tag refers to, without decoding the record.
     */
    public int referred(int id) {
        return switch (kind(id)) {
            case PTR, TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG, FUNC, VAR, DECL_TAG -> raw.size(id);
            default -> throw new IllegalArgumentException("type " + id + " is a " + kind(id)
                    + " and refers to no single type");
        };
    }

    /**
     * The first type of this kind and name, or {@link #NOT_FOUND}.
     *
     * <p>The first call indexes all names, once; later calls touch only records whose name has the same hash.
     */
    public int find(BtfKind kind, String name) {
        NameIndex names = index;
        if (names == null) {
            names = new NameIndex(raw);
            index = names;
        }
        return names.find(kind, name.getBytes(StandardCharsets.UTF_8));
    }

    /** The records themselves, for writers that must not decode a long list to learn a size. */
    BtfRaw raw() {
        return raw;
    }

    /** Number of types, bytes and byte order, for logs. */
    @Override
    public String toString() {
        return "Btf[types=" + (typeCount() - 1) + ", bytes=" + raw.blob().length + ", " + byteOrder() + "]";
    }
}
