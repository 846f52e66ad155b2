package io.vhost.ring;

import static io.vhost.ring.SplitLayout.DESC_SIZE;

import io.vhost.memory.AddressTranslator;
import io.vhost.memory.DirtyLog;
import io.vhost.memory.GuestMemory;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Device side of a split virtqueue (virtio 1.2, 2.7).
 *
 * <p>Thread: the holder of the queue's lock. Memory order: {@link #gather} acquires the driver's index,
 * {@link #publish} releases the device's. Lengths are bytes; indexes are unsigned 16-bit and wrap.
 *
 * <p>Buffers are used in the order in which they were offered, always, so VIRTIO_F_IN_ORDER holds whether or
 * not it was negotiated.
 */
public final class SplitRing {
    /** The guest address of the device area is not known, or writes to it are not to be logged. */
    public static final long NOT_LOGGED = -1;

    private final MemorySegment memory;
    private final AddressTranslator translator;
    private final long desc;
    private final long avail;
    private final long used;
    private final int size;
    private final int mask;
    private final boolean eventIdx;
    private final ChainWalker walker;
    private final WriteLog log;

    private int nextAvail;
    private int nextUsed;
    private int knownAvailIdx;
    private int signalledUsed;
    private boolean signalledOnce;
    private boolean kicksWanted;
    private RingViolation violation;
    private long violationDetail;

    /**
     * A ring in guest memory.
     *
     * @param memory the guest's memory, which the ring and its buffers lie in
     * @param addresses offsets of the three areas in the memory's window, aligned and complete
     * @param size entries, a power of two up to {@link SplitLayout#MAX_SIZE}
     * @param options negotiated features and direction
     * @param base index of the next chain to take, which is that of the next used element too
     */
    public SplitRing(GuestMemory memory, RingAddresses addresses, int size, RingOptions options, int base) {
        if (size < 1 || size > SplitLayout.MAX_SIZE || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException("ring size=" + size + " is not a power of two up to 32768");
        }
        this.memory = memory.window();
        this.translator = new AddressTranslator(memory);
        this.desc = addresses.desc();
        this.avail = addresses.avail();
        this.used = addresses.used();
        this.size = size;
        this.mask = size - 1;
        this.eventIdx = options.eventIdx();
        this.walker = new ChainWalker(this.memory, translator, desc, size, options);
        this.log = new WriteLog(this.memory, translator, desc, size, options.deviceWrites());
        this.nextAvail = base & 0xFFFF;
        this.nextUsed = nextAvail;
        this.knownAvailIdx = nextAvail;
        this.signalledUsed = nextAvail;
    }

    /** The window that ring and buffers lie in. */
    public MemorySegment memory() {
        return memory;
    }

    /** Entries of the ring. */
    public int size() {
        return size;
    }

    /** Index of the next chain to take. */
    public int nextAvail() {
        return nextAvail;
    }

    /** Index of the next used element to write. */
    public int nextUsed() {
        return nextUsed;
    }

    /** The driver's index when it was read last. */
    public int knownAvailIdx() {
        return knownAvailIdx;
    }

    /** Index of the next used element when an interrupt was decided on last. */
    public int signalledUsed() {
        return signalledUsed;
    }

    /** Whether an interrupt was ever decided on. */
    public boolean hasSignalled() {
        return signalledOnce;
    }

    /** The rule that the driver broke, or null. A ring with a violation hands out no more chains. */
    public RingViolation violation() {
        return violation;
    }

    /** The offending value of {@link #violation}: an index, address or length, as its text says. */
    public long violationDetail() {
        return violationDetail;
    }

    /**
     * Device index as it stands in memory. After a device that died, this is where its successor goes on,
     * since the elements before it were seen by the driver and those after it were not.
     *
     * @param memory the guest's memory
     * @param addresses where the ring lies in it
     */
    public static int usedIdx(GuestMemory memory, RingAddresses addresses) {
        return SplitLayout.usedIdxAcquire(memory.window(), addresses.used());
    }

    /**
     * What the driver has offered at a position, for those who look on: nothing is checked, taken or counted.
     *
     * @param guest the memory that the ring lies in
     * @param position counted as the driver's index is; unsigned 16-bit, wraps
     */
    public RingElement element(GuestMemory guest, int position) {
        return RingInspector.element(guest, new RingAddresses(desc, avail, used), size, position);
    }

    /** Chains that the driver has offered and nobody took, 0 to the size; 0 after a {@link #violation}. */
    public int available() {
        return violation == null ? available(size) : 0;
    }

    /**
     * Gathers the next chains: each descriptor is read once, validated and translated. The driver's index is
     * read only when the chains already known do not suffice, to leave its cache line with the driver.
     *
     * @param batch receives the chains, behind those it holds
     * @param max most chains to add
     * @return chains added; fewer than {@code max} when the driver offered fewer, the batch is full or
     *     {@link #violation} is set
     */
    public int gather(ChainBatch batch, int max) {
        if (violation != null || batch.full) {
            return 0;
        }
        int count = Math.min(available(max), Math.min(max, batch.head.length - batch.chains));
        int added = 0;
        while (added < count) {
            int plain = gatherPlain(batch, count - added);
            added += plain;
            if (added == count || !walkNext(batch)) {
                break;
            }
            added++;
        }
        return added;
    }

    /**
     * The common case, chains of one translated buffer: stops before the first chain that is anything else.
     */
    private int gatherPlain(ChainBatch batch, int max) {
        int count = Math.min(max, batch.bufferOffset.length - batch.buffers);
        readHeads(batch, count);
        int added = resolve(batch, count);
        batch.addPlainChains(added);
        nextAvail = (nextAvail + added) & 0xFFFF;
        return added;
    }

    // Two small loops without calls: what they use stays in registers.

    private void readHeads(ChainBatch batch, int count) {
        MemorySegment memory = this.memory;
        int[] head = batch.head;
        long avail = this.avail;
        int mask = this.mask;
        int next = nextAvail;
        int chain = batch.chains;
        for (int i = 0; i < count; i++) {
            head[chain + i] = SplitLayout.availEntry(memory, avail, (next + i) & mask);
        }
    }

    /**
     * Stops at a buffer of another memory region, too;
     * the walk of that one chain makes the region the present one.
     */
    private int resolve(ChainBatch batch, int count) {
        MemorySegment memory = this.memory;
        int[] head = batch.head;
        long[] bufferOffset = batch.bufferOffset;
        int[] bufferLength = batch.bufferLength;
        long desc = this.desc;
        int size = this.size;
        int wanted = walker.directionFlag();
        long start = translator.start();
        long end = translator.size();
        long window = translator.windowOffset();
        int chain = batch.chains;
        int buffer = batch.buffers;
        int i = 0;
        for (; i < count; i++) {
            int index = head[chain + i];
            if (index >= size) {
                break;
            }
            long entry = desc + (long) DESC_SIZE * index;
            long word = SplitLayout.descWord(memory, entry);
            long distance = SplitLayout.descAddress(memory, entry) - start;
            int length = (int) word;
            if (SplitLayout.flags(word) != wanted || length <= 0 || distance < 0 || distance > end - length) {
                break;
            }
            bufferOffset[buffer + i] = window + distance;
            bufferLength[buffer + i] = length;
        }
        return i;
    }

    /** Any chain at all: continued, indirect, across regions, with empty buffers, or broken. */
    private boolean walkNext(ChainBatch batch) {
        int head = SplitLayout.availEntry(memory, avail, nextAvail & mask);
        if (head >= size) {
            return fault(RingViolation.HEAD_OUT_OF_RANGE, head);
        }
        int first = batch.buffers;
        int empty = batch.empty;
        long length = walker.walk(batch, head);
        if (length == ChainWalker.STOPPED) {
            batch.buffers = first;
            batch.empty = empty;
            return walker.violation() != null && fault(walker.violation(), walker.violationDetail());
        }
        if (length == 0) {
            // Nobody has a use for it, and a chain without a buffer would be an exception for all users.
            return fault(RingViolation.EMPTY_CHAIN, head);
        }
        batch.addChain(head, first);
        nextAvail = (nextAvail + 1) & 0xFFFF;
        return true;
    }

    /**
     * Takes back the last chains of a batch: the ring will hand them out again.
     *
     * @param batch what {@link #gather} filled
     * @param count chains to take back, 0 to {@code batch.chains()}
     */
    public void ungather(ChainBatch batch, int count) {
        batch.chains -= count;
        batch.full &= count == 0;
        batch.buffers = batch.firstBuffer[batch.chains];
        batch.empty = batch.chains == 0 ? 0 : batch.empty;
        nextAvail = (nextAvail - count) & 0xFFFF;
    }

    /**
     * Gives all chains of a batch back to the driver as used and empties the batch. Everything written to
     * guest memory before is visible to the driver once it sees the new index.
     *
     * @param batch gathered chains, each with its {@linkplain ChainBatch#written written} length
     */
    public void publish(ChainBatch batch) {
        MemorySegment memory = this.memory;
        int[] head = batch.head;
        int[] written = batch.written;
        int count = batch.chains;
        int next = nextUsed;
        for (int i = 0; i < count; i++) {
            SplitLayout.usedElement(memory, used, (next + i) & mask, head[i], written[i]);
        }
        nextUsed = (next + count) & 0xFFFF;
        if (log.isOn()) {
            for (int i = 0; i < count; i++) {
                log.chain(head[i], written[i]);
            }
        }
        // Orders the elements and the packet bytes before the index:
        // the driver's acquire of it sees them all.
        SplitLayout.usedIdxRelease(memory, used, nextUsed);
        log.used(next, count);
        batch.clear();
    }

    /**
     * Leaves the first chains of a batch taken, without giving them back, lets go of the others,
     * and empties the batch.
     *
     * @param batch gathered chains
     * @param count how many are kept, from the first
     */
    public void keep(ChainBatch batch, int count) {
        ungather(batch, batch.chains() - count);
        batch.clear();
    }

    /**
     * Gives the oldest chains in flight back to the driver as used; the caller forgets them. Everything
     * written to guest memory before, by whoever told the caller of it, is visible to the driver once it sees
     * the new index.
     *
     * @param chains what was taken, the oldest first
     * @param count how many to give back
     */
    public void publish(ChainsInFlight chains, int count) {
        MemorySegment memory = this.memory;
        int next = nextUsed;
        chains.writeTo(memory, used, mask, next, count);
        nextUsed = (next + count) & 0xFFFF;
        if (log.isOn()) {
            for (int i = 0; i < count; i++) {
                log.chain(chains.headAt(i), chains.writtenAt(i));
            }
        }
        // Orders the elements and the copied bytes before the index, as in the other publish.
        SplitLayout.usedIdxRelease(memory, used, nextUsed);
        log.used(next, count);
    }

    /**
     * Whether the driver wants an interrupt for what was published since this was last asked
     * (virtio 1.2, 2.7.7.2). Ask once after each burst that published something.
     */
    public boolean needsInterrupt() {
        // Orders our index before the read of the driver's wish. The driver stores its wish, fences and
        // re-reads our index; without both fences each side could miss the other's store and the driver would
        // sleep for ever.
        VarHandle.fullFence();
        if (!eventIdx) {
            return (SplitLayout.availFlags(memory, avail) & SplitLayout.AVAIL_F_NO_INTERRUPT) == 0;
        }
        boolean passed =
                SplitLayout.passed(SplitLayout.usedEvent(memory, avail, size), signalledUsed, nextUsed);
        // After a (re)start the driver's event index may be older than our indexes:
        // the first publication signals.
        boolean needed = passed || !signalledOnce;
        signalledUsed = nextUsed;
        signalledOnce = true;
        return needed;
    }

    /**
     * Asks the driver for a kick when it offers the next chain (virtio 1.2, 2.7.10).
     *
     * @return true when chains are available already:
     *     work on them instead of waiting for a kick that will not come
     */
    public boolean enableKicks() {
        kicksWanted = true;
        if (eventIdx) {
            SplitLayout.availEvent(memory, used, size, nextAvail);
            log.usedField(SplitLayout.usedBytes(size) - Short.BYTES);
        } else {
            SplitLayout.usedFlags(memory, used, 0);
            log.usedField(0);
        }
        // Orders our wish before the re-read of the driver's index. The driver stores its index, fences and
        // reads the wish: one of the two sees the other's store, so no kick is lost.
        VarHandle.fullFence();
        return available() > 0;
    }

    /**
     * Tells the driver that no kicks are needed. It may still send some: this is a hint (virtio 1.2, 2.7.10).
     */
    public void disableKicks() {
        kicksWanted = false;
        if (!eventIdx) {
            SplitLayout.usedFlags(memory, used, SplitLayout.USED_F_NO_NOTIFY);
            log.usedField(0);
        }
        // With the event index there is nothing to store:
        // the index asked for lies behind, a kick comes once in 65,536.
    }

    /**
     * Logs what is written from now on, or no longer. What is written to a chain is logged when the chain is
     * published, before the driver can see that, and the device area right after each write.
     *
     * @param dirtyLog where to; null: not at all. The caller sees to it that it stays mapped
     * @param usedAddress guest address of the device area, or {@link #NOT_LOGGED}
     */
    public void log(DirtyLog dirtyLog, long usedAddress) {
        log.to(dirtyLog, usedAddress);
    }

    /** Whether kicks were asked for last. */
    public boolean kicksWanted() {
        return kicksWanted;
    }

    /** Fences the ring for a fault found outside it, such as a packet header that is not complete. */
    public boolean fault(RingViolation fault, long detail) {
        if (violation == null) {
            violation = fault;
            violationDetail = detail;
        }
        return false;
    }

    private int available(int wanted) {
        int known = (knownAvailIdx - nextAvail) & 0xFFFF;
        return known >= wanted ? known : refreshAvailable();
    }

    private int refreshAvailable() {
        int idx = SplitLayout.availIdxAcquire(memory, avail);
        // A driver cannot have more chains out than the ring has entries, those in flight with us included,
        // and cannot take back what it has offered.
        int out = (idx - nextUsed) & 0xFFFF;
        if (out > size || ((idx - knownAvailIdx) & 0xFFFF) > out) {
            fault(RingViolation.AVAIL_INDEX_JUMP, idx);
            return 0;
        }
        knownAvailIdx = idx;
        return (idx - nextAvail) & 0xFFFF;
    }
}
