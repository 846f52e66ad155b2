package io.vhost.bpf.btf;

import io.vhost.bpf.btf.raw.BtfRaw;
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
 * <p>Whether the result is legal is not judged here but by {@link io.vhost.bpf.btf.check.BtfValidator}, and
 * tests need illegal ones. What a record cannot hold at all is refused with an
 * {@link IllegalArgumentException}: a number that its field would cut, a kind that is of another record, a
 * name with a NUL in it.
 *
 * <p>Thread: not thread safe.
 */
public final class BtfBuilder {
    private static final long WORD = 0xFFFFFFFFL;
    private static final int LAYOUT_ENTRY = 4;

    private final boolean big;
    private final Map<String, Integer> strings = new HashMap<>();
    private final ByteArrayOutputStream text = new ByteArrayOutputStream();
    private int[] words = new int[256];
    private int used;
    private int nextId = 1;
    private boolean layout;

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

    /**
     * The blob will carry the layout of its kinds, with which readers skip those that they do not know. Linux
     * 7.0 takes such a blob; earlier kernels refuse it with {@link Errno#E2BIG}.
     */
    public BtfBuilder withLayout() {
        layout = true;
        return this;
    }

    /**
     * The offset of a string in the string section; equal strings are stored once.
     *
     * @throws IllegalArgumentException if there is a NUL in it, where the stored string would end
     */
    public int string(String value) {
        if (value.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a name ends at its first NUL, here at " + value.indexOf('\0')
                    + " of " + value.length() + ": leave it out");
        }
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

    /**
     * Adds all types of {@code other}, in order; in an empty builder they keep their ids.
     *
     * @throws IllegalArgumentException if there is a kind among them that this library does not know; see
     *                                  {@link Btf#kind}
     */
    public BtfBuilder addAll(Btf other) {
        for (int id = 1; id < other.typeCount(); id++) {
            add(other.type(id));
        }
        return this;
    }

    /**
     * Adds any type. Returns its id.
     *
     * @throws IllegalArgumentException for void, for a kind that this library does not know, and for what a
     *                                  record cannot hold
     */
    public int add(BtfType type) {
        return switch (type) {
            case BtfType.Nothing v -> throw new IllegalArgumentException("void has no record: " + v);
            case BtfType.Unknown u -> throw new IllegalArgumentException("kind " + u.kindId()
                    + " cannot be written");
            case BtfType.Int i -> record(i, false, 0, word("size", i.size()),
                    field("encoding", i.encoding(), 0xF) << 24 | field("offset", i.offset(), 0xFF) << 16
                            | field("bits", i.bits(), 0xFF));
            case BtfType.Floating f -> record(f, false, 0, word("size", f.size()));
            case BtfType.Pointer p -> record(p, false, 0, p.type());
            case BtfType.Modifier m -> {
                kind(m, m.kind().isModifier());
                yield record(m, m.attribute(), 0, m.type());
            }
            case BtfType.Array a -> record(a, false, 0, 0, a.element(), a.index(),
                    word("count", a.count()));
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

    /** The blob: head, types, the layout if it was asked for, strings. */
    public byte[] build() {
        byte[] tail = text.toByteArray();
        int head = layout ? BtfHeader.SIZE_WITH_LAYOUT : BtfHeader.SIZE;
        int layoutLength = layout ? LAYOUT_ENTRY * (BtfKind.MAX_ID + 1) : 0;
        int stringsOffset = 4 * used + layoutLength;
        byte[] blob = new byte[head + stringsOffset + tail.length];
        blob[big ? 0 : 1] = (byte) (BtfHeader.MAGIC >>> 8);
        blob[big ? 1 : 0] = (byte) BtfHeader.MAGIC;
        blob[2] = BtfHeader.VERSION;
        BtfRaw.putWord(blob, 4, head, big);
        BtfRaw.putWord(blob, 12, 4 * used, big);
        BtfRaw.putWord(blob, 16, stringsOffset, big);
        BtfRaw.putWord(blob, 20, tail.length, big);
        for (int i = 0; i < used; i++) {
            BtfRaw.putWord(blob, head + 4 * i, words[i], big);
        }
        if (layout) {
            BtfRaw.putWord(blob, 24, 4 * used, big);
            BtfRaw.putWord(blob, 28, layoutLength, big);
            for (int id = 1; id <= BtfKind.MAX_ID; id++) {
                int bytes = BtfKind.of(id).trailingBytes(0);
                int at = head + 4 * used + LAYOUT_ENTRY * id;
                blob[at] = (byte) bytes;
                blob[at + 1] = (byte) (BtfKind.of(id).trailingBytes(1) - bytes);
            }
        }
        System.arraycopy(tail, 0, blob, head + stringsOffset, tail.length);
        return blob;
    }

    private static int word(String what, long value) {
        if (value < 0 || value > WORD) {
            throw new IllegalArgumentException(what + "=" + value + " is not in 0.." + WORD);
        }
        return (int) value;
    }

    private static int field(String what, long value, int greatest) {
        if (value < 0 || value > greatest) {
            throw new IllegalArgumentException(what + "=" + value + " is not in 0.." + greatest);
        }
        return (int) value;
    }

    private static void kind(BtfType type, boolean fits) {
        if (!fits) {
            throw new IllegalArgumentException("kind " + type.kind() + " is no "
                    + type.getClass().getSimpleName());
        }
    }

    private int record(BtfType type, boolean flag, int vlen, int third, int... trailing) {
        return raw(string(type.name()), (flag ? 1 << 31 : 0) | type.kind().id() << 24
                | field("vlen", vlen, 0xFFFFFF), third, trailing);
    }

    private int composite(BtfType.Composite type) {
        kind(type, type.kind().isComposite());
        int[] list = new int[3 * type.members().size()];
        int at = 0;
        for (BtfType.Member member : type.members()) {
            list[at++] = string(member.name());
            list[at++] = member.type();
            list[at++] = type.bitFields()
                    ? field("offset", member.offset(), 0xFFFFFF)
                            | field("bitField", member.bitField(), 0xFF) << 24
                    : word("offset", member.offset()) | field("bitField", member.bitField(), 0);
        }
        return record(type, type.bitFields(), type.members().size(), word("size", type.size()),
                list);
    }

    private int enumeration(BtfType.Enumeration type) {
        kind(type, type.kind().isEnum());
        boolean wide = type.kind() == BtfKind.ENUM64;
        int[] list = new int[(wide ? 3 : 2) * type.values().size()];
        int at = 0;
        for (BtfType.Value value : type.values()) {
            list[at++] = string(value.name());
            list[at++] = wide || (type.signed() && value.value() == (int) value.value())
                    ? (int) value.value() : word("value", value.value());
            if (wide) {
                list[at++] = (int) (value.value() >>> 32);
            }
        }
        return record(type, type.signed(), type.values().size(), word("size", type.size()), list);
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
            list[at++] = word("offset", placed.offset());
            list[at++] = word("size", placed.size());
        }
        return record(type, false, type.variables().size(), word("size", type.size()), list);
    }

    private void put(int word) {
        if (used == words.length) {
            words = Arrays.copyOf(words, 2 * used);
        }
        words[used++] = word;
    }
}
