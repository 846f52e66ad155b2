package io.vhost.bpf.btf.check;

import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfHeader;
import io.vhost.bpf.btf.Errno;
import io.vhost.bpf.btf.raw.BtfRaw;
import java.nio.ByteOrder;
import java.util.Set;

/** The first two stages of validation: the head with its sections, then the strings. */
final class HeaderCheck {
    private static final int HEADER_LENGTH_END = 8;

    private final byte[] blob;
    private final Set<BtfRule> rules;
    private final ByteOrder order;
    private final StringBuilder text;
    private final boolean trace;

    HeaderCheck(byte[] blob, Set<BtfRule> rules, ByteOrder order, StringBuilder text, boolean trace) {
        this.blob = blob;
        this.rules = rules;
        this.order = order;
        this.text = text;
        this.trace = trace;
    }

    private record Section(int offset, int length) {
        // The kernel compares differences as signed numbers: with offsets above 2 GiB the order is odd but
        // the same.
        boolean before(Section other) {
            return (offset != other.offset ? offset - other.offset : length - other.length) < 0;
        }
    }

    BtfHeader check() throws BtfException {
        if (blob.length > BtfRaw.MAX_BLOB) {
            throw new BtfException(Errno.E2BIG, 0, 0, "blob of " + blob.length + " bytes exceeds 16 MiB",
                    text.toString());
        }
        if (blob.length < HEADER_LENGTH_END) {
            throw fail(Errno.EINVAL, blob.length, "hdr_len not found");
        }
        int known = rules.contains(BtfRule.LAYOUT_SECTION) ? BtfHeader.SIZE_WITH_LAYOUT : BtfHeader.SIZE;
        int announced = BtfRaw.word(blob, 4, order == ByteOrder.BIG_ENDIAN);
        if (Integer.compareUnsigned(blob.length, announced) < 0) {
            throw fail(Errno.EINVAL, 4, "btf_header not found");
        }
        for (int at = known; at < announced; at++) {
            if (blob[at] != 0) {
                throw fail(Errno.E2BIG, at, "Unsupported btf_header");
            }
        }
        BtfHeader header = BtfHeader.read(blob, known, order);
        if (trace) {
            trace(header, known);
        }
        if (header.magic() != BtfHeader.MAGIC) {
            throw fail(Errno.EINVAL, 0, "Invalid magic");
        }
        if (header.version() != BtfHeader.VERSION) {
            throw fail(Errno.ENOTSUPP, 2, "Unsupported version");
        }
        if (header.flags() != 0) {
            throw fail(Errno.ENOTSUPP, 3, "Unsupported flags");
        }
        if (blob.length == header.headerLength()) {
            throw fail(Errno.EINVAL, blob.length, "No data");
        }
        sections(header);
        strings(header);
        layout(header);
        return header;
    }

    private boolean hasLayout(BtfHeader header) {
        return rules.contains(BtfRule.LAYOUT_SECTION) && header.headerLength() >= BtfHeader.SIZE_WITH_LAYOUT;
    }

    private void sections(BtfHeader header) throws BtfException {
        Section types = new Section(header.typesOffset(), header.typesLength());
        Section strings = new Section(header.stringsOffset(), header.stringsLength());
        Section[] sections = hasLayout(header) && header.layoutLength() != 0
                ? new Section[] {types, strings, new Section(header.layoutOffset(), header.layoutLength())}
                : new Section[] {types, strings};
        sort(sections);
        int expected = blob.length - header.headerLength();
        int total = 0;
        for (Section section : sections) {
            if (Integer.compareUnsigned(expected, section.offset) < 0) {
                throw fail(Errno.EINVAL, 8, "Invalid section offset");
            }
            if (total < section.offset) {
                throw fail(Errno.EINVAL, header.headerLength() + total, "Unsupported section found");
            }
            if (total > section.offset) {
                throw fail(Errno.EINVAL, header.headerLength() + section.offset, "Section overlap found");
            }
            if (Integer.compareUnsigned(expected - total, section.length) < 0) {
                throw fail(Errno.EINVAL, header.headerLength() + total, "Total section length too long");
            }
            total += section.length;
        }
        if (total != expected) {
            throw fail(Errno.EINVAL, header.headerLength() + total, "Unsupported section found");
        }
    }

    // By insertion, which asks in the same direction as the kernel's heap sort; a library's sort may ask
    // either way.
    private static void sort(Section[] sections) {
        for (int end = 1; end < sections.length; end++) {
            for (int i = end; i > 0 && !sections[i - 1].before(sections[i]); i--) {
                Section later = sections[i - 1];
                sections[i - 1] = sections[i];
                sections[i] = later;
            }
        }
    }

    private void strings(BtfHeader header) throws BtfException {
        int start = header.stringsStart();
        int end = start + header.stringsLength();
        if (end != blob.length && !hasLayout(header)) {
            throw fail(Errno.EINVAL, end, "String section is not at the end");
        }
        boolean sized = header.stringsLength() != 0 && header.stringsLength() - 1 <= BtfRaw.MAX_NAME_OFFSET;
        if (!sized || blob[end - 1] != 0 || blob[start] != 0) {
            throw fail(Errno.EINVAL, start, "Invalid string section");
        }
    }

    private void layout(BtfHeader header) throws BtfException {
        if (!hasLayout(header) || header.layoutLength() == 0) {
            return;
        }
        int start = header.headerLength() + header.layoutOffset();
        if ((header.layoutOffset() & 3) != 0) {
            throw fail(Errno.EINVAL, start, "Unaligned layout_off");
        }
        if (header.layoutLength() < 4) {
            throw fail(Errno.EINVAL, start, "Layout section is too small");
        }
        if (header.layoutLength() % 4 != 0) {
            throw fail(Errno.EINVAL, start, "layout_len is not multiple of 4");
        }
    }

    private void trace(BtfHeader header, int known) {
        text.append("magic: 0x").append(Integer.toHexString(header.magic())).append('\n');
        text.append("version: ").append(header.version()).append('\n');
        text.append("flags: 0x").append(Integer.toHexString(header.flags())).append('\n');
        line("hdr_len", header.headerLength());
        line("type_off", header.typesOffset());
        line("type_len", header.typesLength());
        line("str_off", header.stringsOffset());
        line("str_len", header.stringsLength());
        if (known == BtfHeader.SIZE_WITH_LAYOUT && header.headerLength() >= known) {
            line("layout_off", header.layoutOffset());
            line("layout_len", header.layoutLength());
        }
        line("btf_total_size", blob.length);
    }

    private void line(String name, int value) {
        text.append(name).append(": ").append(Integer.toUnsignedString(value)).append('\n');
    }

    private BtfException fail(Errno errno, int offset, String error) {
        text.append(error);
        return new BtfException(errno, offset, 0, error, text.toString());
    }
}
