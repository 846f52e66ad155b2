package io.vhost.bpf.btf.check;

import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.Errno;
import io.vhost.bpf.btf.raw.BtfRaw;

/**
 * The last stage: no chain of modifiers is longer than 32, and, where the rules say so, type tags come first.
 */
final class ChainCheck {
    private static final int LONGEST = 32;

    private final BtfRaw raw;
    private final BtfLog log;
    private final boolean tagsFirst;

    ChainCheck(BtfRaw raw, BtfLog log, boolean tagsFirst) {
        this.raw = raw;
        this.log = log;
        this.tagsFirst = tagsFirst;
    }

    void checkAll() throws BtfException {
        // All chains up to this id have been followed to their end, so a longer chain may stop here.
        int good = 0;
        for (int id = 1; id < raw.count(); id++) {
            if (BtfKind.of(raw.kindId(id)).isModifier()) {
                log.current(id);
                follow(id, good);
                good = id;
            }
        }
    }

    private void follow(int start, int good) throws BtfException {
        boolean untagged = false;
        int left = LONGEST;
        for (int id = start; BtfKind.of(raw.kindId(id)).isModifier(); id = raw.size(id)) {
            if (left-- == 0) {
                throw log.plain(Errno.ELOOP, raw.offset(start), "Max chain length or cycle detected");
            }
            if (tagsFirst && BtfKind.of(raw.kindId(id)) == BtfKind.TYPE_TAG) {
                if (untagged) {
                    throw log.plain(Errno.EINVAL, raw.offset(start), "Type tags don't precede modifiers");
                }
            } else {
                untagged = true;
            }
            if (id <= good) {
                return;
            }
        }
    }
}
