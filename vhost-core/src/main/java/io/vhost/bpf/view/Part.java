package io.vhost.bpf.view;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.TypeSize;
import io.vhost.bpf.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Some bytes with their type, and where its parts are. Thread: one at a time. */
final class Part {
    private static final int MAX_DEPTH = 32;

    private final Btf btf;
    private final int type;
    private final MemorySegment bytes;
    private final long offset;
    private final int bits;

    /**
     * A value in some bytes.
     *
     * @param type its type, or 0 if it is not known
     */
    Part(Btf btf, int type, MemorySegment bytes) {
        this(btf, type, bytes, 0, 0);
    }

    /** A part: {@code bits} of a bit field that begins {@code offset} bits from the start, or 0. */
    private Part(Btf btf, int type, MemorySegment bytes, long offset, int bits) {
        this.btf = btf;
        this.type = type;
        this.bytes = bytes;
        this.offset = offset;
        this.bits = bits;
    }

    /** Its bytes, in the machine's order; not a copy. */
    MemorySegment bytes() {
        return bytes;
    }

    /**
     * A part.
     *
     * @throws IllegalArgumentException if there is none of that name
     */
    Part at(String path) {
        Part part = this;
        for (String step : path.replace("[", ".[").split("\\.")) {
            if (!step.isEmpty()) {
                part = step.startsWith("[") ? part.element(step, path) : part.member(step, path);
            }
        }
        return part;
    }

    private Part element(String step, String path) {
        if (!(btf.type(btf.strip(type)) instanceof BtfType.Array array) || !step.matches("\\[\\d{1,9}]")) {
            throw new IllegalArgumentException(path + ": " + step + " of what is no array");
        }
        long index = Long.parseLong(step.substring(1, step.length() - 1));
        if (index >= array.count()) {
            throw new IllegalArgumentException(path + ": the array has " + array.count() + " elements");
        }
        return elementAt(array, index);
    }

    /** An element of an array; its size is known because the whole's is. */
    Part elementAt(BtfType.Array array, long index) {
        long size = Math.max(0, TypeSize.of(btf, array.element()));
        return new Part(btf, array.element(), slice(index * size, size), 0, 0);
    }

    private MemorySegment slice(long from, long size) {
        long start = Math.min(from, bytes.byteSize());
        return bytes.asSlice(start, Math.min(size, bytes.byteSize() - start));
    }

    private Part member(String name, String path) {
        Part found = find(name, 0);
        if (found == null) {
            throw new IllegalArgumentException(path + ": no " + name + "; there are "
                    + fields().stream().map(Field::name).toList());
        }
        return found;
    }

    private Part find(String name, int depth) {
        for (Field field : fields()) {
            if (field.name().equals(name)) {
                return part(field);
            }
            Part inside = field.name().isEmpty() && depth < MAX_DEPTH
                    ? part(field).find(name, depth + 1) : null;
            if (inside != null) {
                return inside;
            }
        }
        return null;
    }

    List<Field> fields() {
        return Field.of(btf, type);
    }

    Part part(Field field) {
        if (field.bitField() > 0) {
            return new Part(btf, field.type(), bytes, field.offset(), field.bitField());
        }
        return new Part(btf, field.type(), slice(field.offset() / Byte.SIZE,
                Math.max(0, TypeSize.of(btf, field.type()))), 0, 0);
    }

    Btf btf() {
        return btf;
    }

    int type() {
        return type;
    }

    /**
     * The number that this is.
     *
     * @throws IllegalArgumentException if it is none: a struct, or an array
     */
    long number() {
        int width = bits > 0 ? bits : width();
        long raw = bits > 0 ? load() : Bytes.load(bytes, 0, width / Byte.SIZE);
        boolean signed = switch (btf.type(btf.strip(type))) {
            case BtfType.Int number -> number.encoding() == BtfType.Int.SIGNED;
            case BtfType.Enumeration number -> number.signed();
            default -> false;
        };
        int unused = Long.SIZE - width;
        return signed ? raw << unused >> unused : raw;
    }

    /**
     * Sets the number that this is; higher bits than it has are left out.
     *
     * @throws IllegalArgumentException if it is none: a struct, or an array
     */
    void set(long number) {
        if (bits > 0) {
            store(number);
        } else {
            Bytes.store(bytes, 0, width() / Byte.SIZE, number);
        }
    }

    private int width() {
        long size = bytes.byteSize();
        boolean aggregate = !fields().isEmpty() || btf.type(btf.strip(type)) instanceof BtfType.Array;
        if (aggregate || size > Long.BYTES || Long.bitCount(size) != 1) {
            throw new IllegalArgumentException(size + " bytes that are no number; say which part");
        }
        return (int) size * Byte.SIZE;
    }

    /** Where the bit of a bit field's number is whose value is 2 to the power of {@code i}. */
    private long place(int i) {
        return Bytes.LITTLE ? offset + i : offset + bits - 1 - i;
    }

    private static int mask(long place) {
        int bit = (int) (place % Byte.SIZE);
        return 1 << (Bytes.LITTLE ? bit : Byte.SIZE - 1 - bit);
    }

    private long load() {
        long number = 0;
        for (int i = 0; i < bits; i++) {
            boolean set = ((byte) Bytes.BYTE.get(bytes, place(i) / Byte.SIZE) & mask(place(i))) != 0;
            number |= set ? 1L << i : 0;
        }
        return number;
    }

    private void store(long number) {
        for (int i = 0; i < bits; i++) {
            long at = place(i) / Byte.SIZE;
            int others = (byte) Bytes.BYTE.get(bytes, at) & ~mask(place(i));
            boolean set = (number >>> i & 1) != 0;
            Bytes.BYTE.set(bytes, at, (byte) (set ? others | mask(place(i)) : others));
        }
    }

    /** Whether it is zero throughout. */
    boolean isZero() {
        for (long i = 0; i < bytes.byteSize(); i++) {
            if ((byte) Bytes.BYTE.get(bytes, i) != 0) {
                return false;
            }
        }
        return true;
    }

    /** The elements of an array, at most so many. */
    List<Part> elements(BtfType.Array array, int most) {
        List<Part> elements = new ArrayList<>();
        for (long i = 0; i < Math.min(array.count(), most); i++) {
            elements.add(elementAt(array, i));
        }
        return elements;
    }

    boolean isBitField() {
        return bits > 0;
    }
}
