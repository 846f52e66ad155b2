/**
 * Guest memory as the device sees it.
 *
 * <p>A front-end describes its memory as a table of regions. Each has an address in the guest, which
 * descriptors use, and an address in the front-end's own process, which ring addresses use. All regions of
 * one table are mapped into one window of our address space, and everything that belongs to the guest is
 * addressed as an offset in that window:
 *
 * <pre>
 *   guest    |  region 0  |     hole     |  region 1  |
 *             \            \            /            /
 *   window     |  region 0  |  region 1  |               one MemorySegment
 * </pre>
 *
 * <p>That makes two walls. Translation refuses every address and length that the table does not cover. Should
 * it ever be wrong, the bounds of the segment confine the access to memory of the same guest.
 *
 * <p>How the classes fit: {@link io.vhost.state.MemoryRegion} is an entry as it was received.
 * {@link io.vhost.memory.GuestMemory} is a table, checked and mapped; it never changes, and a new table is a
 * new object. {@link io.vhost.memory.AddressTranslator} stands before it on the packet path.
 *
 * <h2>Conventions</h2>
 * <ul>
 * <li>Guest and user addresses are unsigned 64-bit numbers in a {@code long}; nothing says that they are
 *     below 2^63. Window offsets are not negative.
 * <li>Lengths are bytes and at least 1. A range that wraps around 2^64 lies in no region.
 * <li>"Nowhere" is {@link io.vhost.memory.GuestMemory#UNMAPPED}. A guest's mistake is not an exception.
 * </ul>
 *
 * <p>This package is not exported.
 */
package io.vhost.memory;
