package io.vhost.bpf.btf;

/**
 * Named types by the hash of their name: an open table of ids, filled in id order so that the first of equal
 * names is met first.
 *
 * <p>A probe is cut off after 4,096 records: only a blob made of colliding names can reach that, and then
 * lookups stay quick and may miss.
 */
final class NameIndex {
    private static final int LONGEST_PROBE = 4096;

    private final BtfRaw raw;
    private final int[] table;

    NameIndex(BtfRaw raw) {
        this.raw = raw;
        int capacity = Integer.highestOneBit(Math.max(8, raw.count()) * 2 - 1) * 2;
        this.table = new int[capacity];
        for (int id = 1; id < raw.count(); id++) {
            int name = raw.nameOffset(id);
            if (raw.stringByte(name) != 0) {
                insert(id, spread(raw.nameHash(name)));
            }
        }
    }

    private void insert(int id, int hash) {
        int slot = hash & table.length - 1;
        for (int probe = 0; probe < LONGEST_PROBE; probe++) {
            if (table[slot] == 0) {
                table[slot] = id;
                return;
            }
            slot = slot + 1 & table.length - 1;
        }
    }

    int find(BtfKind kind, byte[] name) {
        int hash = 0;
        for (byte character : name) {
            hash = 31 * hash + character;
        }
        int slot = spread(hash) & table.length - 1;
        for (int probe = 0; probe < LONGEST_PROBE && table[slot] != 0; probe++) {
            int id = table[slot];
            if (raw.kind(id) == kind && raw.nameEquals(raw.nameOffset(id), name)) {
                return id;
            }
            slot = slot + 1 & table.length - 1;
        }
        return Btf.NOT_FOUND;
    }

    private static int spread(int hash) {
        return hash ^ hash >>> 15;
    }
}
