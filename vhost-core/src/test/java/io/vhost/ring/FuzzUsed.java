package io.vhost.ring;

import io.vhost.state.RingPositions;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * What a driver must see of chains that are given back, read and written without the code of the ring
 * (virtio 1.2, 2.7.8 and 2.8.6). Made before they are, checked afterwards.
 */
final class FuzzUsed {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

    private final MemorySegment memory;
    private final RingAddresses addresses;
    private final RingFormat format;
    private final int size;
    private final DeviceRing device;
    private final RingPositions before;
    /** Of each chain: id, length written, descriptors in the ring. */
    private final List<int[]> expected = new ArrayList<>();
    private int descriptors;

    FuzzUsed(MemorySegment memory, RingAddresses addresses, RingFormat format, int size, DeviceRing device) {
        this.memory = memory;
        this.addresses = addresses;
        this.format = format;
        this.size = size;
        this.device = device;
        before = device.positions();
    }

    void expect(ChainBatch batch, boolean inOrder) {
        int count = batch.chains();
        descriptors = batch.descriptors(0, count);
        if (format == RingFormat.PACKED && inOrder && count > 1 && batch.isOneWay(false)) {
            // One for all, in the place of the first.
            expected.add(new int[] {batch.id(count - 1), 0, descriptors});
            return;
        }
        for (int i = 0; i < count; i++) {
            expected.add(new int[] {batch.id(i), batch.written(i), batch.descriptors[i]});
        }
    }

    void expect(ChainsInFlight chains, List<Integer> order) {
        for (int id : order) {
            expected.add(new int[] {id, chains.written[id], chains.descriptors[id]});
            descriptors += chains.descriptors[id];
        }
    }

    void check() {
        RingPositions after = device.positions();
        FuzzTarget.require(after.inUse() == before.inUse() - descriptors,
                "in use before " + before + ", after " + after);
        if (format == RingFormat.SPLIT) {
            checkSplit();
        } else {
            checkPacked(after);
        }
    }

    private void checkSplit() {
        int at = before.nextUsed();
        for (int[] chain : expected) {
            long element = addresses.used() + 4 + 8L * (at & (size - 1));
            FuzzTarget.require(
                    memory.get(INT, element) == chain[0] && memory.get(INT, element + 4) == chain[1],
                    "used element " + at);
            at = (at + 1) & 0xFFFF;
        }
        FuzzTarget.require((memory.get(SHORT, addresses.used() + 2) & 0xFFFF) == at || expected.isEmpty(),
                "used index");
    }

    private void checkPacked(RingPositions after) {
        int at = before.nextUsed();
        boolean wrap = before.usedWrap();
        for (int[] chain : expected) {
            long desc = addresses.desc() + 16L * at;
            int flags = memory.get(SHORT, desc + 14) & 0x8080;
            FuzzTarget.require(
                    memory.get(INT, desc + 8) == chain[1]
                            && (memory.get(SHORT, desc + 12) & 0xFFFF) == chain[0]
                            && flags == (wrap ? 0x8080 : 0), "used descriptor " + at);
            at += chain[2];
            if (at >= size) {
                at -= size;
                wrap = !wrap;
            }
        }
        FuzzTarget.require(after.nextUsed() == at && after.usedWrap() == wrap, "next used " + after);
    }
}
