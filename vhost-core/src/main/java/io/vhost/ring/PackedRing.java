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
 * Device side of a packed virtqueue (virtio 1.2, 2.8).
 *
 * <p>Positions are below the ring's size, which need not be a power of two, and go with a wrap counter. There
 * is no index of the driver's: what is available shows in the flags of the next descriptor, and how much can
 * be is what the device does not hold. So a device that holds the whole ring takes nothing, whatever stands
 * there.
 */
final class PackedRing extends DeviceRing {
    private final long desc;
    private final long driverEvent;
    private final long deviceEvent;
    private final boolean eventIdx;
    private final PackedChainWalker walker;
    private final PackedUsedWriter usedWriter;
    private final PackedEvent event;
    /** Of the chains that are looked at together: the words of their descriptors, each read once. */
    private final long[] words;

    private int nextAvail;
    private boolean availWrap;
    private int nextUsed;
    private boolean usedWrap;
    /** Descriptors that were taken and not given back. */
    private int inUse;
    private int signalledUsed;
    private boolean signalledOnce;
    private int published;
    /** Where what is in flight is noted; null: nowhere. */
    private PackedInflight inflight;

    /**
     * A ring in guest memory.
     *
     * @param memory the guest's memory, which the ring and its buffers lie in
     * @param addresses offsets of the three areas in the memory's window, aligned and complete
     * @param size entries, up to {@link RingFormat#MAX_SIZE}
     * @param options negotiated features and direction
     * @param base where the next chain to give back stands, which is the next to take too: see
     *     {@link PackedBase}
     */
    PackedRing(GuestMemory memory, RingAddresses addresses, int size, RingOptions options, int base) {
        super(memory, size, options);
        this.desc = addresses.desc();
        this.driverEvent = addresses.avail();
        this.deviceEvent = addresses.used();
        this.eventIdx = options.eventIdx();
        this.walker = new PackedChainWalker(this.memory, desc, size, chain);
        this.usedWriter = new PackedUsedWriter(this.memory, desc, size);
        this.event = new PackedEvent(size, eventIdx);
        this.words = new long[size];
        goOn(PackedBase.used(base));
    }

    private void goOn(int offWrap) {
        nextAvail = PackedLayout.position(offWrap);
        availWrap = PackedLayout.wrap(offWrap);
        nextUsed = nextAvail;
        usedWrap = availWrap;
        signalledUsed = nextAvail;
    }

    @Override
    public void track(MemorySegment region) {
        inflight = new PackedInflight(region, memory, desc, size);
        if (new PackedRecovery(inflight).run(PackedLayout.offWrap(nextUsed, usedWrap))) {
            goOn(inflight.used);
            if (writeLog.isOn()) {
                writeLog.area(desc, (long) DESC_SIZE * size);
            }
        } else {
            fault(RingViolation.INFLIGHT_MISMATCH, 0);
        }
    }

    @Override
    public void forgetInflight() {
        if (inflight != null) {
            inflight.forget();
        }
    }

    @Override
    public int published() {
        return published;
    }

    @Override
    public int base() {
        return PackedBase.of(PackedLayout.offWrap(nextUsed, usedWrap));
    }

    @Override
    public RingPositions positions() {
        return new RingPositions(nextAvail, availWrap, nextAvail, nextUsed, usedWrap, signalledUsed,
                signalledOnce, inUse);
    }

    @Override
    public RingElement element(GuestMemory guest, int position) {
        RingAddresses addresses = new RingAddresses(desc, driverEvent, deviceEvent);
        return PackedRingInspector.element(guest, addresses, size, position);
    }

    @Override
    public boolean hasAvailable() {
        return violation() == null && isAvailable(nextWord());
    }

    private long nextWord() {
        return PackedLayout.descWordAcquire(memory, desc + (long) DESC_SIZE * nextAvail);
    }

    private boolean isAvailable(long word) {
        boolean available = PackedLayout.isAvail(word, availWrap);
        if (available && inUse == size) {
            return fault(RingViolation.DESCRIPTOR_IN_FLIGHT, nextAvail);
        }
        return available;
    }

