package io.vhost.ring;

import static io.vhost.ring.Descriptors.DESC_F_INDIRECT;
import static io.vhost.ring.Descriptors.DESC_F_WRITE;
import static io.vhost.ring.Descriptors.DESC_SIZE;

import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * Driver side of a packed virtqueue (virtio 1.2, 2.8).
 *
 * <p>Positions are below the ring's size and go with a wrap counter. What is offered is written with its
 * flags at once, but for the first chain's head that is not shown yet: the device looks at nothing behind it.
 */
final class PackedDriverRing extends DriverRing {
    private final MemorySegment memory;
    private final long desc;
    private final long driverEvent;
    private final long deviceEvent;
    private final boolean eventIdx;
    private final boolean inOrder;
    private final PackedEvent kicks;

    // By buffer id: the free list in nextFree, and what is out.
    private final int[] nextFree;
    private final int[] token;
    private final int[] descriptors;
    private final long[] writable;
    /** By buffer id: the chain's number in the order of offering, free-running. */
    private final int[] offerNumber;
    private int firstFree;
    // By number, modulo the size: ids in the order of offering, which is the order of use when in order.
    private final int[] offered;
    private int offeredSlot;
    private int oldestSlot;
    private int free;
    private int nextAvail;
    private boolean availWrap = true;
    private int lastUsed;
    private boolean usedWrap = true;
    // Chains that were offered, shown and taken back, as free-running numbers.
    private int offers;
    private int shown;
    private int polled;
    // Since what was offered was last shown: the head that is held back, and how many descriptors.
    private int heldPosition = NONE;
    private long heldWord;
    private int heldDescriptors;
    private int shownOffWrap = PackedLayout.offWrap(0, true);
    // Last chain of the batch that an in-order device has used with one descriptor, and what it wrote there.
    private int batchLast = NONE;
    private long batchWritten;
    private int usedLength;

    /**
     * An empty ring; its memory is cleared.
     *
     * @param memory segment that holds the three areas, shared with the device
     * @param addresses their offsets in the segment
     * @param size entries, up to {@link RingFormat#MAX_SIZE}
     * @param options negotiated features and direction
     */
    PackedDriverRing(MemorySegment memory, RingAddresses addresses, int size, RingOptions options) {
        super(size);
        this.memory = requireNative(memory);
        this.desc = addresses.desc();
        this.driverEvent = addresses.avail();
        this.deviceEvent = addresses.used();
        this.eventIdx = options.eventIdx();
        this.inOrder = options.inOrder();
        this.kicks = new PackedEvent(size, eventIdx);
        this.nextFree = new int[size];
        this.token = new int[size];
        this.descriptors = new int[size];
        this.writable = new long[size];
        this.offerNumber = new int[size];
        this.offered = new int[size];
        this.free = size;
        Arrays.setAll(nextFree, i -> i + 1);
        memory.asSlice(desc, Descriptors.bytes(size)).fill((byte) 0);
        memory.asSlice(driverEvent, PackedLayout.EVENT_BYTES).fill((byte) 0);
        memory.asSlice(deviceEvent, PackedLayout.EVENT_BYTES).fill((byte) 0);
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
        int id = allocate();
        begin(id, 1, chainToken, deviceWrites ? length : 0);
        put(address, length, id, deviceWrites ? DESC_F_WRITE : 0);
        return true;
    }

