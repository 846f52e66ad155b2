package io.vhost.ring;

import static io.vhost.ring.PackedInflight.entry;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Finds out what a predecessor left in flight in a packed ring, by the steps of vhost-user ("Inflight I/O
 * tracking", "When reconnecting"). Everything in the region may be wrong, or meant to do harm: an index, a
 * link, a count or a counter that cannot be makes the region one that contradicts itself.
 *
 * <p>Chains are given back in the order in which they were taken, so what is in flight stands in the ring
 * yet, from the used position on, and is taken from there again. Where the predecessor died with a batch half
 * given back, used descriptors stand there that the driver must not come upon: they become again what they
 * were. A region that says anything else is of another ring, or of a back-end that keeps no order, and is
 * refused.
 */
final class PackedRecovery {
    private static final int FREE = 1;
    private static final int IN_FLIGHT = 2;

    private final PackedInflight inflight;
    private final int size;
    private final int[] seen;
    /** In the order in which they were taken. */
    private final List<Chain> chains = new ArrayList<>();

    PackedRecovery(PackedInflight inflight) {
        this.inflight = inflight;
        this.size = inflight.size;
        this.seen = new int[size];
    }

    /**
     * Makes the region what it was after the last step that is complete, or begins if nobody has used it.
     *
     * @param base where a region that nobody has used begins, as {@link PackedLayout#offWrap} codes it
     * @return whether the region makes sense; {@link PackedInflight#used} is where the ring goes on then
     */
    boolean run(int base) {
        int version = inflight.get16(PackedInflight.VERSION_AT);
        if (version == 0) {
            initialise(base);
            return true;
        }
        return version == PackedInflight.VERSION && inflight.get16(PackedInflight.DESC_NUM_AT) == size
                && settle() && readFreeList() && readChains() && putBack();
    }

    private void initialise(int base) {
        for (int i = 0; i < size; i++) {
            inflight.mark(i, (byte) 0);
            inflight.next[i] = i + 1;
            inflight.put16(entry(i) + PackedInflight.NEXT, i + 1);
        }
        inflight.freeHead = 0;
        inflight.freeCount = size;
        inflight.put16(PackedInflight.DESC_NUM_AT, size);
        inflight.put16(PackedInflight.FREE_HEAD_AT, 0);
        inflight.put16(PackedInflight.OLD_FREE_HEAD_AT, 0);
        inflight.used = base;
        inflight.positions(base, base);
        VarHandle.storeStoreFence();
        inflight.put16(PackedInflight.VERSION_AT, PackedInflight.VERSION);
    }

    /** Completes a step that the driver has seen, and takes one back that it has not. */
    private boolean settle() {
        long word = inflight.get64(PackedInflight.POSITIONS_AT);
        int now = offWrap((int) word & 0xFFFF, (int) (word >>> 32) & 0xFF);
        int before = offWrap((int) (word >>> 16) & 0xFFFF, (int) (word >>> 40) & 0xFF);
        if (now < 0 || before < 0) {
            return false;
        }
        int free = inflight.get16(PackedInflight.FREE_HEAD_AT);
        int oldFree = inflight.get16(PackedInflight.OLD_FREE_HEAD_AT);
        // A whole lap at once leaves the index as it was, and only the wrap counter tells.
        if (now != before) {
            boolean isAvailable = PackedLayout.isAvail(
                    inflight.ringWord(PackedLayout.position(before)), PackedLayout.wrap(before));
            if (!isAvailable) {
                oldFree = free;
                before = now;
                inflight.put16(PackedInflight.OLD_FREE_HEAD_AT, oldFree);
                VarHandle.storeStoreFence();
                inflight.positions(now, now);
            }
        }
        inflight.freeHead = oldFree;
        inflight.used = before;
        inflight.put16(PackedInflight.FREE_HEAD_AT, oldFree);
        inflight.positions(before, before);
        return true;
    }

    private int offWrap(int position, int wrap) {
        return position < size && wrap <= 1 ? PackedLayout.offWrap(position, wrap == 1) : -1;
    }

    private boolean readFreeList() {
        int at = inflight.freeHead;
        while (at < size) {
            if (seen[at] != 0) {
                return false;
            }
            seen[at] = FREE;
            inflight.freeCount++;
            inflight.mark(at, (byte) 0);
            inflight.next[at] = inflight.get16(entry(at) + PackedInflight.NEXT);
            at = inflight.next[at];
        }
        return true;
    }

    private record Chain(int head, long counter) {}

    private boolean readChains() {
        for (int i = 0; i < size; i++) {
            if (seen[i] != FREE && inflight.isMarked(i)) {
                long counter = inflight.get64(entry(i) + PackedInflight.COUNTER);
                if (Long.compareUnsigned(counter, SplitInflight.MOST_COUNTER) > 0) {
                    return false;
                }
                chains.add(new Chain(i, counter));
            }
        }
        chains.sort((one, other) -> Long.compare(one.counter, other.counter));
        int position = PackedLayout.position(inflight.used);
        for (Chain chain : chains) {
            if (!read(chain.head, position)) {
                return false;
            }
            inflight.counter = chain.counter + 1;
            position = (position + inflight.num[chain.head]) % size;
        }
        return Arrays.stream(seen).allMatch(found -> found != 0);
    }

    /** Reads one chain, which must stand in the ring where it was taken. */
    private boolean read(int head, int position) {
        int num = inflight.get16(entry(head) + PackedInflight.NUM);
        if (num < 1 || num > size) {
            return false;
        }
        int at = head;
        int end = head;
        int where = position;
        for (int i = 0; i < num; i++) {
            if (at >= size || seen[at] != 0 || !isInRing(at, where)) {
                return false;
            }
            seen[at] = IN_FLIGHT;
            inflight.next[at] = inflight.get16(entry(at) + PackedInflight.NEXT);
            end = at;
            at = inflight.next[at];
            where = where + 1 == size ? 0 : where + 1;
        }
        int id = (int) inflight.get64(entry(end) + PackedInflight.WORD) & 0xFFFF;
        if (end != inflight.get16(entry(head) + PackedInflight.LAST) || id >= size
                || !inflight.chains.resubmit(id)) {
            return false;
        }
        inflight.first[id] = head;
        inflight.last[head] = end;
        inflight.num[head] = num;
        return true;
    }

    /** Whether a descriptor stands there as it was taken, or is used, which leaves the address alone. */
    private boolean isInRing(int at, int position) {
        long word = inflight.ringWord(position);
        return inflight.get64(entry(at) + PackedInflight.ADDRESS) == inflight.ringAddress(position)
                && (word == inflight.copiedWord(at) || PackedLayout.isUsed(word, lap(position)));
    }

    private boolean lap(int position) {
        boolean wrap = PackedLayout.wrap(inflight.used);
        return position >= PackedLayout.position(inflight.used) ? wrap : !wrap;
    }

    /** Of all of these the driver looks at the first alone until that is used, and that is not yet. */
    private boolean putBack() {
        int position = PackedLayout.position(inflight.used);
        for (Chain chain : chains) {
            if (!PackedLayout.isAvail(inflight.copiedWord(chain.head), lap(position))) {
                return false;
            }
            int at = chain.head;
            for (int i = 0; i < inflight.num[chain.head]; i++) {
                if (inflight.ringWord(position) != inflight.copiedWord(at)) {
                    inflight.ringWord(position, inflight.copiedWord(at));
                }
                at = inflight.next[at];
                position = position + 1 == size ? 0 : position + 1;
            }
        }
        return true;
    }
}