    @Override
    public int gather(ChainBatch batch, int max) {
        if (violation() != null || batch.full) {
            return 0;
        }
        int count = Math.min(max, batch.id.length - batch.chains);
        int added = 0;
        while (added < count) {
            int plain = gatherPlain(batch, count - added);
            added += plain;
            if (plain > 0 && nextAvail == 0) {
                continue; // It goes on at the ring's beginning.
            }
            if (added == count || (added > 0 && budget.isSpent()) || !walkNext(batch)) {
                break;
            }
            added++;
        }
        return inflight == null ? added : noteTaken(batch, added);
    }

    private int noteTaken(ChainBatch batch, int added) {
        int first = batch.chains - added;
        int at = nextAvail - batch.descriptors(first, batch.chains);
        int taken = inflight.take(batch, first, added, at < 0 ? at + size : at);
        if (taken < added) {
            fault(RingViolation.HEAD_IN_FLIGHT, batch.id[first + taken]);
            putBack(batch, added - taken);
        }
        return taken;
    }

    /**
     * The common case, chains of one translated buffer: stops before the first chain that is anything else,
     * and at the end of the ring.
     */
    private int gatherPlain(ChainBatch batch, int max) {
        int room = Math.min(size - inUse, batch.bufferOffset.length - batch.buffers);
        int count = readWords(Math.min(Math.min(max, room), size - nextAvail));
        if (count == 0) {
            return 0;
        }
        // The flags before everything else that they say is there, but for what was read with them.
        VarHandle.acquireFence();
        int added = resolve(batch, count);
        batch.addPlainChains(added, options.deviceWrites() ? 0 : 1);
        take(added);
        return added;
    }

    // Two small loops without calls: what they use stays in registers, and one fence serves them all.

    private int readWords(int count) {
        MemorySegment memory = this.memory;
        long[] words = this.words;
        long first = desc + (long) DESC_SIZE * nextAvail;
        int wanted = PackedLayout.availFlags(availWrap) | (options.deviceWrites() ? DESC_F_WRITE : 0);
        int i = 0;
        for (; i < count; i++) {
            long word = Descriptors.word(memory, first + (long) DESC_SIZE * i);
            if (PackedLayout.flags(word) != wanted) {
                break;
            }
            words[i] = word;
        }
        return i;
    }

    /**
     * Stops at a buffer of another memory region, too;
     * the walk of that one chain makes the region the present one.
     */
    private int resolve(ChainBatch batch, int count) {
        MemorySegment memory = this.memory;
        long[] words = this.words;
        int[] ids = batch.id;
        long[] bufferOffset = batch.bufferOffset;
        int[] bufferLength = batch.bufferLength;
        long first = desc + (long) DESC_SIZE * nextAvail;
        int size = this.size;
        long start = translator.start();
        long end = translator.size();
        long window = translator.windowOffset();
        int chain = batch.chains;
        int buffer = batch.buffers;
        int i = 0;
        for (; i < count; i++) {
            long word = words[i];
            long distance = Descriptors.address(memory, first + (long) DESC_SIZE * i) - start;
            int length = (int) word;
            int id = PackedLayout.id(word);
            if (id >= size || length <= 0 || distance < 0 || distance > end - length) {
                break;
            }
            ids[chain + i] = id;
            bufferOffset[buffer + i] = window + distance;
            bufferLength[buffer + i] = length;
        }
        return i;
    }

    /** Any chain at all: continued, indirect, across regions, with empty buffers, or broken. */
    private boolean walkNext(ChainBatch batch) {
        long word = nextWord();
        if (!isAvailable(word)) {
            return false;
        }
        chain.begin(batch);
        if (walker.walk(nextAvail, word, size - inUse) && chain.end(walker.id(), walker.descriptors())) {
            take(walker.descriptors());
            return true;
        }
        chain.drop();
        return chain.violation() != null && fault(chain.violation(), chain.violationDetail());
    }

    private void take(int descriptors) {
        inUse += descriptors;
        nextAvail += descriptors;
        if (nextAvail >= size) {
            nextAvail -= size;
            availWrap = !availWrap;
        }
    }

    @Override
    public void ungather(ChainBatch batch, int count) {
        if (inflight != null) {
            inflight.takeBack(batch, batch.chains - count, count);
        }
        putBack(batch, count);
    }

    private void putBack(ChainBatch batch, int count) {
        int descriptors = batch.removeChains(count);
        inUse -= descriptors;
        nextAvail -= descriptors;
        if (nextAvail < 0) {
            nextAvail += size;
            availWrap = !availWrap;
        }
    }

