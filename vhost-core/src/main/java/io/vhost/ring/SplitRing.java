package io.vhost.ring;

import static io.vhost.ring.Descriptors.DESC_F_WRITE;
import static io.vhost.ring.Descriptors.DESC_SIZE;

import io.vhost.memory.GuestMemory;
import io.vhost.state.RingElement;
import io.vhost.state.RingPositions;
import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Device side of a split virtqueue (virtio 1.2, 2.7).
 *
 * <p>Indexes are unsigned 16-bit and wrap. The driver's is read only when the chains already known do not
 * suffice, to leave its cache line with the driver. An element that is used names one chain, so a queue that
 * keeps the order needs nothing more for VIRTIO_F_IN_ORDER.
 */
final class SplitRing extends DeviceRing {
    private final long desc;
    private final long avail;
    private final long used;
    private final int mask;
    private final boolean eventIdx;
    private final SplitChainWalker walker;

    private int nextAvail;
    private int nextUsed;
    private int knownAvailIdx;
    private int signalledUsed;
    private boolean signalledOnce;
    private int published;
    /** Where what is in flight is noted; null: nowhere. */
    private SplitInflight inflight;
    /** Heads of the chains that a predecessor had taken, which are taken first; null: none. */
    private int[] resubmitted;
    /** Index of the first of them. */
    private int resubmittedAt;
    /** Whether some of them stand elsewhere in the driver area now, or nowhere. */
    private boolean reordered;

    /**
     * A ring in guest memory.
     *
     * @param memory the guest's memory, which the ring and its buffers lie in
     * @param addresses offsets of the three areas in the memory's window, aligned and complete
     * @param size entries, a power of two up to {@link RingFormat#MAX_SIZE}
     * @param options negotiated features and direction
     * @param base index of the next chain to take, which is that of the next used element too
     */
    SplitRing(GuestMemory memory, RingAddresses addresses, int size, RingOptions options, int base) {
        super(memory, size, options);
        this.desc = addresses.desc();
        this.avail = addresses.avail();
        this.used = addresses.used();
        this.mask = size - 1;
        this.eventIdx = options.eventIdx();
        this.walker = new SplitChainWalker(this.memory, desc, size, chain);
        this.nextAvail = base & 0xFFFF;
        this.nextUsed = nextAvail;
        this.knownAvailIdx = nextAvail;
        this.signalledUsed = nextAvail;
    }

    /** As if the driver had offered what is resubmitted behind what is used; all else comes behind that. */
    @Override
    public void track(MemorySegment region) {
        inflight = new SplitInflight(region, size);
        int[] heads = inflight.recover(nextUsed);
        int out = (SplitLayout.availIdxAcquire(memory, avail) - nextUsed) & 0xFFFF;
        if (heads == null || heads.length > out) {
            fault(RingViolation.INFLIGHT_MISMATCH, heads == null ? 0 : heads.length);
            return;
        }
        resubmitted = heads.length == 0 ? null : heads;
        resubmittedAt = nextUsed;
        for (int i = 0; i < heads.length && !reordered; i++) {
            reordered = heads[i] != SplitLayout.availEntry(memory, avail, (nextUsed + i) & mask);
        }
    }

    @Override
    public void forgetInflight() {
        // Of a predecessor that kept no order the ring alone does not tell what is in flight.
        if (inflight != null && !reordered) {
            inflight.forget();
        }
    }

    @Override
    public int published() {
        return published;
    }

    @Override
    public int base() {
        return nextUsed;
    }

    @Override
    public RingPositions positions() {
        return new RingPositions(
                nextAvail, false, knownAvailIdx, nextUsed, false, signalledUsed,
                signalledOnce, (nextAvail - nextUsed) & 0xFFFF);
    }

    @Override
    public RingElement element(GuestMemory guest, int position) {
        return SplitRingInspector.element(guest, new RingAddresses(desc, avail, used), size, position);
    }

    @Override
    public boolean hasAvailable() {
        return violation() == null && available(size) > 0;
    }

    @Override
    public int gather(ChainBatch batch, int max) {
        if (violation() != null || batch.full) {
            return 0;
        }
        int count = Math.min(available(max), Math.min(max, batch.id.length - batch.chains));
        int added = 0;
        while (added < count) {
            int plain = gatherPlain(batch, count - added);
            added += plain;
            if (added == count || (added > 0 && budget.isSpent()) || !walkNext(batch)) {
                break;
            }
            added++;
        }
        return inflight == null ? added : noteTaken(batch, added);
    }

    private int noteTaken(ChainBatch batch, int added) {
        int first = batch.chains - added;
        int taken = inflight.take(batch.id, first, added);
        if (taken < added) {
            fault(RingViolation.HEAD_IN_FLIGHT, batch.id[first + taken]);
            putBack(batch, added - taken);
        }
        return taken;
    }

    /**
     * The common case, chains of one translated buffer: stops before the first chain that is anything else.
     */
    private int gatherPlain(ChainBatch batch, int max) {
        int count = Math.min(max, batch.bufferOffset.length - batch.buffers);
        readHeads(batch, count);
        int added = resolve(batch, count);
        batch.addPlainChains(added, options.deviceWrites() ? 0 : 1);
        nextAvail = (nextAvail + added) & 0xFFFF;
        return added;
    }

    // Two small loops without calls: what they use stays in registers.

