package io.vhost.bpf.btf;

import io.vhost.bpf.btf.raw.BtfRaw;

/**
 * The least that must hold before a blob can be read at all: sections inside the blob, complete records, and
 * every name and type that a record refers to exists. Cheap, in one pass over the records and one over the
 * references.
 *
 * <p>All names together may take 128 MiB, ten times what a kernel has, counted as often as a listing repeats
 * them: without a limit a blob of 16 MiB could stand for terabytes of text, by naming a million types, or
 * listing a million times one variable, after one string of a megabyte.
 */
final class BtfStructure {
    private static final int MAX_NAMES = 128 << 20;

    private final byte[] blob;
    private final BtfHeader header;
    private final BtfRaw raw;
    private int namesLeft = MAX_NAMES;

    private BtfStructure(byte[] blob, BtfHeader header) {
        this.blob = blob;
        this.header = header;
        this.raw = new BtfRaw(blob, header.byteOrder(), true, header.typesStart(),
                header.stringsStart(), header.stringsLength());
    }

    static BtfRaw read(byte[] blob) throws BtfException {
        BtfHeader header = header(blob);
        BtfStructure structure = new BtfStructure(blob, header);
        structure.records();
        structure.references();
        structure.raw.trim();
        return structure.raw;
    }

    static BtfHeader header(byte[] blob) throws BtfException {
        if (blob.length < BtfHeader.SIZE) {
            throw fail(blob.length, "btf_header not found");
        }
        BtfHeader header = BtfHeader.read(blob, BtfHeader.SIZE_WITH_LAYOUT, BtfHeader.orderOf(blob));
        if (header.magic() != BtfHeader.MAGIC) {
            throw fail(0, "Invalid magic");
        }
        if (header.version() != BtfHeader.VERSION) {
            throw fail(2, "Unsupported version");
        }
        // A head that is shorter than usual is legal: what it lacks reads as zero.
        if (header.headerLength() < 0 || header.headerLength() > blob.length) {
            throw fail(4, "btf_header not found");
        }
        inside(blob, header, header.typesOffset(), header.typesLength(), 8);
        inside(blob, header, header.stringsOffset(), header.stringsLength(), 16);
        inside(blob, header, header.layoutOffset(), header.layoutLength(), 24);
        int strings = header.stringsStart();
        boolean terminated = header.stringsLength() > 0 && blob[strings] == 0
                && blob[strings + header.stringsLength() - 1] == 0;
        if (!terminated) {
            throw fail(strings, "Invalid string section");
        }
        return header;
    }

    private static void inside(byte[] blob, BtfHeader header, int offset, int length, int at)
            throws BtfException {
        long end = header.headerLength() + Integer.toUnsignedLong(offset) + Integer.toUnsignedLong(length);
        if (end > blob.length) {
            throw fail(at, "Total section length too long");
        }
    }

    private void records() throws BtfException {
        int at = raw.typesStart();
        int end = at + header.typesLength();
        while (at < end) {
            int left = end - at;
            long length = left < BtfRaw.RECORD ? Long.MAX_VALUE : length(at);
            if (length > left) {
                throw new BtfException(Errno.EINVAL, at, raw.count(), "meta_left:" + left, "");
            }
            if (raw.count() == BtfRaw.MAX_TYPE) {
                throw new BtfException(Errno.E2BIG, at, raw.count(), "Exceeded max num of types", "");
            }
            raw.add(at);
            at += (int) length;
        }
    }

    private long length(int at) throws BtfException {
        int info = raw.wordAt(at + 4);
        int kindId = raw.kindOf(info);
        int vlen = raw.vlenOf(info);
        if (kindId > 0 && kindId <= BtfKind.MAX_ID) {
            return BtfRaw.RECORD + (long) BtfKind.of(kindId).trailingBytes(vlen);
        }
        // Four bytes of layout per kind: bytes after the record, bytes per element, two of flags.
        if (kindId == 0 || 4 * kindId + 4 > header.layoutLength()) {
            throw new BtfException(Errno.EINVAL, at + 4, raw.count(), "Invalid kind:" + kindId, "");
        }
        int layout = header.headerLength() + header.layoutOffset() + 4 * kindId;
        return BtfRaw.RECORD + (blob[layout] & 0xFF) + (long) (blob[layout + 1] & 0xFF) * vlen;
    }

    private void references() throws BtfException {
        for (int id = 1; id < raw.count(); id++) {
            name(id, raw.nameOffset(id));
            switch (BtfKind.of(raw.kindId(id))) {
                case PTR, TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG, FUNC, VAR, DECL_TAG ->
                        type(id, raw.size(id));
                case ARRAY -> {
                    type(id, raw.trailing(id, 0));
                    type(id, raw.trailing(id, 1));
                }
                case STRUCT, UNION -> list(id, 3, 1);
                case ENUM -> list(id, 2, -1);
                case ENUM64 -> list(id, 3, -1);
                case DATASEC -> variables(id);
                case FUNC_PROTO -> {
                    type(id, raw.size(id));
                    list(id, 2, 1);
                }
                default -> { }
            }
        }
    }

    private void list(int id, int stride, int typeIndex) throws BtfException {
        int vlen = raw.vlen(id);
        for (int i = 0; i < vlen; i++) {
            name(id, raw.trailing(id, stride * i));
            if (typeIndex >= 0) {
                type(id, raw.trailing(id, stride * i + typeIndex));
            }
        }
    }

    private void variables(int id) throws BtfException {
        int vlen = raw.vlen(id);
        for (int i = 0; i < vlen; i++) {
            int variable = raw.trailing(id, 3 * i);
            type(id, variable);
            name(id, raw.nameOffset(variable));
        }
    }

    private void name(int id, int nameOffset) throws BtfException {
        if (Integer.compareUnsigned(nameOffset, header.stringsLength()) >= 0) {
            throw new BtfException(Errno.EINVAL, raw.offset(id), id,
                    "Invalid name_offset:" + Integer.toUnsignedString(nameOffset), "");
        }
        namesLeft -= raw.nameLength(nameOffset, namesLeft);
        if (namesLeft <= 0) {
            throw new BtfException(Errno.E2BIG, raw.offset(id), id,
                    "names take more than " + MAX_NAMES + " bytes", "");
        }
    }

    private void type(int id, int target) throws BtfException {
        if (!raw.exists(target)) {
            throw new BtfException(Errno.EINVAL, raw.offset(id), id,
                    "Invalid type_id " + Integer.toUnsignedString(target), "");
        }
    }

    private static BtfException fail(int offset, String error) {
        return new BtfException(Errno.EINVAL, offset, 0, error, error);
    }
}
