package io.vhost.bpf.btf.check;

import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.raw.BtfRaw;

/**
 * Whether a member fits its struct, once the member's type is resolved; the rules differ by the member's
 * kind.
 */
final class MemberCheck {
    private static final int WIDEST_INTEGER = 128;
    private static final int ENUM_BITS = 32;
    private static final String TOO_LONG = "Member exceeds struct_size";
    private static final String UNALIGNED = "Member is not byte aligned";
    private static final String BITFIELD = "Invalid member bitfield_size";

    private final BtfRaw raw;
    private final BtfLog log;
    private final Resolution resolution;

    MemberCheck(BtfRaw raw, BtfLog log, Resolution resolution) {
        this.raw = raw;
        this.log = log;
        this.resolution = resolution;
    }

    /** Bytes that {@code bits} take, where both are unsigned. */
    static int bytesFor(int bits) {
        return (bits >>> 3) + ((bits & 7) == 0 ? 0 : 1);
    }

    void check(int structId, int index) throws BtfException {
        Member member = new Member(structId, index);
        int typeId = member.typeId;
        if (BtfKind.of(raw.kindId(typeId)).isModifier()) {
            typeId = resolution.sized(typeId);
            member.refuse(typeId < 0, "Invalid member");
            member.typeId = typeId;
        }
        switch (BtfKind.of(raw.kindId(typeId))) {
            case INT -> integer(member, typeId);
            case ENUM, ENUM64 -> enumeration(member, typeId);
            case FLOAT -> {
                member.refuse(member.bitfield != 0, BITFIELD);
                floating(member, typeId);
            }
            case PTR, ARRAY, STRUCT, UNION -> {
                member.refuse(member.bitfield != 0, BITFIELD);
                whole(member, resolution.sizeOf(typeId));
            }
            default -> {
                // What else has a size and can hide behind a modifier is a section.
                String operation = member.flagged ? "check_kflag_member" : "check_member";
                throw log.basic(raw.offset(structId), "Unsupported " + operation);
            }
        }
    }

    private void integer(Member member, int typeId) throws BtfException {
        int data = raw.trailing(typeId, 0);
        int bits = data & 0xFF;
        int start = member.offset;
        if (member.flagged) {
            member.refuse(!resolution.regularInteger(typeId), "Invalid member base type");
            if (member.bitfield == 0) {
                member.refuse((start & 7) != 0, "Invalid member offset");
            } else {
                member.refuse(member.bitfield > bits, BITFIELD);
                bits = member.bitfield;
            }
        } else {
            int inner = data >>> 16 & 0xFF;
            member.refuse(Integer.compareUnsigned(-1 - start, inner) < 0, "bits_offset exceeds U32_MAX");
            start += inner;
        }
        int copied = bits + (start & 7);
        member.refuse(copied > WIDEST_INTEGER, "nr_copy_bits exceeds 128");
        int first = start >>> 3;
        member.refuse(Integer.compareUnsigned(member.size, first) < 0
                || Integer.compareUnsigned(member.size - first, bytesFor(copied)) < 0, TOO_LONG);
    }

    private void enumeration(Member member, int typeId) throws BtfException {
        if (!member.flagged) {
            whole(member, raw.size(typeId));
            return;
        }
        if (member.bitfield == 0) {
            member.refuse((member.offset & 7) != 0, UNALIGNED);
        } else {
            member.refuse(member.bitfield > ENUM_BITS, BITFIELD);
        }
        // Without a bit-field size the kernel takes 32 bits whatever the enum's own size.
        int bits = member.bitfield == 0 ? ENUM_BITS : member.bitfield;
        member.refuse(Integer.compareUnsigned(member.size, bytesFor(member.offset + bits)) < 0, TOO_LONG);
    }

    private void floating(Member member, int typeId) throws BtfException {
        int size = raw.size(typeId);
        int alignedBits = 8 * Math.min(8, size);
        member.refuse(Integer.remainderUnsigned(member.offset, alignedBits) != 0,
                "Member is not properly aligned");
        long end = (member.offset >>> 3) + Integer.toUnsignedLong(size);
        member.refuse(end > Integer.toUnsignedLong(member.size), TOO_LONG);
    }

    private void whole(Member member, int size) throws BtfException {
        member.refuse((member.offset & 7) != 0, UNALIGNED);
        member.refuse(Integer.compareUnsigned(member.size - (member.offset >>> 3), size) < 0, TOO_LONG);
    }

    /** One member's place in its struct. */
    private final class Member {
        private final int structId;
        private final int index;
        private final boolean flagged;
        private final int size;
        private final int offset;
        private final int bitfield;
        private int typeId;

        Member(int structId, int index) {
            this.structId = structId;
            this.index = index;
            this.flagged = raw.kindFlag(structId);
            this.size = raw.size(structId);
            int place = raw.trailing(structId, 3 * index + 2);
            this.offset = flagged ? place & 0xFFFFFF : place;
            this.bitfield = flagged ? place >>> 24 : 0;
            this.typeId = raw.trailing(structId, 3 * index + 1);
        }

        void refuse(boolean fault, String error) throws BtfException {
            if (fault) {
                throw log.member(raw.offset(structId), index, typeId, error);
            }
        }
    }
}
