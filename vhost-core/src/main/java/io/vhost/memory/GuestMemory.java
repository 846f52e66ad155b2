package io.vhost.memory;

import io.vhost.os.Descriptor;
import io.vhost.os.Mapping;
import io.vhost.os.OsException;
import io.vhost.state.MemoryBacking;
import io.vhost.state.MemoryRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A front-end's memory table, mapped into one window.
 *
 * <p>Thread: any; the table never changes. Its users are counted: the creator is the first, each further one
 * calls {@link #retain}, and when the last calls {@link #release} everything is unmapped. An access to
 * {@link #window} after that is an {@link IllegalStateException}, never a fault.
 *
 * <p>A front-end can truncate a file that is mapped here, unless it could be sealed. Access to the part that
 * is gone is an {@link InternalError}, in compiled code perhaps a little later than the access: who works on
 * a burst of packets catches it around the burst.
 */
public final class GuestMemory {
    /**
     * Most regions of a table. One message has room for 8;
     * a front-end that adds them one by one may need more.
     */
    public static final int MAX_REGIONS = 509;

    /** The window offset of what is not mapped. */
    public static final long UNMAPPED = Span.OUTSIDE;

    private final MemorySegment window;
    private final Mapping mapping; // null if the window is not ours
    private final Runnable unmapped;
    private final List<MemoryRegion> regions;
    private final List<MemoryBacking> backings;
    private final long[] windowOffsets;
    private final Span[] spans;
    private final AtomicInteger users = new AtomicInteger(1);
    /** What was read for the reading's sake, so that the compiler does not leave it out. */
    @SuppressWarnings("UnusedVariable")
    private volatile byte touched;

    private GuestMemory(
            MemorySegment window, Mapping mapping, Runnable unmapped, List<MemoryRegion> regions,
            List<MemoryBacking> backings, long[] windowOffsets) {
        this.window = window;
        this.mapping = mapping;
        this.unmapped = unmapped;
        this.regions = regions;
        this.backings = backings;
        this.windowOffsets = windowOffsets;
        this.spans = Span.of(regions, windowOffsets);
    }

    /**
     * Checks a table and maps it.
     *
     * @param regions 1 to {@link #MAX_REGIONS} regions, in any order
     * @param files the file of each region; taken over, and closed in any case
     * @return the memory, with one user
     * @throws MemoryTableException if the table contradicts itself or its files, or cannot be mapped; nothing
     *     is left behind then
     */
    public static GuestMemory map(List<MemoryRegion> regions, List<Descriptor> files)
            throws MemoryTableException {
        try {
            return map(regions, files, MemoryRules.USUAL, () -> { });
        } finally {
            files.forEach(Descriptor::close);
        }
    }

    /**
     * Checks a table and maps it. Files that can be are sealed against shrinking, so that nothing of them can
     * be taken away while they are mapped. They stay the caller's, who may close them at once.
     *
     * @param regions 1 to {@link #MAX_REGIONS} regions, in any order
     * @param files the file of each region
     * @param rules which files are wanted
     * @param unmapped runs once nothing of the table is mapped any more: on the thread of its last user, or
     *     at once if this fails
     * @return the memory, with one user
     * @throws MemoryTableException as for {@link #map(List, List)}, or for a file that is not wanted
     */
    public static GuestMemory map(
            List<MemoryRegion> regions, List<Descriptor> files, MemoryRules rules, Runnable unmapped)
            throws MemoryTableException {
        try {
            List<RegionFile> table = checkedTable(regions, files);
            List<MemoryBacking> backings = new ArrayList<>();
            for (RegionFile entry : table) {
                backings.add(entry.check(rules));
            }
            return place(table, backings, unmapped);
        } catch (OsException e) {
            unmapped.run();
            throw new MemoryTableException(e);
        } catch (MemoryTableException | RuntimeException | Error e) {
            unmapped.run();
            throw e;
        }
    }

    /**
     * Lays a table over memory of this process, for use without a front-end.
     *
     * @param window native memory; stays the caller's, who also sees to its alignment
     * @param regions at least one; region i begins in the window at its {@code fileOffset}
     * @return the memory, with one user
     * @throws IllegalArgumentException if the window is not native, or the regions overlap in the guest or
     *     exceed the window
     */
    public static GuestMemory of(MemorySegment window, MemoryRegion... regions) {
        if (!window.isNative() || regions.length == 0) {
            throw new IllegalArgumentException("needs a native window and at least one region, has " + window
                    + " and " + regions.length + " regions");
        }
        List<MemoryRegion> sorted =
                Arrays.stream(regions).sorted(RegionRules.BY_GUEST_ADDRESS).toList();
        try {
            RegionRules.check(sorted);
        } catch (MemoryTableException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
        for (MemoryRegion region : sorted) {
            if (region.size() > window.byteSize() - region.fileOffset()) {
                throw new IllegalArgumentException(
                        "region " + region + " exceeds the window of " + window.byteSize() + " bytes");
            }
        }
        long[] offsets = sorted.stream().mapToLong(MemoryRegion::fileOffset).toArray();
        return new GuestMemory(window, null, () -> { }, sorted, List.of(), offsets);
    }

    /** {@return the segment that holds all regions; load it once a burst into a local} */
    public MemorySegment window() {
        return window;
    }

    /** {@return the regions, ascending by guest address} */
    public List<MemoryRegion> regions() {
        return regions;
    }

    /**
     * {@return what the files of the regions are, in their order; empty if there are no files}
     */
    public List<MemoryBacking> backings() {
        return backings;
    }

    /**
     * {@return where a region begins in the window, in bytes}
     *
     * @param region index in {@link #regions}
     */
    public long windowOffset(int region) {
        return windowOffsets[region];
    }

    /**
     * Translates a guest address. {@link AddressTranslator} is faster for many.
     *
     * @param guestAddress where the range begins in the guest, unsigned
     * @param length bytes, at least 1
     * @return the window offset, or {@link #UNMAPPED} if the range is neither inside one region nor inside
     *     several that continue each other in guest, front-end and window
     */
    public long translate(long guestAddress, long length) {
        Span span = spanAt(guestAddress);
        return span.locate(guestAddress - span.guestAddress(), length);
    }

    /**
     * {@return how many bytes from a guest address on can be translated in one piece, 0 if none}
     *
     * @param guestAddress in the guest, unsigned
     */
    public long contiguousLength(long guestAddress) {
        Span span = spanAt(guestAddress);
        return span.remaining(guestAddress - span.guestAddress());
    }

    /**
     * Translates an address of the front-end's own process, as ring addresses are.
     *
     * @param userAddress where the range begins in the front-end's process, unsigned
     * @param length bytes, at least 1
     * @return as for {@link #translate}
     */
    public long translateUser(long userAddress, long length) {
        // Spans may overlap here, so that one which holds the start only must not hide one which holds all.
        for (Span span : spans) {
            long offset = span.locate(userAddress - span.userAddress(), length);
            if (offset != UNMAPPED) {
                return offset;
            }
        }
        return UNMAPPED;
    }

    /**
     * {@return the guest address of what lies at an offset in the window}
     *
     * @param windowOffset inside a region
     * @throws IllegalArgumentException if no region is there
     */
    public long guestAddress(long windowOffset) {
        for (Span span : spans) {
            long distance = windowOffset - span.windowOffset();
            if (distance >= 0 && distance < span.size()) {
                return span.guestAddress() + distance;
            }
        }
        throw new IllegalArgumentException("no region lies at window offset 0x%x".formatted(windowOffset));
    }

    /**
     * Reads the last byte of each region: of a file that is too short now, that is gone in any case.
     *
     * @throws InternalError if one is, in compiled code perhaps later: {@link MemoryFault#surface}
     */
    public void touch() {
        for (int i = 0; i < windowOffsets.length; i++) {
            touched = window.get(ValueLayout.JAVA_BYTE, windowOffsets[i] + regions.get(i).size() - 1);
        }
    }

    /**
     * Whether the guard against truncation found a file truncated and put zeros in its place. Any thread;
     * what the calling thread has touched is known.
     */
    public boolean isReplaced() {
        return mapping != null && mapping.isReplaced();
    }

    /**
     * Adds a user.
     *
     * @throws IllegalStateException if the last one has gone
     */
    public void retain() {
        if (users.getAndUpdate(count -> count == 0 ? 0 : count + 1) == 0) {
            throw new IllegalStateException("guest memory is gone; retain it while it has a user");
        }
    }

    /**
     * Removes a user, who must not touch the window any more. The last one unmaps it.
     *
     * @throws IllegalStateException if there is none left
     */
    public void release() {
        int before = users.getAndUpdate(count -> Math.max(count - 1, 0));
        if (before == 0) {
            throw new IllegalStateException("guest memory is released once too often");
        }
        if (before == 1 && mapping != null) {
            mapping.close();
            unmapped.run();
        }
    }

    /**
     * {@return the span that holds a guest address; if none does, any, whose {@link Span#locate} says so}
     *
     * @param guestAddress in the guest, unsigned
     */
    Span spanAt(long guestAddress) {
        int low = 0;
        int high = spans.length - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (Long.compareUnsigned(spans[middle].guestAddress(), guestAddress) <= 0) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return spans[low];
    }

    private static List<RegionFile> checkedTable(List<MemoryRegion> regions, List<Descriptor> files)
            throws MemoryTableException {
        int count = regions.size();
        if (count < 1 || count > MAX_REGIONS || files.size() != count) {
            throw new MemoryTableException("memory table has " + count + " regions and " + files.size()
                    + " files, must have one file for each of 1 to " + MAX_REGIONS + " regions");
        }
        List<RegionFile> table = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            table.add(new RegionFile(regions.get(i), files.get(i)));
        }
        table.sort(Comparator.comparing(RegionFile::region, RegionRules.BY_GUEST_ADDRESS));
        RegionRules.check(table.stream().map(RegionFile::region).toList());
        for (RegionFile entry : table) {
            RegionRules.checkAlignment(entry.region());
        }
        return table;
    }

    private static GuestMemory place(
            List<RegionFile> table, List<MemoryBacking> backings, Runnable unmapped) {
        List<MemoryRegion> regions = table.stream().map(RegionFile::region).toList();
        long[] blockSizes = backings.stream().mapToLong(MemoryBacking::pageSize).toArray();
        WindowLayout layout = new WindowLayout(regions, blockSizes);
        Mapping mapping = Mapping.reserve(layout.length(), layout.alignment());
        try {
            long[] offsets = new long[regions.size()];
            for (int i = 0; i < offsets.length; i++) {
                MemoryRegion region = regions.get(i);
                Descriptor file = table.get(i).file();
                offsets[i] = mapping.place(layout.place(i), file, region.fileOffset(), region.size());
            }
            return new GuestMemory(
                    mapping.segment(), mapping, unmapped, regions, List.copyOf(backings), offsets);
        } catch (RuntimeException | Error e) {
            mapping.close();
            throw e;
        }
    }
}