    private void readHeads(ChainBatch batch, int count) {
        MemorySegment memory = this.memory;
        int[] head = batch.id;
        long avail = this.avail;
        int mask = this.mask;
        int next = nextAvail;
        int chain = batch.chains;
        for (int i = 0; i < count; i++) {
            head[chain + i] = SplitLayout.availEntry(memory, avail, (next + i) & mask);
        }
        if (resubmitted != null) {
            readResubmitted(head, chain, count);
        }
    }

    private void readResubmitted(int[] head, int chain, int count) {
        int first = (nextAvail - resubmittedAt) & 0xFFFF;
        for (int i = 0; i < count && first + i < resubmitted.length; i++) {
            head[chain + i] = resubmitted[first + i];
        }
    }

    private int nextHead() {
        int place = (nextAvail - resubmittedAt) & 0xFFFF;
        return resubmitted != null && place < resubmitted.length
                ? resubmitted[place] : SplitLayout.availEntry(memory, avail, nextAvail & mask);
    }

    /**
     * Stops at a buffer of another memory region, too;
     * the walk of that one chain makes the region the present one.
     */
    private int resolve(ChainBatch batch, int count) {
        MemorySegment memory = this.memory;
        int[] head = batch.id;
        long[] bufferOffset = batch.bufferOffset;
        int[] bufferLength = batch.bufferLength;
        long desc = this.desc;
        int size = this.size;
        int wanted = options.deviceWrites() ? DESC_F_WRITE : 0;
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
            long word = Descriptors.word(memory, entry);
            long distance = Descriptors.address(memory, entry) - start;
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
        int head = nextHead();
        if (head >= size) {
            return fault(RingViolation.HEAD_OUT_OF_RANGE, head);
        }
        chain.begin(batch);
        if (walker.walk(head) && chain.end(head, 1)) {
            nextAvail = (nextAvail + 1) & 0xFFFF;
            return true;
        }
        chain.drop();
        return chain.violation() != null && fault(chain.violation(), chain.violationDetail());
    }

    @Override
    public void ungather(ChainBatch batch, int count) {
        if (inflight != null) {
            inflight.takeBack(batch.id, batch.chains - count, count);
        }
        putBack(batch, count);
    }

    private void putBack(ChainBatch batch, int count) {
        batch.removeChains(count);
        nextAvail = (nextAvail - count) & 0xFFFF;
    }

    @Override
    public void publish(ChainBatch batch) {
        writeUsed(batch.id, batch.written, batch.chains);
        if (writeLog.isOn()) {
            writeLog.written(batch);
        }
        show(batch.id, batch.chains);
        batch.clear();
    }

    private void writeUsed(int[] id, int[] written, int count) {
        MemorySegment memory = this.memory;
        long used = this.used;
        int mask = this.mask;
        int next = nextUsed;
        for (int i = 0; i < count; i++) {
            SplitLayout.usedElement(memory, used, (next + i) & mask, id[i], written[i]);
        }
    }

    @Override
    public void publish(ChainsInFlight chains) {
        MemorySegment memory = this.memory;
        int[] returned = chains.returned;
        int[] written = chains.written;
        int next = nextUsed;
        int count = chains.returnedCount;
        if (count == 0) {
            return;
        }
        for (int i = 0; i < count; i++) {
            int id = returned[i];
            SplitLayout.usedElement(memory, used, (next + i) & mask, id, written[id]);
        }
        if (writeLog.isOn()) {
            chains.logTo(writeLog);
        }
        show(returned, count);
    }

    private void show(int[] heads, int count) {
        int first = nextUsed;
        nextUsed = (first + count) & 0xFFFF;
        published += count;
        if (inflight != null) {
            inflight.using(heads, count);
        }
        // Orders the elements and the packet bytes, whoever wrote them, before the index:
        // the driver's acquire of it sees them all.
        SplitLayout.usedIdxRelease(memory, used, nextUsed);
        if (inflight != null) {
            noteUsed(heads, count);
        }
        if (writeLog.isOn()) {
            for (int i = 0; i < count; i++) {
                writeLog.deviceArea(SplitLayout.usedElementOffset((first + i) & mask), Long.BYTES);
            }
            writeLog.deviceArea(0, Integer.BYTES);
        }
    }

    private void noteUsed(int[] heads, int count) {
        inflight.used(heads, count, nextUsed);
        if (resubmitted != null && ((nextUsed - resubmittedAt) & 0xFFFF) >= resubmitted.length) {
            resubmitted = null;
            reordered = false;
        }
    }

    @Override
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

    @Override
    boolean askForKicks() {
        if (eventIdx) {
            SplitLayout.availEvent(memory, used, size, nextAvail);
            writeLog.deviceArea(SplitLayout.usedBytes(size) - Short.BYTES, Short.BYTES);
        } else {
            SplitLayout.usedFlags(memory, used, 0);
            writeLog.deviceArea(0, Short.BYTES);
        }
        // Orders our wish before the re-read of the driver's index. The driver stores its index, fences and
        // reads the wish: one of the two sees the other's store, so no kick is lost.
        VarHandle.fullFence();
        return hasAvailable();
    }

    @Override
    void declineKicks() {
        if (!eventIdx) {
            SplitLayout.usedFlags(memory, used, SplitLayout.USED_F_NO_NOTIFY);
            writeLog.deviceArea(0, Short.BYTES);
        }
        // With the event index there is nothing to store:
        // the index asked for lies behind, a kick comes once in 65,536.
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