    @Override
    public void publish(ChainBatch batch) {
        int count = batch.chains;
        if (count > 0) {
            int last = count - 1;
            int used;
            long first;
            if (options.inOrder() && last > 0 && batch.isOneWay(false)) {
                // The driver knows that those before the last are used too, and completely (2.8.8); the
                // device wrote into none, so that there is nothing to tell of them.
                used = batch.descriptors(0, count);
                first = PackedUsedWriter.word(batch.id[last], 0, PackedLayout.usedFlags(usedWrap));
            } else {
                int flags = PackedLayout.usedFlags(usedWrap);
                first = PackedUsedWriter.word(batch.id[0], batch.written[0], flags);
                used = usedWriter.write(batch, nextUsed, usedWrap);
            }
            if (writeLog.isOn()) {
                writeLog.written(batch);
            }
            show(batch.id, first, used, count);
        }
        batch.clear();
    }

    @Override
    public void publish(ChainsInFlight chains) {
        int count = chains.returnedCount;
        if (count == 0) {
            return;
        }
        int[] returned = chains.returned;
        int head = returned[0];
        int flags = PackedLayout.usedFlags(usedWrap);
        long first = PackedUsedWriter.word(head, chains.written[head], flags);
        int sum = usedWriter.write(chains, nextUsed, usedWrap);
        if (writeLog.isOn()) {
            chains.logTo(writeLog);
        }
        show(returned, first, sum, count);
    }

    private void show(int[] ids, long firstWord, int descriptors, int chains) {
        int first = nextUsed;
        published += chains;
        inUse -= descriptors;
        nextUsed += descriptors;
        if (nextUsed >= size) {
            nextUsed -= size;
            usedWrap = !usedWrap;
        }
        event.advance(descriptors);
        if (inflight != null) {
            inflight.using(ids, chains, PackedLayout.offWrap(nextUsed, usedWrap));
        }
        // Orders the descriptors behind it and the packet bytes, whoever wrote them, before the first
        // descriptor: the driver looks at no other before that one, and its acquire of it sees them all.
        PackedLayout.descWordRelease(memory, desc + (long) DESC_SIZE * first, firstWord);
        if (inflight != null) {
            inflight.used(ids, chains);
        }
        if (writeLog.isOn()) {
            int toEnd = Math.min(descriptors, size - first);
            writeLog.area(desc + (long) DESC_SIZE * first, (long) DESC_SIZE * toEnd);
            if (toEnd < descriptors) {
                writeLog.area(desc, (long) DESC_SIZE * (descriptors - toEnd));
            }
        }
    }

    @Override
    public boolean needsInterrupt() {
        // Orders our descriptors before the read of the driver's wish. The driver stores its wish, fences and
        // looks at our descriptors again; without both fences each side could miss the other's store and the
        // driver would sleep for ever.
        VarHandle.fullFence();
        int wish = PackedLayout.event(memory, driverEvent);
        // After a (re)start the driver's event may be older than our positions:
        // the first publication signals.
        boolean needed = event.wanted(wish, PackedLayout.offWrap(nextUsed, usedWrap), !signalledOnce);
        signalledUsed = nextUsed;
        signalledOnce = true;
        if (event.violation() != null) {
            fault(event.violation(), event.violationDetail());
        }
        return needed;
    }

    @Override
    boolean askForKicks() {
        if (eventIdx) {
            int position = PackedLayout.offWrap(nextAvail, availWrap);
            PackedLayout.event(memory, deviceEvent, position, PackedLayout.EVENT_DESC);
        } else {
            PackedLayout.event(memory, deviceEvent, 0, PackedLayout.EVENT_ENABLE);
        }
        writeLog.deviceArea(0, PackedLayout.EVENT_BYTES);
        // Orders our wish before the re-read of the next descriptor. The driver stores its descriptors,
        // fences and reads the wish: one of the two sees the other's store, so no kick is lost.
        VarHandle.fullFence();
        return hasAvailable();
    }

    @Override
    void declineKicks() {
        PackedLayout.event(memory, deviceEvent, 0, PackedLayout.EVENT_DISABLE);
        writeLog.deviceArea(0, PackedLayout.EVENT_BYTES);
    }
}
