package io.vhost.bpf.btf;

import io.vhost.bpf.btf.raw.BtfRaw;

/**
 * Where a C compiler for a 64-bit machine puts members, and what it takes to make it put them elsewhere.
 *
 * <p>Thread: one.
 */
final class CLayout {
    private static final int MAX_DEPTH = 32;
    private static final int POINTER = 8;
    private static final long LARGEST = 1L << 48;

    private final Btf btf;
    private final byte[] alignments;
    private int gaps;

    CLayout(Btf btf) {
        this.btf = btf;
        this.alignments = new byte[btf.typeCount()];
    }

    /** The alignment that C gives a type, in bytes. */
    int alignment(int id) {
        return alignment(id, 0);
    }

    private int alignment(int id, int depth) {
        if (depth > MAX_DEPTH) {
            return 1;
        }
        if (alignments[id] == 0) {
            BtfRaw raw = btf.raw();
            int found = switch (BtfKind.of(raw.kindId(id))) {
                case INT, FLOAT, ENUM, ENUM64 -> power(Integer.toUnsignedLong(raw.size(id)));
                case PTR -> POINTER;
                case ARRAY -> alignment(raw.trailing(id, 0), depth + 1);
                case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG -> alignment(raw.size(id), depth + 1);
                case STRUCT, UNION -> {
                    BtfType.Composite composite = (BtfType.Composite) btf.type(id);
                    yield packed(composite, depth) ? 1 : widest(composite, depth);
                }
                default -> 1;
            };
            alignments[id] = (byte) found;
        }
        return alignments[id];
    }

    /** Whether a struct has members, or a size, that C would only give a packed one. */
    boolean packed(int id, BtfType.Composite composite) {
        return btf.kind(id).isComposite() && packed(composite, 0);
    }

    private boolean packed(BtfType.Composite composite, int depth) {
        for (BtfType.Member member : composite.members()) {
            long alignedBits = 8L * alignment(member.type(), depth + 1);
            boolean odd = member.bitField() == 0 && member.offset() % alignedBits != 0;
            if (odd || straddles(member)) {
                return true;
            }
        }
        return composite.size() % widest(composite, depth) != 0;
    }

    /** Whether a bit field lies across a border of its own type, where C would not put it. */
    private boolean straddles(BtfType.Member member) {
        if (member.bitField() == 0) {
            return false;
        }
        long width = 8 * size(member.type());
        return width > 0 && member.offset() % width + member.bitField() > width;
    }

    private int widest(BtfType.Composite composite, int depth) {
        int widest = 1;
        for (BtfType.Member member : composite.members()) {
            widest = Math.max(widest, alignment(member.type(), depth + 1));
        }
        return widest;
    }

    /** Bytes of a type, 0 if it has no size; no more than 2^48, which keeps sums and bits in a long. */
    long size(int id) {
        BtfRaw raw = btf.raw();
        long elements = 1;
        int at = id;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            switch (BtfKind.of(raw.kindId(at))) {
                case INT, FLOAT, ENUM, ENUM64, STRUCT, UNION -> {
                    return product(elements, raw.size(at));
                }
                case PTR -> {
                    return product(elements, POINTER);
                }
                case ARRAY -> {
                    elements = product(elements, raw.trailing(at, 2));
                    at = raw.trailing(at, 0);
                }
                case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG -> at = raw.size(at);
                default -> {
                    return 0;
                }
            }
        }
        return 0;
    }

    private static long product(long elements, int unsigned) {
        long factor = Integer.toUnsignedLong(unsigned);
        return factor != 0 && elements > LARGEST / factor ? LARGEST : elements * factor;
    }

    Cursor cursor(BtfKind kind, boolean packed) {
        return new Cursor(kind == BtfKind.UNION, packed);
    }

    /** The place that a compiler has reached inside a struct; fills gaps with bit fields without name. */
    final class Cursor {
        private final boolean union;
        private final boolean packed;
        private long bit;

        private Cursor(boolean union, boolean packed) {
            this.union = union;
            this.packed = packed;
        }

        void fill(BtfType.Member member, String indent, StringBuilder text) {
            long bits = member.bitField() > 0 ? member.bitField() : 8 * size(member.type());
            if (union) {
                bit = Math.max(bit, bits);
                return;
            }
            long natural = bit;
            if (member.bitField() == 0) {
                natural = roundUp(bit, packed ? 8 : 8L * alignment(member.type()));
            }
            if (natural < member.offset()) {
                pad(bit, member.offset(), indent, text);
            }
            bit = member.offset() + bits;
        }

        void end(long size, int alignment, String indent, StringBuilder text) {
            long natural = roundUp(bit, packed ? 8 : 8L * alignment);
            if (natural < 8 * size) {
                if (union) {
                    text.append(indent).append("unsigned char __gap_").append(gaps++).append('[').append(size)
                            .append("];\n");
                } else {
                    pad(bit, 8 * size, indent, text);
                }
            }
        }

        private void pad(long from, long to, String indent, StringBuilder text) {
            long at = from;
            while (at < to) {
                boolean word = at % 64 == 0 && to - at >= 64;
                long bits = word ? (to - at) / 64 * 64 : Math.min(to - at, 8 - at % 8);
                if (word && bits > 64) {
                    // A name that no member has; bit fields cannot be that wide.
                    text.append(indent).append("unsigned long __gap_").append(gaps++).append('[')
                            .append(bits / 64).append("];\n");
                } else {
                    text.append(indent).append(word ? "long: 64;\n" : "char: " + bits + ";\n");
                }
                at += bits;
            }
        }

        private static long roundUp(long value, long multiple) {
            return (value + multiple - 1) / multiple * multiple;
        }
    }

    private static int power(long size) {
        return size <= 0 ? 1 : (int) Math.min(16, Long.highestOneBit(size));
    }
}
