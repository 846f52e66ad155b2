package io.vhost.ring;

import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The device side of a packed ring as virtio 1.2, 2.8 describes it, slow and without any code of the ring:
 * positions are counted since the beginning of all, so that place and wrap counter follow by division. What
 * stands in memory is read byte for byte.
 */
final class PackedRingModel {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final long[][] REGIONS = {
        {GuestWindow.MAIN, GuestWindow.MAIN_SIZE},
        {GuestWindow.NEXT, GuestWindow.NEXT_SIZE},
        {GuestWindow.FAR, GuestWindow.FAR_SIZE}};

    /** A chain: id, descriptors in the ring, and window offset, length and direction of each piece. */
    record Chain(int id, int descriptors, List<long[]> pieces) {
        int readable() {
            return (int) pieces.stream().filter(piece -> piece[2] == 0).count();
        }

        long length() {
            return pieces.stream().mapToLong(piece -> piece[1]).sum();
        }
    }

    private final GuestWindow window;
    private final MemorySegment memory;
    private final RingAddresses addresses;
    private final int size;
    private final RingOptions options;

    /** Descriptors since the beginning of all. */
    long taken;
    long used;
    private long asked;
    private boolean askedOnce;
    RingViolation violation;

    // Of the chain that is walked.
    private List<long[]> pieces;
    private long total;
    private boolean writing;

    PackedRingModel(GuestWindow window, RingAddresses addresses, int size, RingOptions options, long at) {
        this.window = window;
        this.memory = window.segment;
        this.addresses = addresses;
        this.size = size;
        this.options = options;
        this.taken = at;
        this.used = at;
        this.asked = at;
    }

    static boolean wrap(long count, int size) {
        return count / size % 2 == 0;
    }

    static int offWrap(long count, int size) {
        return (int) (count % size) + (wrap(count, size) ? 0x8000 : 0);
    }

    private long at(long count) {
        return addresses.desc() + 16 * (count % size);
    }

    private int flags(long desc) {
        return memory.get(SHORT, desc + 14) & 0xFFFF;
    }

    private int id(long desc) {
        return memory.get(SHORT, desc + 12) & 0xFFFF;
    }

    /** 2.8.1: AVAIL equals the driver's wrap counter, USED is its inverse. */
    boolean available() {
        int flags = flags(at(taken));
        boolean wrap = wrap(taken, size);
        boolean there = (flags >> 7 & 1) == (wrap ? 1 : 0) && (flags >> 15 & 1) == (wrap ? 0 : 1);
        if (there && violation == null && taken - used == size) {
            violation = RingViolation.DESCRIPTOR_IN_FLIGHT;
        }
        return there && violation == null;
    }

    List<Chain> gather(int max) {
        List<Chain> chains = new ArrayList<>();
        while (violation == null && chains.size() < max && available()) {
            Chain chain = walk();
            if (chain != null) {
                chains.add(chain);
                taken += chain.descriptors;
            }
        }
        return chains;
    }

    private boolean broken(RingViolation rule) {
        violation = rule;
        return false;
    }

    private Chain walk() {
        pieces = new ArrayList<>();
        total = 0;
        writing = false;
        for (int count = 1; ; count++) {
            long desc = at(taken + count - 1);
            if (!descriptor(desc, count > 1)) {
                return null;
            }
            if ((flags(desc) & 1) == 0) {
                return end(id(desc), count);
            }
            if (count == size - (taken - used)) {
                broken(RingViolation.CHAIN_TOO_LONG);
                return null;
            }
        }
    }

    private Chain end(int id, int descriptors) {
        if (id >= size) {
            broken(RingViolation.BUFFER_ID_OUT_OF_RANGE);
            return null;
        }
        if (total == 0) {
            broken(RingViolation.EMPTY_CHAIN);
            return null;
        }
        return new Chain(id, descriptors, pieces);
    }

