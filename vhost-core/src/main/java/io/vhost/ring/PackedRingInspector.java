package io.vhost.ring;

import io.vhost.memory.GuestMemory;
import io.vhost.state.RingElement;
import io.vhost.state.RingElement.Descriptor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Reads single elements of a packed ring for diagnostics. Thread: the holder of the queue's lock. */
final class PackedRingInspector {
    /** Descriptors that are followed: the lock is held meanwhile. */
    private static final int MOST = 256;

    private PackedRingInspector() {}

    static RingElement element(GuestMemory guest, RingAddresses addresses, int size, int position) {
        MemorySegment memory = guest.window();
        int driver = PackedLayout.event(memory, addresses.avail());
        int device = PackedLayout.event(memory, addresses.used());
        List<Descriptor> chain = new ArrayList<>();
        int id = chain(guest, addresses.desc(), size, PackedLayout.position(position) % size, chain);
        return new RingElement(
                id,
                chain,
                PackedLayout.eventFlags(driver),
                PackedLayout.eventOffWrap(driver),
                PackedLayout.eventFlags(device),
                PackedLayout.eventOffWrap(device));
    }

    /** Adds the descriptors of a chain; the buffer id of the last in the ring that was looked at. */
    private static int chain(GuestMemory guest, long desc, int size, int head, List<Descriptor> chain) {
        MemorySegment memory = guest.window();
        int position = head;
        while (true) {
            long entry = desc + (long) Descriptors.DESC_SIZE * position;
            long address = Descriptors.address(memory, entry);
            long word = Descriptors.word(memory, entry);
            long length = Descriptors.length(word);
            int flags = PackedLayout.flags(word);
            boolean leads = (flags & Descriptors.DESC_F_INDIRECT) != 0 && length >= Descriptors.DESC_SIZE;
            long table = leads ? guest.translate(address, length) : GuestMemory.UNMAPPED;
            if (table == GuestMemory.UNMAPPED) {
                chain.add(new Descriptor(address, length, flags));
            } else {
                table(memory, table, length / Descriptors.DESC_SIZE, chain);
            }
            if (table != GuestMemory.UNMAPPED || (flags & Descriptors.DESC_F_NEXT) == 0
                    || chain.size() >= Math.min(size, MOST)) {
                return PackedLayout.id(word);
            }
            position = position + 1 == size ? 0 : position + 1;
        }
    }

    private static void table(MemorySegment memory, long table, long entries, List<Descriptor> chain) {
        for (long i = 0; i < entries && chain.size() < MOST; i++) {
            long entry = table + Descriptors.DESC_SIZE * i;
            long word = Descriptors.word(memory, entry);
            long address = Descriptors.address(memory, entry);
            chain.add(new Descriptor(address, Descriptors.length(word), PackedLayout.flags(word)));
        }
    }
}
