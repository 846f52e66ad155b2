package io.vhost.ring;

import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;

/**
 * Driver side of a virtqueue (virtio 1.2, 2.6), whatever the format.
 *
 * <p>Thread: one at a time. Memory order: {@link #publish} releases what was offered, {@link #poll} acquires
 * what the device has used. Each chain carries a token of the caller's, which comes back when the device has
 * used the chain.
 *
 * <p>The device is trusted no more than a driver is: what it writes is checked, and a device that breaks a
 * rule stops the ring with a {@link RingViolation}.
 */
public abstract sealed class DriverRing permits SplitDriverRing, PackedDriverRing {
    static final int NONE = -1;

    final int size;
    private RingViolation violation;

    DriverRing(int size) {
        this.size = size;
    }

    /** Entries of the ring. */
    public final int size() {
        return size;
    }

    /** Descriptors that are not out with the device, 0 to the ring's size. */
    public abstract int free();

    /** The rule that the device broke, or null. */
    public final RingViolation violation() {
        return violation;
    }

    /** Stops the ring; {@link #NONE}. */
    final int fault(RingViolation fault) {
        violation = fault;
        return NONE;
    }

    /**
     * Offers a chain of one buffer.
     *
     * @param chainToken comes back from {@link #poll}; not negative
     * @param address guest address of the buffer
     * @param length its bytes
     * @param deviceWrites true for a buffer that the device fills
     * @return false when no descriptor is free
     */
    public abstract boolean offer(int chainToken, long address, int length, boolean deviceWrites);

    /**
     * Offers a chain of several buffers, device-readable ones first.
     *
     * @param chainToken comes back from {@link #poll}; not negative
     * @param address guest addresses of the buffers
     * @param length their bytes
     * @param readable how many of them, from the first, the device reads
     * @param total how many there are, at least 1
     * @return false when too few descriptors are free
     * @throws IllegalArgumentException if there is no buffer, or more are readable than there are
     */
    public abstract boolean offer(int chainToken, long[] address, int[] length, int readable, int total);

    /**
     * Offers a chain of several buffers through an indirect table, which takes one descriptor of the ring
     * (virtio 1.2, 2.7.5.3 and 2.8.7). Only where VIRTIO_F_INDIRECT_DESC was negotiated.
     *
     * @param chainToken comes back from {@link #poll}; not negative
     * @param tableOffset where the table goes in the ring's segment, 16 bytes a buffer; the caller leaves it
     *     alone until the chain is back
     * @param tableAddress guest address of the same place
     * @param address guest addresses of the buffers
     * @param length their bytes
     * @param readable how many of them, from the first, the device reads
     * @param total how many there are, at least 1
     * @return false when no descriptor is free
     * @throws IllegalArgumentException if there is no buffer, or more are readable than there are
     */
    public abstract boolean offerIndirect(
            int chainToken,
            long tableOffset,
            long tableAddress,
            long[] address,
            int[] length,
            int readable,
            int total);

    /**
     * Shows all offered chains to the device. Its acquire of what this releases sees the descriptors
     * and the buffers' bytes.
     */
    public abstract void publish();

    /**
     * Whether the device wants a kick for what was published since this was last asked
     * (virtio 1.2, 2.7.13.4 and 2.8.21).
     */
    public abstract boolean needsKick();

    /**
     * Takes the next chain that the device has used.
     *
     * @return its token, or -1 when there is none or {@link #violation} is set
     */
    public abstract int poll();

    /** Bytes that the device wrote into the chain that {@link #poll} gave back last. */
    public abstract int usedLength();

    /** Chains that the device has used and {@link #poll} has not given back; 0 after a {@link #violation}. */
    public abstract int pending();

    /**
     * Where a device begins that comes in place of one which has gone without a word, and has nothing but the
     * ring to go by: behind what that one has used. As vhost-user codes it; of a packed ring, which does not
     * tell, the position of a new one.
     */
    public abstract int successorBase();

    /** Chains with the device, those included that it has used and {@link #poll} has not given back. */
    public abstract int outstanding();

    /**
     * Asks the device for an interrupt when it uses the next chain (virtio 1.2, 2.7.7 and 2.8.10).
     *
     * @return true when used chains are there already: poll them instead of waiting
     */
    public abstract boolean enableInterrupts();

    /** Tells the device that no interrupts are needed. It may still send some: this is a hint. */
    public abstract void disableInterrupts();

    /** {@return the segment of the ring} The device's process has to see it. */
    static MemorySegment requireNative(MemorySegment memory) {
        if (!memory.isNative()) {
            throw new IllegalArgumentException("ring memory must be native, shared with the device");
        }
        return memory;
    }

    /** A chain of nothing would take a descriptor that is still free. */
    static void requireChain(int readable, int total) {
        if (total < 1 || readable < 0 || readable > total) {
            throw new IllegalArgumentException("a chain of total=" + total + " buffers, readable=" + readable
                    + ": offer at least 1, and of them 0 to all readable");
        }
    }

    static long writable(int[] length, int readable, int total) {
        long sum = 0;
        for (int i = readable; i < total; i++) {
            sum += length[i];
        }
        return sum;
    }

    /** Flags of one buffer of a chain, but for those of the format. */
    static int flags(int index, int readable, boolean last) {
        return (index < readable ? 0 : Descriptors.DESC_F_WRITE) | (last ? 0 : Descriptors.DESC_F_NEXT);
    }
}
