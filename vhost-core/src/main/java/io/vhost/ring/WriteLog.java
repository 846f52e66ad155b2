package io.vhost.ring;

import static io.vhost.ring.SplitLayout.DESC_F_INDIRECT;
import static io.vhost.ring.SplitLayout.DESC_F_NEXT;
import static io.vhost.ring.SplitLayout.DESC_SIZE;

import io.vhost.memory.AddressTranslator;
import io.vhost.memory.DirtyLog;
import java.lang.foreign.MemorySegment;

/**
 * Tells a {@link DirtyLog} what the device side of a split ring writes, while a guest migrates.
 *
 * <p>Thread: that of its ring. Off until {@link #to} names a log; the methods that mark may be called only
 * while it is on, but for {@link #usedField}, which asks itself.
 */
final class WriteLog {
    private final MemorySegment memory;
    private final AddressTranslator translator;
    private final long desc;
    private final int size;
    private final boolean deviceWrites;

    private DirtyLog log;
    private long usedAddress = SplitRing.NOT_LOGGED;

    /**
     * The log of one ring.
     *
     * @param memory the guest's memory window
     * @param translator of the same memory
     * @param desc offset of the descriptor table in the window
     * @param size entries of the ring
     * @param deviceWrites whether buffers are written at all
     */
    WriteLog(MemorySegment memory, AddressTranslator translator, long desc, int size, boolean deviceWrites) {
        this.memory = memory;
        this.translator = translator;
        this.desc = desc;
        this.size = size;
        this.deviceWrites = deviceWrites;
    }

    /**
     * Turns the log on or off.
     *
     * @param dirtyLog where to; null: off
     * @param usedGuestAddress of the device area, or {@link SplitRing#NOT_LOGGED}
     */
    void to(DirtyLog dirtyLog, long usedGuestAddress) {
        log = dirtyLog;
        usedAddress = dirtyLog == null ? SplitRing.NOT_LOGGED : usedGuestAddress;
    }

    /** {@return whether writes are to be told} */
    boolean isOn() {
        return log != null;
    }

    /**
     * Marks what was written into a chain. It is followed again, for the guest's addresses: the driver must
     * not have changed it since it was validated, and if it did only its own migration suffers. So each step
     * is bounded anew: one table at most, wherever it lies, and no more hops than it has entries.
     *
     * @param head index of the chain's first descriptor
     * @param written bytes from the chain's beginning, unsigned
     */
    void chain(int head, int written) {
        long rest = deviceWrites ? Integer.toUnsignedLong(written) : 0;
        long table = desc;
        int entries = size;
        int index = head;
        boolean inTable = false;
        for (int hops = 0; rest > 0 && hops < entries; hops++) {
            long address = SplitLayout.descAddress(memory, table + (long) DESC_SIZE * index);
            long word = SplitLayout.descWord(memory, table + (long) DESC_SIZE * index);
            long length = SplitLayout.length(word);
            if ((SplitLayout.flags(word) & DESC_F_INDIRECT) != 0) {
                table = length < DESC_SIZE ? -1 : translator.translate(address, length);
                if (table < 0 || inTable) {
                    return;
                }
                inTable = true;
                entries = (int) (length / DESC_SIZE);
                index = 0;
                hops = -1;
                continue;
            }
            log.mark(address, Math.min(length, rest));
            rest -= length;
            index = SplitLayout.next(word);
            if ((SplitLayout.flags(word) & DESC_F_NEXT) == 0 || index >= entries) {
                return;
            }
        }
    }

    /**
     * Marks used elements and the index that tells of them.
     *
     * @param first running index of the first element
     * @param count how many
     */
    void used(int first, int count) {
        if (usedAddress == SplitRing.NOT_LOGGED) {
            return;
        }
        for (int i = 0; i < count; i++) {
            log.mark(usedAddress + SplitLayout.usedElementOffset((first + i) & (size - 1)), Long.BYTES);
        }
        usedField(0);
    }

    /**
     * Marks a field of the device area.
     *
     * @param offset 0 for flags and index, or that of the event index behind the elements
     */
    void usedField(long offset) {
        if (usedAddress != SplitRing.NOT_LOGGED) {
            log.mark(usedAddress + offset, Integer.BYTES);
        }
    }
}
