package io.vhost.bpf.btf.check;

import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.Errno;
import io.vhost.bpf.btf.raw.BtfRaw;
import java.util.Set;

/**
 * The third stage: walks the records in order and checks each on its own, before anything is known about the
 * types that it refers to. Afterwards every record is complete and every name exists.
 */
final class MetaCheck {
    private static final int FUNC_GLOBAL = 1;
    private static final int VAR_GLOBAL = 1;
    private static final String KIND_FLAG = "Invalid btf_info kind_flag";
    private static final String VLEN = "vlen != 0";
    private static final String NAME = "Invalid name";
    private static final String TYPE_ID = "Invalid type_id";

    private final BtfRaw raw;
    private final BtfLog log;
    private final Names names;
    private final Set<BtfRule> rules;
    private final MemberListCheck members;

    MetaCheck(BtfRaw raw, BtfLog log, Set<BtfRule> rules) {
        this.raw = raw;
        this.log = log;
        this.rules = rules;
        this.names = new Names(raw, rules);
        this.members = new MemberListCheck(raw, log, names);
    }

    /** Checks the records between {@code start} and {@code end} and enters them into the raw view. */
    void checkAll(int start, int end) throws BtfException {
        int at = start;
        for (int id = 1; at < end; id++) {
            log.current(id);
            int length = check(at, end - at);
            if (raw.count() < BtfRaw.MAX_TYPE) {
                raw.add(at);
            } else if (log.traces()) {
                // The kernel says so and goes on: what comes after the last id is checked but never looked at
                // again.
                log.traceText("Exceeded max num of types");
            }
            at += length;
        }
    }

    private int check(int at, int left) throws BtfException {
        if (left < BtfRaw.RECORD) {
            throw log.plain(Errno.EINVAL, at, "[" + log.current() + "] meta_left:" + left
                    + " meta_needed:12");
        }
        int info = raw.wordAt(at + 4);
        int kindId = raw.kindOf(info);
        if (rules.contains(BtfRule.INFO_MASK) && (info & ~0x9F00FFFF) != 0) {
            throw log.plain(Errno.EINVAL, at + 4,
                    "[" + log.current() + "] Invalid btf_info:" + Integer.toHexString(info));
        }
        BtfKind kind = BtfKind.of(kindId);
        boolean tooNew = kind == BtfKind.ENUM64 && !rules.contains(BtfRule.ENUM64);
        if (kind == BtfKind.UNKNOWN || tooNew) {
            throw log.plain(Errno.EINVAL, at + 4, "[" + log.current() + "] Invalid kind:" + kindId);
        }
        int name = raw.wordAt(at);
        if (!raw.nameExists(name)) {
            throw log.plain(Errno.EINVAL, at,
                    "[" + log.current() + "] Invalid name_offset:" + Integer.toUnsignedString(name));
        }
        int vlen = raw.vlenOf(info);
        int needed = kind.trailingBytes(vlen);
        if (left - BtfRaw.RECORD < needed) {
            throw log.basic(at, "meta_left:" + (left - BtfRaw.RECORD) + " meta_needed:" + needed);
        }
        byKind(kind, at, info, name);
        return BtfRaw.RECORD + needed;
    }

    private void byKind(BtfKind kind, int at, int info, int name) throws BtfException {
        switch (kind) {
            case INT -> integer(at, info);
            case PTR, TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG -> reference(kind, at, info, name);
            case ARRAY -> array(at, info, name);
            case STRUCT, UNION -> members.composite(kind, at, info, name);
            case ENUM, ENUM64 -> {
                if (info < 0 && !rules.contains(BtfRule.ENUM_KIND_FLAG)) {
                    throw log.type(at, KIND_FLAG);
                }
                members.enumeration(kind, at, info, name);
            }
            case FWD -> forward(at, info, name);
            case FUNC -> function(at, info, name);
            case FUNC_PROTO -> {
                refuse(at, name != 0, NAME);
                refuse(at, info < 0, KIND_FLAG);
                log.trace(at);
            }
            case VAR -> variable(at, info, name);
            case DATASEC -> members.section(at, info, name);
            case FLOAT -> floating(at, info);
            default -> declarationTag(at, info, name);
        }
    }

