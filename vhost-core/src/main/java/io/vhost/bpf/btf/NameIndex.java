package io.vhost.bpf.btf;

import io.vhost.bpf.btf.raw.BtfRaw;

/**
 * Named types by the hash of their name: for each hash a chain of ids, in id order so that the first of equal
 * names is met first.
 *
 * <p>Names made to collide, or to be equal, make one chain long: a lookup then takes time in proportion to
 * the number of types, and no more.
 */
final class NameIndex {
    private final BtfRaw raw;
    private final int[] first;
    private final int[] next;

    NameIndex(BtfRaw raw) {
        this.raw = raw;
        this.first = new int[Integer.highestOneBit(Math.max(8, raw.count())) * 2];
        this.next = new int[raw.count()];
        for (int id = raw.count() - 1; id > 0; id--) {
            int name = raw.nameOffset(id);
            if (raw.stringByte(name) != 0) {
                int slot = slot(raw.nameHash(name));
                next[id] = first[slot];
                first[slot] = id;
            }
        }
    }

    /** The first type of this kind and name, or 0. */
    int find(BtfKind kind, byte[] name) {
        int hash = 0;
        for (byte character : name) {
            hash = 31 * hash + character;
        }
        for (int id = first[slot(hash)]; id != 0; id = next[id]) {
            if (BtfKind.of(raw.kindId(id)) == kind && raw.nameEquals(raw.nameOffset(id), name)) {
                return id;
            }
        }
        return 0;
    }

    private int slot(int hash) {
        return (hash ^ hash >>> 15) & first.length - 1;
    }
}