    private boolean descriptor(long desc, boolean behindOthers) {
        int flags = flags(desc);
        if ((flags & 4) == 0) {
            return buffer(desc);
        }
        long address = memory.get(LONG, desc);
        long length = memory.get(LONG, desc + 8) & 0xFFFF_FFFFL;
        if (!options.indirect()) {
            return broken(RingViolation.INDIRECT_NOT_NEGOTIATED);
        }
        if (behindOthers || (flags & 1) != 0) {
            return broken(RingViolation.INDIRECT_WITH_NEXT);
        }
        if (length == 0 || length % 16 != 0 || length > 16L * Math.max(size, 1024)) {
            return broken(RingViolation.INDIRECT_TABLE_SIZE);
        }
        long table = window.memory.translate(address, length);
        if (table < 0) {
            return broken(RingViolation.INDIRECT_TABLE_UNMAPPED);
        }
        for (long entry = table; entry < table + length; entry += 16) {
            if ((flags(entry) & 4) != 0) {
                return broken(RingViolation.NESTED_INDIRECT);
            }
            if (!buffer(entry)) {
                return false;
            }
        }
        return true;
    }

    private boolean buffer(long desc) {
        long address = memory.get(LONG, desc);
        long length = memory.get(LONG, desc + 8) & 0xFFFF_FFFFL;
        boolean deviceWrites = (flags(desc) & 2) != 0;
        if (writing && !deviceWrites) {
            return broken(RingViolation.READABLE_AFTER_WRITABLE);
        }
        writing = deviceWrites;
        total += length;
        if (total > 0xFFFF_FFFFL) {
            return broken(RingViolation.CHAIN_TOO_LARGE);
        }
        long done = 0;
        while (done < length) {
            long[] region = regionOf(address + done);
            if (region == null || (address < 0) != (address + length - 1 < 0)) {
                return broken(RingViolation.BUFFER_UNMAPPED);
            }
            long piece = Math.min(length - done, region[0] + region[1] - (address + done));
            pieces.add(new long[] {window.offset(address + done), piece, deviceWrites ? 1 : 0});
            done += piece;
        }
        return true;
    }

    private static long[] regionOf(long address) {
        return Arrays.stream(REGIONS)
                .filter(region -> address >= region[0] && address - region[0] < region[1])
                .findFirst()
                .orElse(null);
    }

    void ungather(List<Chain> chains) {
        for (Chain chain : chains) {
            taken -= chain.descriptors;
        }
    }

    /**
     * Writes into {@code ring}, a copy of the descriptors, what the driver must find: one used descriptor for
     * each chain, where the next chain in used order stands, or for the whole batch one (2.8.9).
     */
    void publish(byte[] ring, List<Chain> chains, int[] written, boolean batch) {
        MemorySegment copy = MemorySegment.ofArray(ring);
        boolean noneWritable =
                chains.stream().allMatch(chain -> chain.readable() == chain.pieces().size());
        if (batch && options.inOrder() && noneWritable && chains.size() > 1) {
            writeUsed(copy, chains.getLast().id(), 0);
            for (Chain chain : chains) {
                used += chain.descriptors;
            }
            return;
        }
        for (int i = 0; i < written.length; i++) {
            writeUsed(copy, chains.get(i).id(), written[i]);
            used += chains.get(i).descriptors;
        }
    }

    /** 2.8.1 and 2.8.4: both flags equal the device's wrap counter, WRITE says that the length counts. */
    private void writeUsed(MemorySegment copy, int id, int written) {
        long desc = 16 * (used % size);
        int flags = (wrap(used, size) ? 0x8080 : 0) | (written == 0 ? 0 : 2);
        copy.set(ValueLayout.JAVA_INT_UNALIGNED, desc + 8, written);
        copy.set(SHORT, desc + 12, (short) id);
        copy.set(SHORT, desc + 14, (short) flags);
    }

    /** 2.8.10: whether the driver's area asks for an interrupt for what was used since the last question. */
    boolean interrupt() {
        int event = memory.get(SHORT, addresses.avail()) & 0xFFFF;
        int flags = memory.get(SHORT, addresses.avail() + 2) & 3;
        long from = Math.max(asked, used - size);
        boolean first = !askedOnce;
        asked = used;
        askedOnce = true;
        if (flags < 2) {
            return flags == 0;
        }
        if (flags == 3 || !options.eventIdx()) {
            violation = violation == null ? RingViolation.EVENT_FLAGS_RESERVED : violation;
            return true;
        }
        if ((event & 0x7FFF) >= size) {
            violation = violation == null ? RingViolation.EVENT_OFFSET_OUT_OF_RANGE : violation;
            return true;
        }
        boolean passed = first;
        for (long count = from; count < used; count++) {
            passed |= offWrap(count, size) == event;
        }
        return passed;
    }
}
