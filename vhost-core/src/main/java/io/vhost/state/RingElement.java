package io.vhost.state;

import java.util.List;

/**
 * What the driver has offered at one position of a ring, as it stood in guest memory: nothing about it is
 * checked. What the two areas hold depends on the format: in a split ring flags and an index, in a packed one
 * which notifications the area's writer wants (virtio 1.2, 2.8.10).
 *
 * @param head index of the chain's first descriptor, which may lie outside the table; in a packed ring the
 *     chain's buffer id, any 16-bit number
 * @param descriptors of the chain, those of its table if it is indirect; cut off where it is broken or too
 *     long
 * @param availFlags flags of the driver area
 * @param availIdx the driver's index; in a packed ring the position and the wrap counter of its wish
 * @param usedFlags flags of the device area
 * @param usedIdx the device's index; in a packed ring the position and the wrap counter of its wish
 */
public record RingElement(
        int head, List<Descriptor> descriptors, int availFlags, int availIdx, int usedFlags, int usedIdx) {
    /** Takes a copy. */
    public RingElement {
        descriptors = List.copyOf(descriptors);
    }

    /**
     * One descriptor.
     *
     * @param address in the guest, unsigned
     * @param length in bytes, 0 to 2^32-1
     * @param flags as in virtio 1.2, 2.7.5
     */
    public record Descriptor(long address, long length, int flags) {}
}
