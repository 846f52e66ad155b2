package io.vhost.ring;

import static io.vhost.ring.SplitLayout.DESC_F_INDIRECT;
import static io.vhost.ring.SplitLayout.DESC_F_NEXT;
import static io.vhost.ring.SplitLayout.DESC_F_WRITE;
import static io.vhost.ring.SplitLayout.DESC_SIZE;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * Driver side of a split virtqueue (virtio 1.2, 2.7).
 *
 * <p>Thread: one at a time. Memory order: {@link #publish} releases the driver's index, {@link #poll}
 * acquires the device's. Each chain carries a token of the caller's, which comes back when the device has
 * used the chain.
 *
 * <p>The device is trusted no more than a driver is: its index, ids and lengths are checked, and a device
 * that breaks a rule stops the ring with a {@link RingViolation}.
 */
public final class SplitDriverRing {
    private static final int NONE = -1;

    private final MemorySegment memory;
    private final long desc;
    private final long avail;
    private final long used;
    private final int size;
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
    private RingViolation violation;

    /**
     * An empty ring; its memory is cleared.
     *
     * @param memory segment that holds the three areas, shared with the device
     * @param addresses their offsets in the segment
     * @param size entries, a power of two up to {@link SplitLayout#MAX_SIZE}
     * @param options negotiated features and direction
     */
    public SplitDriverRing(MemorySegment memory, RingAddresses addresses, int size, RingOptions options) {
        if (size < 1 || size > SplitLayout.MAX_SIZE || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException("ring size=" + size + " is not a power of two up to 32768");
        }
        if (!memory.isNative()) {
            throw new IllegalArgumentException("ring memory must be native, shared with the device");
        }
        this.memory = memory;
        this.desc = addresses.desc();
        this.avail = addresses.avail();
        this.used = addresses.used();
        this.size = size;
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
        memory.asSlice(desc, SplitLayout.descBytes(size)).fill((byte) 0);
        memory.asSlice(avail, SplitLayout.availBytes(size)).fill((byte) 0);
        memory.asSlice(used, SplitLayout.usedBytes(size)).fill((byte) 0);
    }

    /** Entries of the ring. */
    public int size() {
        return size;
    }

    /** Descriptors that are not out with the device, 0 to the ring's size. */
    public int free() {
        return free;
    }

    /** The rule that the device broke, or null. */
    public RingViolation violation() {
        return violation;
    }

    /**
     * Offers a chain of one buffer.
     *
     * @param chainToken comes back from {@link #poll}; not negative
     * @param address guest address of the buffer
     * @param length its bytes
     * @param deviceWrites true for a buffer that the device fills
     * @return false when no descriptor is free
     */
    public boolean offer(int chainToken, long address, int length, boolean deviceWrites) {
        if (free < 1) {
            return false;
        }
        int head = firstFree;
        long word = SplitLayout.word(length, deviceWrites ? DESC_F_WRITE : 0, 0);
        SplitLayout.desc(memory, desc + (long) DESC_SIZE * head, address, word);
        firstFree = nextFree[head];
        offer(head, 1, chainToken, deviceWrites ? length : 0);
        return true;
    }

    /**
     * Offers a chain of several buffers, device-readable ones first.
     *
     * @param chainToken comes back from {@link #poll}; not negative
     * @param address guest addresses of the buffers
     * @param length their bytes
     * @param readable how many of them, from the first, the device reads
     * @param total how many there are, at least 1
     * @return false when too few descriptors are free
     * @throws IllegalArgumentException if there is no buffer, or more are readable than there are
     */
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
            SplitLayout.desc(memory, desc + (long) DESC_SIZE * index, address[i], word);
            index = next;
        }
        firstFree = index;
        offer(head, total, chainToken, writable(length, readable, total));
        return true;
    }

    /**
     * Offers a chain of several buffers through an indirect table, which takes one descriptor of the ring
     * (virtio 1.2, 2.7.5.3). Only where VIRTIO_F_INDIRECT_DESC was negotiated.
     *
     * @param chainToken comes back from {@link #poll}; not negative
     * @param tableOffset where the table goes in the ring's segment, 16 bytes a buffer; the caller leaves it
     *     alone until the chain is back
     * @param tableAddress guest address of the same place
     * @param address guest addresses of the buffers
     * @param length their bytes
     * @param readable how many of them, from the first, the device reads
     * @param total how many there are, at least 1
     * @return false when no descriptor is free
     * @throws IllegalArgumentException if there is no buffer, or more are readable than there are
     */
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
            SplitLayout.desc(memory, tableOffset + (long) DESC_SIZE * i, address[i], word);
        }
        int head = firstFree;
        long word = SplitLayout.word(DESC_SIZE * total, DESC_F_INDIRECT, 0);
        SplitLayout.desc(memory, desc + (long) DESC_SIZE * head, tableAddress, word);
        firstFree = nextFree[head];
        offer(head, 1, chainToken, writable(length, readable, total));
        return true;
    }

    /** A chain of nothing would take a descriptor that is still free. */
    private static void requireChain(int readable, int total) {
        if (total < 1 || readable < 0 || readable > total) {
            throw new IllegalArgumentException("a chain of total=" + total + " buffers, readable=" + readable
                    + ": offer at least 1, and of them 0 to all readable");
        }
    }

    private static int flags(int index, int readable, boolean last) {
        return (index < readable ? 0 : DESC_F_WRITE) | (last ? 0 : DESC_F_NEXT);
    }

    private static long writable(int[] length, int readable, int total) {
        long sum = 0;
        for (int i = readable; i < total; i++) {
            sum += length[i];
        }
        return sum;
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

    /**
     * Shows all offered chains to the device. Its acquire of the index sees the descriptors
     * and the buffers' bytes.
     */
    public void publish() {
        SplitLayout.availIdxRelease(memory, avail, nextAvail);
        shownAvail = nextAvail;
    }

    /**
     * Whether the device wants a kick for what was published since this was last asked
     * (virtio 1.2, 2.7.13.4).
     */
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

    /**
     * Takes the next chain that the device has used.
     *
     * @return its token, or -1 when there is none or {@link #violation} is set
     */
    public int poll() {
        if (lastUsed == knownUsedIdx && !refreshUsed()) {
            return NONE;
        }
        return inOrder ? pollInOrder() : pollAnyOrder();
    }

    private int pollAnyOrder() {
        long element = SplitLayout.usedElement(memory, used, lastUsed & mask);
        int head = (int) element;
        return isOut(head) ? take(head, element >>> 32) : fault(RingViolation.USED_ID_UNKNOWN);
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
                return fault(RingViolation.USED_ID_UNKNOWN);
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

    private boolean isOut(int head) {
        return head >= 0 && head < size && descriptors[head] != 0;
    }

    private int take(int head, long bytes) {
        if (bytes > writable[head]) {
            return fault(RingViolation.USED_LENGTH_TOO_LARGE);
        }
        usedLength = (int) bytes;
        int result = token[head];
        reclaim(head);
        lastUsed = (lastUsed + 1) & 0xFFFF;
        return result;
    }

    /** Bytes that the device wrote into the chain that {@link #poll} gave back last. */
    public int usedLength() {
        return usedLength;
    }

    /** Chains that the device has used and {@link #poll} has not given back; 0 after a {@link #violation}. */
    public int pending() {
        return violation == null ? (SplitLayout.usedIdxAcquire(memory, used) - lastUsed) & 0xFFFF : 0;
    }

    /** Chains with the device, those included that it has used and {@link #poll} has not given back. */
    public int outstanding() {
        return (nextAvail - lastUsed) & 0xFFFF;
    }

    private boolean refreshUsed() {
        if (violation != null) {
            return false;
        }
        int idx = SplitLayout.usedIdxAcquire(memory, used);
        if (((idx - lastUsed) & 0xFFFF) > ((shownAvail - lastUsed) & 0xFFFF)) {
            fault(RingViolation.USED_INDEX_JUMP);
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

    private int fault(RingViolation fault) {
        violation = fault;
        knownUsedIdx = lastUsed;
        return NONE;
    }

    /**
     * Asks the device for an interrupt when it uses the next chain (virtio 1.2, 2.7.7).
     *
     * @return true when used chains are there already: poll them instead of waiting
     */
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

    /**
     * Tells the device that no interrupts are needed. It may still send some:
     * this is a hint (virtio 1.2, 2.7.7).
     */
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
