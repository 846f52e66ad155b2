package io.vhost.ring;

import static io.vhost.ring.Descriptors.DESC_F_WRITE;
import static io.vhost.ring.Descriptors.DESC_SIZE;

import io.vhost.memory.GuestMemory;
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
    private static final int BOTH = PackedLayout.DESC_F_AVAIL | PackedLayout.DESC_F_USED;

    private final long desc;
    private final long driverEvent;
    private final long deviceEvent;
    private final boolean eventIdx;
    private final PackedChainWalker walker;
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
        this.event = new PackedEvent(size, eventIdx);
        this.words = new long[size];
        int used = PackedBase.used(base);
        this.nextAvail = PackedLayout.position(used);
        this.availWrap = PackedLayout.wrap(used);
        this.nextUsed = nextAvail;
        this.usedWrap = availWrap;
        this.signalledUsed = nextAvail;
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
        return added;
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
                first = usedWord(batch.id[last], 0, PackedLayout.usedFlags(usedWrap));
            } else {
                first = usedWord(batch.id[0], batch.written[0], PackedLayout.usedFlags(usedWrap));
                used = writeUsed(batch);
            }
            if (writeLog.isOn()) {
                writeLog.written(batch);
            }
            show(first, used, count);
        }
        batch.clear();
    }

    /** Writes all used descriptors but the first; how many descriptors of the ring all of them are. */
    private int writeUsed(ChainBatch batch) {
        MemorySegment memory = this.memory;
        int[] id = batch.id;
        int[] written = batch.written;
        int[] descriptors = batch.descriptors;
        int count = batch.chains;
        int size = this.size;
        int flags = PackedLayout.usedFlags(usedWrap);
        int position = nextUsed;
        int sum = descriptors[0];
        for (int i = 1; i < count; i++) {
            position += descriptors[i - 1];
            if (position >= size) {
                position -= size;
                flags ^= BOTH;
            }
            long word = usedWord(id[i], written[i], flags);
            Descriptors.word(memory, desc + (long) DESC_SIZE * position, word);
            sum += descriptors[i];
        }
        return sum;
    }

    /** The length counts only where the device says that it wrote (2.8.4). */
    private static long usedWord(int id, int written, int flags) {
        return PackedLayout.word(written, id, written == 0 ? flags : flags | DESC_F_WRITE);
    }

    @Override
    public void publish(ChainsInFlight chains) {
        int count = chains.returnedCount;
        if (count == 0) {
            return;
        }
        int[] returned = chains.returned;
        int flags = PackedLayout.usedFlags(usedWrap);
        int position = nextUsed;
        int head = returned[0];
        long first = usedWord(head, chains.written[head], flags);
        int sum = chains.descriptors[head];
        for (int i = 1; i < count; i++) {
            position += chains.descriptors[returned[i - 1]];
            if (position >= size) {
                position -= size;
                flags ^= BOTH;
            }
            int id = returned[i];
            long word = usedWord(id, chains.written[id], flags);
            Descriptors.word(memory, desc + (long) DESC_SIZE * position, word);
            sum += chains.descriptors[id];
        }
        if (writeLog.isOn()) {
            chains.logTo(writeLog);
        }
        show(first, sum, count);
    }

    private void show(long firstWord, int descriptors, int chains) {
        int first = nextUsed;
        published += chains;
        inUse -= descriptors;
        nextUsed += descriptors;
        if (nextUsed >= size) {
            nextUsed -= size;
            usedWrap = !usedWrap;
        }
        event.advance(descriptors);
        // Orders the descriptors behind it and the packet bytes, whoever wrote them, before the first
        // descriptor: the driver looks at no other before that one, and its acquire of it sees them all.
        PackedLayout.descWordRelease(memory, desc + (long) DESC_SIZE * first, firstWord);
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
