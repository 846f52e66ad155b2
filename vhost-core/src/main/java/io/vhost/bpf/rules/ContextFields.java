package io.vhost.bpf.rules;

import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.state.RegKind;

/**
 * What may be loaded from a context and stored to it (Linux 6.18, net/core/filter.c: is_valid_access of XDP
 * and of tc programs). Thread: stateless.
 */
final class ContextFields {
    private static final int WORD = 4;
    private static final int XDP_EGRESS = 20;

    // struct __sk_buff
    private static final int MARK = 8;
    private static final int QUEUE_MAPPING = 12;
    private static final int PRIORITY = 32;
    private static final int TC_INDEX = 44;
    private static final int CB = 48;
    private static final int CB_END = 68;
    private static final int TC_CLASSID = 72;
    private static final int FAMILY = 88;
    private static final int LOCAL_PORT_END = 140;
    private static final int FLOW_KEYS = 144;
    private static final int TSTAMP = 152;
    private static final int WIRE_LEN = 160;
    private static final int SOCKET = 168;
    private static final int GSO_SIZE = 176;
    private static final int TSTAMP_TYPE = 180;
    private static final int HWTSTAMP = 184;

    private ContextFields() {
    }

    /** What a load gives: {@link RegKind#SCALAR} or an address; null if there is no such field. */
    static RegKind load(ContextLayout layout, int off, int size) {
        if (off < 0 || off + size > layout.size() || off % size != 0) {
            return null;
        }
        if (layout.isPacket(off - off % WORD)) {
            return size != WORD ? null : off == layout.data() ? RegKind.PACKET
                    : off == layout.dataEnd() ? RegKind.PACKET_END : RegKind.PACKET_META;
        }
        boolean allowed = layout.equals(ContextLayout.SKB) ? loadSkb(off, size)
                : size == WORD && off != XDP_EGRESS;
        return allowed ? RegKind.SCALAR : null;
    }

    private static boolean loadSkb(int off, int size) {
        if (off >= CB && off < CB_END) {
            return off + size <= CB_END;
        }
        if (off >= TSTAMP && off < WIRE_LEN) {
            return off == TSTAMP && size == 8;
        }
        if (off >= HWTSTAMP) {
            return off == HWTSTAMP && size == 8;
        }
        if (off >= TSTAMP_TYPE) {
            return off == TSTAMP_TYPE && size == 1;
        }
        boolean none = (off >= FAMILY && off < LOCAL_PORT_END) || (off >= FLOW_KEYS && off < TSTAMP)
                || (off >= SOCKET && off < GSO_SIZE);
        return !none && size <= WORD;
    }

    static boolean isStored(ContextLayout layout, int off, int size) {
        if (!layout.equals(ContextLayout.SKB) || off < 0 || off % size != 0) {
            return false;
        }
        if (off >= CB && off < CB_END) {
            return off + size <= CB_END;
        }
        return switch (off) {
            case MARK, QUEUE_MAPPING, PRIORITY, TC_INDEX, TC_CLASSID -> size == WORD;
            case TSTAMP -> size == 8;
            default -> false;
        };
    }
}
