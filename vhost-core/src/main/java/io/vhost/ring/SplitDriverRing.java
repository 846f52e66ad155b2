package io.vhost.ring;

import static io.vhost.ring.Descriptors.DESC_F_INDIRECT;
import static io.vhost.ring.Descriptors.DESC_F_WRITE;
import static io.vhost.ring.Descriptors.DESC_SIZE;

import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * Driver side of a split virtqueue (virtio 1.2, 2.7).
 *
 * <p>Indexes are unsigned 16-bit and wrap.
 */
final class SplitDriverRing extends DriverRing {
    private final MemorySegment memory;
    private final long desc;
    private final long avail;
    private final long used;
    private final int mask;
    private final boolean eventIdx;
    private final boolean inOrder;

    // By descriptor: the free list in nextFree, and what is out by its head.
    private final int[] nextFree;
    private final int[] token;
    private final int[] descriptors;
    private final long[] writable;
    // By offer: heads in the order of offering, which is the order of use when in order. By head: its offer.
    private final int[] offered;
    private final int[] offerIdx;
    private int firstFree;
    private int free;
    private int nextAvail;
    private int shownAvail;
    private int kickedAvail;
    private int lastUsed;
    private int knownUsedIdx;
    // Last chain of the batch that an in-order device has used with one element, and what it wrote there.
    private int batchLast = NONE;
    private long batchWritten;
    private int usedLength;

    /**
     * An empty ring; its memory is cleared.
     *
     * @param memory segment that holds the three areas, shared with the device
     * @param addresses their offsets in the segment
     * @param size entries, a power of two up to {@link RingFormat#MAX_SIZE}
     * @param options negotiated features and direction
     */
    SplitDriverRing(MemorySegment memory, RingAddresses addresses, int size, RingOptions options) {
        super(size);
        this.memory = requireNative(memory);
        this.desc = addresses.desc();
        this.avail = addresses.avail();
        this.used = addresses.used();
        this.mask = size - 1;
        this.eventIdx = options.eventIdx();
        this.inOrder = options.inOrder();
        this.nextFree = new int[size];
        this.token = new int[size];
        this.descriptors = new int[size];
        this.writable = new long[size];
        this.offered = new int[size];
        this.offerIdx = new int[size];
        this.free = size;
        Arrays.setAll(nextFree, i -> (i + 1) & mask);
        memory.asSlice(desc, Descriptors.bytes(size)).fill((byte) 0);
        memory.asSlice(avail, SplitLayout.availBytes(size)).fill((byte) 0);
        memory.asSlice(used, SplitLayout.usedBytes(size)).fill((byte) 0);
    }

    @Override
    public int free() {
        return free;
    }

    @Override
    public boolean offer(int chainToken, long address, int length, boolean deviceWrites) {
        if (free < 1) {
            return false;
        }
        int head = firstFree;
        long word = SplitLayout.word(length, deviceWrites ? DESC_F_WRITE : 0, 0);
        Descriptors.put(memory, desc + (long) DESC_SIZE * head, address, word);
        firstFree = nextFree[head];
        offer(head, 1, chainToken, deviceWrites ? length : 0);
        return true;
    }

    @Override
    public boolean offer(int chainToken, long[] address, int[] length, int readable, int total) {
        requireChain(readable, total);
        if (free < total) {
            return false;
        }
        int head = firstFree;
        int index = head;
        for (int i = 0; i < total; i++) {
            int next = nextFree[index];
            boolean last = i == total - 1;
            long word = SplitLayout.word(length[i], flags(i, readable, last), last ? 0 : next);
            Descriptors.put(memory, desc + (long) DESC_SIZE * index, address[i], word);
            index = next;
        }
        firstFree = index;
        offer(head, total, chainToken, writable(length, readable, total));
        return true;
    }

    @Override
    public boolean offerIndirect(
            int chainToken,
            long tableOffset,
            long tableAddress,
            long[] address,
            int[] length,
            int readable,
            int total) {
        requireChain(readable, total);
        if (free < 1) {
            return false;
        }
        for (int i = 0; i < total; i++) {
            long word = SplitLayout.word(length[i], flags(i, readable, i == total - 1),
                    i == total - 1 ? 0 : i + 1);
            Descriptors.put(memory, tableOffset + (long) DESC_SIZE * i, address[i], word);
        }
        int head = firstFree;
        long word = SplitLayout.word(DESC_SIZE * total, DESC_F_INDIRECT, 0);
        Descriptors.put(memory, desc + (long) DESC_SIZE * head, tableAddress, word);
        firstFree = nextFree[head];
        offer(head, 1, chainToken, writable(length, readable, total));
        return true;
    }

    private void offer(int head, int count, int chainToken, long writableBytes) {
        free -= count;
        token[head] = chainToken;
        descriptors[head] = count;
        writable[head] = writableBytes;
        offered[nextAvail & mask] = head;
        offerIdx[head] = nextAvail;
        SplitLayout.availEntry(memory, avail, nextAvail & mask, head);
        nextAvail = (nextAvail + 1) & 0xFFFF;
    }

