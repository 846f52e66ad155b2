package io.vhost.bpf.btf.check;

import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.Errno;
import io.vhost.bpf.btf.raw.BtfRaw;

/** The part of the third stage for records that carry a list: structs, unions, enums and sections. */
final class MemberListCheck {
    private static final String NAME = "Invalid name";

    private final BtfRaw raw;
    private final BtfLog log;
    private final Names names;

    MemberListCheck(BtfRaw raw, BtfLog log, Names names) {
        this.raw = raw;
        this.log = log;
        this.names = names;
    }

    void composite(BtfKind kind, int at, int info, int name) throws BtfException {
        if (name != 0 && !names.identifier(name)) {
            throw log.type(at, NAME);
        }
        log.trace(at);
        int size = raw.wordAt(at + 8);
        int last = 0;
        for (int i = 0; i < raw.vlenOf(info); i++) {
            int memberAt = at + BtfRaw.RECORD + 12 * i;
            int memberName = raw.wordAt(memberAt);
            if (!raw.nameExists(memberName)) {
                throw log.member(at, i, "Invalid member name_offset:" + Integer.toUnsignedString(memberName));
            }
            refuseMember(at, i, memberName != 0 && !names.identifier(memberName), NAME);
            refuseMember(at, i, !BtfRaw.representableAndNotVoid(raw.wordAt(memberAt + 4)),
                    "Invalid type_id");
            int place = raw.wordAt(memberAt + 8);
            int offset = info < 0 ? place & 0xFFFFFF : place;
            refuseMember(at, i, kind == BtfKind.UNION && offset != 0, "Invalid member bits_offset");
            // Equal offsets are legal: the last member could be an array of no elements.
            refuseMember(at, i, Integer.compareUnsigned(last, offset) > 0, "Invalid member bits_offset");
            refuseMember(at, i, Integer.compareUnsigned(MemberCheck.bytesFor(offset), size) > 0,
                    "Member bits_offset exceeds its struct size");
            log.traceMember(at, i);
            last = offset;
        }
    }

    void enumeration(BtfKind kind, int at, int info, int name) throws BtfException {
        int size = raw.wordAt(at + 8);
        if (size != 1 && size != 2 && size != 4 && size != 8) {
            throw log.type(at, "Unexpected size");
        }
        if (name != 0 && !names.identifier(name)) {
            throw log.type(at, NAME);
        }
        log.trace(at);
        int stride = kind == BtfKind.ENUM64 ? 12 : 8;
        for (int i = 0; i < raw.vlenOf(info); i++) {
            int valueAt = at + BtfRaw.RECORD + stride * i;
            int valueName = raw.wordAt(valueAt);
            if (!raw.nameExists(valueName)) {
                throw log.plain(Errno.EINVAL, valueAt,
                        "\tInvalid name_offset:" + Integer.toUnsignedString(valueName));
            }
            if (valueName == 0 || !names.identifier(valueName)) {
                throw log.type(at, NAME);
            }
            if (log.traces()) {
                log.traceText("\t" + log.name(valueName) + " val=" + value(kind, info < 0, valueAt) + "\n");
            }
        }
    }

    private String value(BtfKind kind, boolean signed, int valueAt) {
        int low = raw.wordAt(valueAt + 4);
        if (kind == BtfKind.ENUM) {
            return signed ? Integer.toString(low) : Integer.toUnsignedString(low);
        }
        long wide = (long) raw.wordAt(valueAt + 8) << 32 | Integer.toUnsignedLong(low);
        return signed ? Long.toString(wide) : Long.toUnsignedString(wide);
    }

    void section(int at, int info, int name) throws BtfException {
        long size = Integer.toUnsignedLong(raw.wordAt(at + 8));
        if (size == 0) {
            throw log.type(at, "size == 0");
        }
        if (info < 0) {
            throw log.type(at, "Invalid btf_info kind_flag");
        }
        if (name == 0 || !names.section(name)) {
            throw log.type(at, NAME);
        }
        log.trace(at);
        long end = 0;
        long sum = 0;
        for (int i = 0; i < raw.vlenOf(info); i++) {
            int variableAt = at + BtfRaw.RECORD + 12 * i;
            long offset = Integer.toUnsignedLong(raw.wordAt(variableAt + 4));
            long length = Integer.toUnsignedLong(raw.wordAt(variableAt + 8));
            refuseVariable(at, i, !BtfRaw.representableAndNotVoid(raw.wordAt(variableAt)),
                    "Invalid type_id");
            refuseVariable(at, i, offset < end || offset >= size, "Invalid offset");
            refuseVariable(at, i, length == 0 || length > size, "Invalid size");
            // The kernel adds in 32 bits; both addends are at most size, so only a section above 2 GiB can
            // wrap.
            end = offset + length & 0xFFFFFFFFL;
            refuseVariable(at, i, end > size, "Invalid offset+size");
            log.traceVariable(at, i);
            sum += length;
        }
        if (size < sum) {
            throw log.type(at, "Invalid btf_info size");
        }
    }

    private void refuseMember(int at, int index, boolean fault, String error) throws BtfException {
        if (fault) {
            throw log.member(at, index, error);
        }
    }

    private void refuseVariable(int at, int index, boolean fault, String error) throws BtfException {
        if (fault) {
            throw log.variable(at, index, error);
        }
    }
}