    @Override
    public boolean offer(int chainToken, long[] address, int[] length, int readable, int total) {
        requireChain(readable, total);
        if (free < total) {
            return false;
        }
        int id = allocate();
        begin(id, total, chainToken, writable(length, readable, total));
        for (int i = 0; i < total; i++) {
            put(address[i], length[i], id, flags(i, readable, i == total - 1));
        }
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
            long entry = tableOffset + (long) DESC_SIZE * i;
            // All entries of a table belong to the chain: there is no NEXT (2.8.7).
            int flags = flags(i, readable, true);
            Descriptors.address(memory, entry, address[i]);
            Descriptors.word(memory, entry, PackedLayout.word(length[i], 0, flags));
        }
        int id = allocate();
        begin(id, 1, chainToken, writable(length, readable, total));
        put(tableAddress, DESC_SIZE * total, id, DESC_F_INDIRECT);
        return true;
    }

    /** In order the head's position names the chain: two that are out never have the same. */
    private int allocate() {
        if (inOrder) {
            return nextAvail;
        }
        int id = firstFree;
        firstFree = nextFree[id];
        return id;
    }

    /** The chain's books; its descriptors follow. */
    private void begin(int id, int count, int chainToken, long writableBytes) {
        free -= count;
        token[id] = chainToken;
        descriptors[id] = count;
        writable[id] = writableBytes;
        offerNumber[id] = offers++;
        offered[offeredSlot] = id;
        offeredSlot = offeredSlot + 1 == size ? 0 : offeredSlot + 1;
    }

    private void put(long address, int length, int id, int flags) {
        long entry = desc + (long) DESC_SIZE * nextAvail;
        long word = PackedLayout.word(length, id, flags | PackedLayout.availFlags(availWrap));
        Descriptors.address(memory, entry, address);
        if (heldPosition == NONE) {
            heldPosition = nextAvail;
            heldWord = word;
        } else {
            Descriptors.word(memory, entry, word);
        }
        heldDescriptors++;
        if (++nextAvail == size) {
            nextAvail = 0;
            availWrap = !availWrap;
        }
    }

    @Override
    public void publish() {
        if (heldPosition == NONE) {
            return;
        }
        PackedLayout.descWordRelease(memory, desc + (long) DESC_SIZE * heldPosition, heldWord);
        heldPosition = NONE;
        kicks.advance(heldDescriptors);
        heldDescriptors = 0;
        shown = offers;
        shownOffWrap = PackedLayout.offWrap(nextAvail, availWrap);
    }

    @Override
    public boolean needsKick() {
        // Orders our descriptors before the read of the device's wish; the device stores its wish, fences and
        // looks at our descriptors again. Without both fences each side could miss the other's store and the
        // device would sleep for ever.
        VarHandle.fullFence();
        if (!kicks.advanced()) {
            return false;
        }
        boolean wanted = kicks.wanted(PackedLayout.event(memory, deviceEvent), shownOffWrap, false);
        if (kicks.violation() != null && violation() == null) {
            fault(kicks.violation());
        }
        return wanted;
    }

    @Override
    public int poll() {
        if (violation() != null) {
            return NONE;
        }
        if (batchLast == NONE) {
            long word = usedWord(lastUsed);
            if (!PackedLayout.isUsed(word, usedWrap)) {
                return NONE;
            }
            int id = PackedLayout.id(word);
            if (!isOut(id)) {
                return fault(RingViolation.USED_ID_UNKNOWN);
            }
            batchLast = id;
            // Without WRITE the length means nothing (2.8.4).
            batchWritten = (PackedLayout.flags(word) & DESC_F_WRITE) == 0 ? 0 : Descriptors.length(word);
        }
        // An in-order device may use a batch of chains with one descriptor: it names the last of them and
        // stands where the first one's would. Those that it skips were used completely (virtio 1.2, 2.8.8).
        int id = inOrder ? offered[oldestSlot] : batchLast;
        if (id != batchLast) {
            return take(id, writable[id]);
        }
        batchLast = NONE;
        return take(id, batchWritten);
    }

    private long usedWord(int position) {
        return PackedLayout.descWordAcquire(memory, desc + (long) DESC_SIZE * position);
    }

    /** Whether a chain is with the device, which was shown it. */
    private boolean isOut(int id) {
        return id < size && descriptors[id] != 0 && offerNumber[id] - shown < 0;
    }

    private int take(int id, long bytes) {
        if (bytes > writable[id]) {
            return fault(RingViolation.USED_LENGTH_TOO_LARGE);
        }
        usedLength = (int) bytes;
        int count = descriptors[id];
        descriptors[id] = 0;
        free += count;
        polled++;
        oldestSlot = oldestSlot + 1 == size ? 0 : oldestSlot + 1;
        if (!inOrder) {
            nextFree[id] = firstFree;
            firstFree = id;
        }
        lastUsed += count;
        if (lastUsed >= size) {
            lastUsed -= size;
            usedWrap = !usedWrap;
        }
        return token[id];
    }

    @Override
    public int usedLength() {
        return usedLength;
    }

    @Override
    public int successorBase() {
        return PackedBase.START;
    }

    /** There is no index of the device's: used descriptors are counted, at most as many as chains are out. */
    @Override
    public int pending() {
        if (violation() != null) {
            return 0;
        }
        int count = 0;
        int most = shown - polled;
        int position = lastUsed;
        boolean wrap = usedWrap;
        int last = batchLast;
        int slot = oldestSlot;
        while (count < most) {
            if (last == NONE) {
                long word = usedWord(position);
                if (!PackedLayout.isUsed(word, wrap) || !isOut(PackedLayout.id(word))) {
                    break;
                }
                last = PackedLayout.id(word);
            }
            int id = inOrder ? offered[slot] : last;
            slot = slot + 1 == size ? 0 : slot + 1;
            last = id == last ? NONE : last;
            count++;
            position += descriptors[id];
            if (position >= size) {
                position -= size;
                wrap = !wrap;
            }
        }
        return count;
    }

    @Override
    public int outstanding() {
        return offers - polled;
    }

    @Override
    public boolean enableInterrupts() {
        if (eventIdx) {
            int position = PackedLayout.offWrap(lastUsed, usedWrap);
            PackedLayout.event(memory, driverEvent, position, PackedLayout.EVENT_DESC);
        } else {
            PackedLayout.event(memory, driverEvent, 0, PackedLayout.EVENT_ENABLE);
        }
        // Orders our wish before the re-read of the device's descriptor; the device stores its descriptors,
        // fences and reads the wish: one of the two sees the other's store, so no interrupt is lost.
        VarHandle.fullFence();
        return violation() == null
                && (batchLast != NONE || PackedLayout.isUsed(usedWord(lastUsed), usedWrap));
    }

    @Override
    public void disableInterrupts() {
        PackedLayout.event(memory, driverEvent, 0, PackedLayout.EVENT_DISABLE);
    }
}