    private void integer(int at, int info) throws BtfException {
        refuse(at, raw.vlenOf(info) != 0, VLEN);
        refuse(at, info < 0, KIND_FLAG);
        int data = raw.wordAt(at + BtfRaw.RECORD);
        if ((data & ~0x0FFFFFFF) != 0) {
            throw log.basic(at, "Invalid int_data:" + Integer.toHexString(data));
        }
        int bits = (data & 0xFF) + (data >>> 16 & 0xFF);
        refuse(at, bits > 128, "nr_bits exceeds 128");
        refuse(at, Integer.compareUnsigned((bits + 7) / 8, raw.wordAt(at + 8)) > 0,
                "nr_bits exceeds type_size");
        int encoding = data >>> 24;
        if (encoding != 0 && encoding != 1 && encoding != 2 && encoding != 4) {
            throw log.type(Errno.ENOTSUPP, at, "Unsupported encoding");
        }
        log.trace(at);
    }

    private void reference(BtfKind kind, int at, int info, int name) throws BtfException {
        refuse(at, raw.vlenOf(info) != 0, VLEN);
        boolean flagAllowed = kind == BtfKind.TYPE_TAG && rules.contains(BtfRule.TAG_KIND_FLAG);
        refuse(at, info < 0 && !flagAllowed, KIND_FLAG);
        refuse(at, !BtfRaw.representable(raw.wordAt(at + 8)), TYPE_ID);
        switch (kind) {
            case TYPEDEF -> refuse(at, name == 0 || !names.identifier(name), NAME);
            case TYPE_TAG -> refuse(at, !names.present(name), NAME);
            default -> refuse(at, name != 0, NAME);
        }
        log.trace(at);
    }

    private void array(int at, int info, int name) throws BtfException {
        refuse(at, name != 0, NAME);
        refuse(at, raw.vlenOf(info) != 0, VLEN);
        refuse(at, info < 0, KIND_FLAG);
        refuse(at, raw.wordAt(at + 8) != 0, "size != 0");
        refuse(at, !BtfRaw.representableAndNotVoid(raw.wordAt(at + 12)), "Invalid elem");
        refuse(at, !BtfRaw.representableAndNotVoid(raw.wordAt(at + 16)), "Invalid index");
        log.trace(at);
    }

    private void forward(int at, int info, int name) throws BtfException {
        refuse(at, raw.vlenOf(info) != 0, VLEN);
        refuse(at, raw.wordAt(at + 8) != 0, "type != 0");
        refuse(at, name == 0 || !names.identifier(name), NAME);
        log.trace(at);
    }

    private void function(int at, int info, int name) throws BtfException {
        refuse(at, name == 0 || !names.identifier(name), NAME);
        refuse(at, raw.vlenOf(info) > FUNC_GLOBAL, "Invalid func linkage");
        refuse(at, info < 0, KIND_FLAG);
        log.trace(at);
    }

    private void variable(int at, int info, int name) throws BtfException {
        refuse(at, raw.vlenOf(info) != 0, VLEN);
        refuse(at, info < 0, KIND_FLAG);
        refuse(at, name == 0 || !names.identifier(name), NAME);
        refuse(at, !BtfRaw.representableAndNotVoid(raw.wordAt(at + 8)), TYPE_ID);
        int linkage = raw.wordAt(at + BtfRaw.RECORD);
        refuse(at, linkage < 0 || linkage > VAR_GLOBAL, "Linkage not supported");
        log.trace(at);
    }

    private void floating(int at, int info) throws BtfException {
        refuse(at, raw.vlenOf(info) != 0, VLEN);
        refuse(at, info < 0, KIND_FLAG);
        int size = raw.wordAt(at + 8);
        refuse(at, size != 2 && size != 4 && size != 8 && size != 12 && size != 16, "Invalid type_size");
        log.trace(at);
    }

    private void declarationTag(int at, int info, int name) throws BtfException {
        refuse(at, !names.present(name), "Invalid value");
        refuse(at, raw.vlenOf(info) != 0, VLEN);
        refuse(at, info < 0 && !rules.contains(BtfRule.TAG_KIND_FLAG), KIND_FLAG);
        refuse(at, raw.wordAt(at + BtfRaw.RECORD) < -1, "Invalid component_idx");
        log.trace(at);
    }

    private void refuse(int at, boolean fault, String error) throws BtfException {
        if (fault) {
            throw log.type(at, error);
        }
    }
}
