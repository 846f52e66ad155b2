package io.vhost.ring;

import io.vhost.memory.GuestMemory;
import io.vhost.state.RingElement;
import io.vhost.state.RingElement.Descriptor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Reads single elements of a split ring for diagnostics. Thread: the holder of the queue's lock. */
final class SplitRingInspector {
    /** Descriptors that are followed: the lock is held meanwhile. */
    private static final int MOST = 256;

    private SplitRingInspector() {}

    static RingElement element(GuestMemory guest, RingAddresses addresses, int size, int position) {
        MemorySegment memory = guest.window();
        int head = SplitLayout.availEntry(memory, addresses.avail(), position & (size - 1));
        return new RingElement(
                head,
                head < size ? chain(guest, addresses.desc(), size, head) : List.of(),
                SplitLayout.availFlags(memory, addresses.avail()),
                SplitLayout.availIdxAcquire(memory, addresses.avail()),
                SplitLayout.usedFlags(memory, addresses.used()),
                SplitLayout.usedIdxAcquire(memory, addresses.used()));
    }

    private static List<Descriptor> chain(GuestMemory guest, long desc, int size, int head) {
        MemorySegment memory = guest.window();
        List<Descriptor> chain = new ArrayList<>();
        long table = desc;
        long entries = size;
        long index = head;
        boolean inTable = false;
        while (index < entries && chain.size() < Math.min(entries, MOST)) {
            long entry = table + Descriptors.DESC_SIZE * index;
            long address = Descriptors.address(memory, entry);
            long word = Descriptors.word(memory, entry);
            long length = Descriptors.length(word);
            int flags = SplitLayout.flags(word);
            boolean leads = !inTable && (flags & Descriptors.DESC_F_INDIRECT) != 0
                    && length >= Descriptors.DESC_SIZE;
            long inner = leads ? guest.translate(address, length) : GuestMemory.UNMAPPED;
            if (inner != GuestMemory.UNMAPPED) {
                inTable = true;
                table = inner;
                entries = length / Descriptors.DESC_SIZE;
                index = 0;
                continue;
            }
            chain.add(new Descriptor(address, length, flags));
            if ((flags & Descriptors.DESC_F_NEXT) == 0) {
                break;
            }
            index = SplitLayout.next(word);
        }
        return chain;
    }
}