    @Override
    public void publish() {
        SplitLayout.availIdxRelease(memory, avail, nextAvail);
        shownAvail = nextAvail;
    }

    @Override
    public boolean needsKick() {
        // Orders our index before the read of the device's wish; the device stores its wish, fences and
        // re-reads our index. Without both fences each side could miss the other's store and the device would
        // sleep for ever.
        VarHandle.fullFence();
        int before = kickedAvail;
        kickedAvail = shownAvail;
        if (before == shownAvail) {
            return false;
        }
        if (eventIdx) {
            return SplitLayout.passed(SplitLayout.availEvent(memory, used, size), before, shownAvail);
        }
        return (SplitLayout.usedFlags(memory, used) & SplitLayout.USED_F_NO_NOTIFY) == 0;
    }

    @Override
    public int poll() {
        if (lastUsed == knownUsedIdx && !refreshUsed()) {
            return NONE;
        }
        return inOrder ? pollInOrder() : pollAnyOrder();
    }

    private int pollAnyOrder() {
        long element = SplitLayout.usedElement(memory, used, lastUsed & mask);
        int head = (int) element;
        return isOut(head) ? take(head, element >>> 32) : stop(RingViolation.USED_ID_UNKNOWN);
    }

    /**
     * An in-order device may use a batch of chains with one element: it names the last of them and stands
     * where the first one's would. Those that it skips were used completely (virtio 1.2, 2.7.9).
     */
    private int pollInOrder() {
        if (batchLast == NONE) {
            long element = SplitLayout.usedElement(memory, used, lastUsed & mask);
            int last = (int) element;
            int published = (knownUsedIdx - lastUsed) & 0xFFFF;
            if (!isOut(last) || ((offerIdx[last] - lastUsed) & 0xFFFF) >= published) {
                return stop(RingViolation.USED_ID_UNKNOWN);
            }
            batchLast = last;
            batchWritten = element >>> 32;
        }
        int head = offered[lastUsed & mask];
        if (head != batchLast) {
            return take(head, writable[head]);
        }
        batchLast = NONE;
        return take(head, batchWritten);
    }

    /** Whether a chain is with the device, which was shown it. At most 32,768 chains were, or were not. */
    private boolean isOut(int head) {
        return head >= 0 && head < size && descriptors[head] != 0
                && ((shownAvail - 1 - offerIdx[head]) & 0xFFFF) < 0x8000;
    }

    private int take(int head, long bytes) {
        if (bytes > writable[head]) {
            return stop(RingViolation.USED_LENGTH_TOO_LARGE);
        }
        usedLength = (int) bytes;
        int result = token[head];
        reclaim(head);
        lastUsed = (lastUsed + 1) & 0xFFFF;
        return result;
    }

    @Override
    public int usedLength() {
        return usedLength;
    }

    @Override
    public int successorBase() {
        return SplitLayout.usedIdxAcquire(memory, used);
    }

    @Override
    public int pending() {
        return violation() == null ? (SplitLayout.usedIdxAcquire(memory, used) - lastUsed) & 0xFFFF : 0;
    }

    @Override
    public int outstanding() {
        return (nextAvail - lastUsed) & 0xFFFF;
    }

    private boolean refreshUsed() {
        if (violation() != null) {
            return false;
        }
        int idx = SplitLayout.usedIdxAcquire(memory, used);
        if (((idx - lastUsed) & 0xFFFF) > ((shownAvail - lastUsed) & 0xFFFF)) {
            stop(RingViolation.USED_INDEX_JUMP);
            return false;
        }
        knownUsedIdx = idx;
        return idx != lastUsed;
    }

    private void reclaim(int head) {
        int count = descriptors[head];
        descriptors[head] = 0;
        free += count;
        if (inOrder) {
            // Descriptors are offered in table order and come back so (2.7.9):
            // the free ones stay a run of the table.
            return;
        }
        int last = head;
        for (int i = 1; i < count; i++) {
            last = nextFree[last];
        }
        nextFree[last] = firstFree;
        firstFree = head;
    }

    private int stop(RingViolation fault) {
        knownUsedIdx = lastUsed;
        return fault(fault);
    }

    @Override
    public boolean enableInterrupts() {
        if (eventIdx) {
            SplitLayout.usedEvent(memory, avail, size, lastUsed);
        } else {
            SplitLayout.availFlags(memory, avail, 0);
        }
        // Orders our wish before the re-read of the device's index; the device stores its index, fences and
        // reads the wish: one of the two sees the other's store, so no interrupt is lost.
        VarHandle.fullFence();
        return pending() > 0;
    }

    @Override
    public void disableInterrupts() {
        if (eventIdx) {
            // Half a turn away: the device passes it at the earliest after 32,768 chains,
            // when this is asked again.
            SplitLayout.usedEvent(memory, avail, size, (lastUsed + 0x8000) & 0xFFFF);
        } else {
            SplitLayout.availFlags(memory, avail, SplitLayout.AVAIL_F_NO_INTERRUPT);
        }
    }
}
