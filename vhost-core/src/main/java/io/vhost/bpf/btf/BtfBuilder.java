package io.vhost.bpf.btf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Writes BTF blobs. Types get ids in the order in which they are added, from 1; a type may refer to ids that
 * are added later.
 *
 * <p>Nothing is judged here: whether the result is legal is for {@link BtfValidator} to say, and tests need
 * illegal ones. Thread: not thread safe.
 */
public final class BtfBuilder {
    private final boolean big;
    private final Map<String, Integer> strings = new HashMap<>();
    private final ByteArrayOutputStream text = new ByteArrayOutputStream();
    private int[] words = new int[256];
    private int used;
    private int nextId = 1;

    /** A builder for little-endian blobs. */
    public BtfBuilder() {
        this(ByteOrder.LITTLE_ENDIAN);
    }

    /** A builder for blobs in the given byte order. */
    public BtfBuilder(ByteOrder order) {
        this.big = order == ByteOrder.BIG_ENDIAN;
        text.write(0);
        strings.put("", 0);
    }

    /** The offset of a string in the string section; equal strings are stored once. */
    public int string(String value) {
        return strings.computeIfAbsent(value, added -> {
            int offset = text.size();
            text.writeBytes(added.getBytes(StandardCharsets.UTF_8));
            text.write(0);
            return offset;
        });
    }

    /** The id that the next type will get. */
    public int nextId() {
        return nextId;
    }

    /** Adds an integer of whole bytes; see {@link BtfType.Int} for the encoding. Returns its id. */
    public int integer(String name, int size, int encoding) {
        return add(new BtfType.Int(name, size, encoding, 0, 8 * size));
    }

    /** Adds a pointer. Returns its id. */
    public int pointer(int type) {
        return add(new BtfType.Pointer(type));
    }

    /** Adds a typedef. Returns its id. */
    public int typedef(String name, int type) {
        return add(new BtfType.Modifier(BtfKind.TYPEDEF, name, type, false));
    }

    /** Adds a struct without bit fields. Returns its id. */
    public int struct(String name, long size, BtfType.Member... members) {
        return add(new BtfType.Composite(BtfKind.STRUCT, name, size, Arrays.asList(members), false));
    }

    /** Adds a function and, before it, its prototype. Returns the function's id. */
    public int function(String name, int linkage, int returned, BtfType.Parameter... parameters) {
        int prototype = add(new BtfType.Prototype(returned, Arrays.asList(parameters)));
        return add(new BtfType.Function(name, linkage, prototype));
    }

    /** Adds all types of {@code other}, in order; in an empty builder they keep their ids. */
    public BtfBuilder addAll(Btf other) {
        for (int id = 1; id < other.typeCount(); id++) {
            add(other.type(id));
        }
        return this;
    }

    /**
     * Adds any type. Returns its id.
     *
     * @throws IllegalArgumentException for void and for a kind that this library does not know
     */
    public int add(BtfType type) {
        return switch (type) {
            case BtfType.Nothing v -> throw new IllegalArgumentException("void has no record: " + v);
            case BtfType.Unknown u -> throw new IllegalArgumentException("kind " + u.kindId()
                    + " cannot be written");
            case BtfType.Int i -> record(i, false, 0, (int) i.size(),
                    i.encoding() << 24 | i.offset() << 16 | i.bits());
            case BtfType.Floating f -> record(f, false, 0, (int) f.size());
            case BtfType.Pointer p -> record(p, false, 0, p.type());
            case BtfType.Modifier m -> record(m, m.attribute(), 0, m.type());
            case BtfType.Array a -> record(a, false, 0, 0, a.element(), a.index(), (int) a.count());
            case BtfType.Composite c -> composite(c);
            case BtfType.Enumeration e -> enumeration(e);
            case BtfType.Forward f -> record(f, f.union(), 0, 0);
            case BtfType.Function f -> record(f, false, f.linkage(), f.prototype());
            case BtfType.Prototype p -> prototype(p);
            case BtfType.Variable v -> record(v, false, 0, v.type(), v.linkage());
            case BtfType.Section s -> section(s);
            case BtfType.DeclarationTag t -> record(t, t.attribute(), 0, t.type(), t.component());
        };
    }

    /**
     * Adds a record as it is, however wrong. Returns its id.
     *
     * @param nameOffset first word
     * @param info       second word
     * @param third      size or type
     * @param trailing   the words that follow
     */
    public int raw(int nameOffset, int info, int third, int... trailing) {
        put(nameOffset);
        put(info);
        put(third);
        for (int word : trailing) {
            put(word);
        }
        return nextId++;
    }

    /** The blob: head, types, strings. */
    public byte[] build() {
        byte[] tail = text.toByteArray();
        byte[] blob = new byte[BtfHeader.SIZE + 4 * used + tail.length];
        blob[big ? 0 : 1] = (byte) (BtfHeader.MAGIC >>> 8);
        blob[big ? 1 : 0] = (byte) BtfHeader.MAGIC;
        blob[2] = BtfHeader.VERSION;
        BtfRaw.putWord(blob, 4, BtfHeader.SIZE, big);
        BtfRaw.putWord(blob, 12, 4 * used, big);
        BtfRaw.putWord(blob, 16, 4 * used, big);
        BtfRaw.putWord(blob, 20, tail.length, big);
        for (int i = 0; i < used; i++) {
            BtfRaw.putWord(blob, BtfHeader.SIZE + 4 * i, words[i], big);
        }
        System.arraycopy(tail, 0, blob, BtfHeader.SIZE + 4 * used, tail.length);
        return blob;
    }

    private int record(BtfType type, boolean flag, int vlen, int third, int... trailing) {
        return raw(string(type.name()), (flag ? 1 << 31 : 0) | type.kind().id() << 24 | vlen, third,
                trailing);
    }

    private int composite(BtfType.Composite type) {
        int[] list = new int[3 * type.members().size()];
        int at = 0;
        for (BtfType.Member member : type.members()) {
            list[at++] = string(member.name());
            list[at++] = member.type();
            list[at++] = (int) member.offset() | member.bitField() << 24;
        }
        return record(type, type.bitFields(), type.members().size(), (int) type.size(), list);
    }

    private int enumeration(BtfType.Enumeration type) {
        boolean wide = type.kind() == BtfKind.ENUM64;
        int[] list = new int[(wide ? 3 : 2) * type.values().size()];
        int at = 0;
        for (BtfType.Value value : type.values()) {
            list[at++] = string(value.name());
            list[at++] = (int) value.value();
            if (wide) {
                list[at++] = (int) (value.value() >>> 32);
            }
        }
        return record(type, type.signed(), type.values().size(), (int) type.size(), list);
    }

    private int prototype(BtfType.Prototype type) {
        int[] list = new int[2 * type.parameters().size()];
        int at = 0;
        for (BtfType.Parameter parameter : type.parameters()) {
            list[at++] = string(parameter.name());
            list[at++] = parameter.type();
        }
        return record(type, false, type.parameters().size(), type.returned(), list);
    }

    private int section(BtfType.Section type) {
        int[] list = new int[3 * type.variables().size()];
        int at = 0;
        for (BtfType.Placed placed : type.variables()) {
            list[at++] = placed.variable();
            list[at++] = (int) placed.offset();
            list[at++] = (int) placed.size();
        }
        return record(type, false, type.variables().size(), (int) type.size(), list);
    }

    private void put(int word) {
        if (used == words.length) {
            words = Arrays.copyOf(words, 2 * used);
        }
        words[used++] = word;
    }
}
