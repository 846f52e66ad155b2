package io.vhost.state;

/**
 * One entry of a memory table, as received: nothing about it is checked yet. All values are unsigned.
 *
 * @param guestAddress where it begins in the guest
 * @param userAddress where it begins in the front-end's process
 * @param size bytes
 * @param fileOffset where it begins in the file that came with it
 */
public record MemoryRegion(long guestAddress, long userAddress, long size, long fileOffset) {
    /** {@return the values in hexadecimal} */
    @Override
    public String toString() {
        return "[guest=0x" + Long.toHexString(guestAddress) + " user=0x" + Long.toHexString(userAddress)
                + " size=0x" + Long.toHexString(size) + " offset=0x" + Long.toHexString(fileOffset) + "]";
    }
}
