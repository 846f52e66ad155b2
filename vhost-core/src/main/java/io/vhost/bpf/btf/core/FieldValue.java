package io.vhost.bpf.btf.core;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfType;
import java.nio.ByteOrder;

/**
 * A field's place in memory.
 *
 * @param offset   bytes from the start to the word that has it
 * @param size     bytes of that word
 * @param bit      the field's first bit, from the start of all
 * @param bits     number of its bits
 * @param bitField whether it is one
 * @param type     its type
 */
record FieldValue(long offset, long size, long bit, long bits, boolean bitField, int type) {
    private static final int WORD = 64;

    static FieldValue of(AccessPath path) throws CoreException {
        Btf btf = path.btf();
        BtfType.Member member = path.member();
        if (member == null || member.bitField() == 0) {
            long size = AccessPath.size(btf, path.end());
            return new FieldValue(path.bits() / Byte.SIZE, size, path.bits(), size * Byte.SIZE, false,
                    path.end());
        }
        long bits = member.bitField();
        long size = AccessPath.size(btf, member.type());
        long offset = word(path.bits(), size);
        while (path.bits() + bits - offset * Byte.SIZE > size * Byte.SIZE) {
            if (size >= Long.BYTES) {
                throw new CoreException("bit field " + path.text() + " of "
                        + CoreNames.of(btf, btf.strip(path.root())) + " is in no word of 8 bytes");
            }
            size *= 2;
            offset = word(path.bits(), size);
        }
        return new FieldValue(offset, size, path.bits(), bits, true, member.type());
    }

    private static long word(long bit, long size) {
        return size == 0 ? bit / Byte.SIZE : bit / Byte.SIZE / size * size;
    }

    boolean isSigned(Btf btf) {
        return switch (btf.type(btf.strip(type))) {
            case BtfType.Int number -> (number.encoding() & BtfType.Int.SIGNED) != 0;
            case BtfType.Enumeration names -> names.signed();
            default -> false;
        };
    }

    long value(CoreKind kind, Btf btf) {
        boolean little = btf.byteOrder() == ByteOrder.LITTLE_ENDIAN;
        long inside = bit - offset * Byte.SIZE;
        return switch (kind) {
            case FIELD_BYTE_OFFSET -> offset;
            case FIELD_BYTE_SIZE -> size;
            case FIELD_SIGNED -> isSigned(btf) ? 1 : 0;
            case FIELD_LSHIFT_U64 -> little ? WORD - (inside + bits)
                    : (Long.BYTES - size) * Byte.SIZE + inside;
            case FIELD_RSHIFT_U64 -> WORD - bits;
            default -> 1;
        };
    }
}
