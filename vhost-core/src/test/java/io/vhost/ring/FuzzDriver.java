package io.vhost.ring;

import io.vhost.state.RingPositions;
import io.vhost.testing.FuzzInput;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The driver of {@link FuzzTarget}: writes descriptors, tables and indexes, good ones and others. */
final class FuzzDriver {
    /** Where indirect tables lie; the second is across the border of two regions. */
    static final long TABLE = GuestWindow.NEXT - 0x40 - 0x400;
    static final long TABLE_STRIDE = 0x400;
    /** Up to the border, which is no place for a table. */
    static final int TABLE_BYTES = 0x40;

    private static final int NEXT = Descriptors.DESC_F_NEXT;
    private static final int WRITE = Descriptors.DESC_F_WRITE;
    private static final int INDIRECT = Descriptors.DESC_F_INDIRECT;
    private static final int TABLE_ENTRIES = 4;

    private final FuzzInput input;
    private final GuestWindow window;
    private final MemorySegment memory;
    private final RingAddresses addresses;
    private final RingFormat format;
    private final int size;
    private final int direction;
    private int availIdx;
    private int position;
    private boolean wrap = true;

    FuzzDriver(FuzzInput input, GuestWindow window, RingAddresses addresses, RingFormat format, int size,
            boolean deviceWrites) {
        this.input = input;
        this.window = window;
        this.memory = window.segment;
        this.addresses = addresses;
        this.format = format;
        this.size = size;
        this.direction = deviceWrites ? WRITE : 0;
    }

    /** One of eleven. */
    void step(int step, RingPositions device) {
        switch (step) {
            case 0, 1, 2 -> offerGood();
            case 3, 4 -> offer();
            case 5 -> offerChain();
            case 6 -> desc(input.below(size), input.next16());
            case 7 -> tableDesc();
            case 8 -> poke();
            case 9 -> event();
            default -> follow(device);
        }
    }

    /** Mostly small, and what is next to a limit otherwise. */
    static int number(FuzzInput input, int size) {
        int choice = input.next();
        return choice < 160 ? choice % (size + 2) : choice < 200 ? size - choice + 180 : input.next16();
    }

    private long address() {
        int choice = input.next();
        return choice < 160 ? GuestWindow.BUFFERS + 64L * choice : switch (choice % 12) {
            case 0 -> GuestWindow.MAIN + input.next();
            case 1 -> GuestWindow.NEXT - input.next();
            case 2 -> GuestWindow.HOLE - input.next();
            case 3 -> GuestWindow.HOLE;
            case 4 -> GuestWindow.FAR;
            case 5 -> GuestWindow.FAR + GuestWindow.FAR_SIZE - input.next();
            case 6 -> -1L - input.next();
            case 7 -> 0;
            case 8 -> TABLE;
            case 9 -> TABLE + TABLE_STRIDE;
            case 10 -> GuestWindow.MAIN - 1;
            default -> input.next64();
        };
    }

    private int length() {
        int choice = input.next();
        return choice < 160 ? 1 + choice : switch (choice % 8) {
            case 0 -> 0;
            case 1 -> -1;
            case 2 -> Integer.MIN_VALUE;
            case 3 -> Integer.MAX_VALUE;
            case 4 -> (int) GuestWindow.NEXT_SIZE;
            case 5 -> 16 * input.below(TABLE_ENTRIES + 2);
            case 6 -> (int) GuestWindow.MAIN_SIZE + input.next();
            default -> input.next32();
        };
    }

    private int flags() {
        int choice = input.next();
        return choice < 100 ? direction : choice < 140 ? direction | NEXT
                : choice < 170 ? INDIRECT : choice < 190 ? WRITE : choice & 0xF;
    }

    /** A chain of one buffer as it should be. */
    private void offerGood() {
        int place = input.next();
        show(place % size, GuestWindow.BUFFERS + 64L * place, 1 + place, direction, place % size, true);
    }

    private void offer() {
        show(input.below(size), address(), length(), flags(), number(input, size), true);
    }

    /** Some continued descriptors and a last one; all but the first are there before it is. */
    private void offerChain() {
        int count = 1 + input.below(size);
        int first = input.below(size);
        int begin = position;
        for (int i = 0; i < count; i++) {
            boolean last = i == count - 1;
            boolean odd = input.rarely();
            long address = odd ? address() : GuestWindow.BUFFERS + 64L * i;
            int length = odd ? length() : 16;
            int flags = direction | (last ? 0 : NEXT);
            int next = (first + i + 1) % size;
            if (format == RingFormat.SPLIT) {
                put(first + i, address, SplitLayout.word(length, flags, next));
            } else {
                show(0, address, length, flags, begin % size, false);
            }
        }
        if (format == RingFormat.SPLIT) {
            offerHead(first);
        }
    }

    private void show(int index, long address, int length, int flags, int other, boolean offered) {
        if (format == RingFormat.SPLIT) {
            put(index, address, SplitLayout.word(length, flags, other));
            if (offered) {
                offerHead(index);
            }
            return;
        }
        put(position, address, PackedLayout.word(length, other, flags | PackedLayout.availFlags(wrap)));
        if (++position >= size) {
            position = 0;
            wrap = !wrap;
        }
    }

    private void put(int index, long address, long word) {
        Descriptors.put(memory, addresses.desc() + 16L * (index % size), address, word);
    }

    private void offerHead(int head) {
        SplitLayout.availEntry(memory, addresses.avail(), availIdx & (size - 1), head);
        availIdx++;
        SplitLayout.availIdxRelease(memory, addresses.avail(), availIdx);
    }

    private void desc(int index, int wrapFlags) {
        int other = number(input, size);
        long word = format == RingFormat.SPLIT ? SplitLayout.word(length(), flags(), other)
                : PackedLayout.word(length(), other, flags() | (wrapFlags & 0x8080));
        put(index, address(), word);
    }

    private void tableDesc() {
        int choice = input.next();
        long table = TABLE + (choice & 1) * TABLE_STRIDE;
        int index = (choice >> 1) % TABLE_ENTRIES;
        long word = format == RingFormat.SPLIT ? SplitLayout.word(length(), flags(), number(input, 4))
                : PackedLayout.word(length(), number(input, 4), flags());
        Descriptors.put(memory, window.offset(table) + 16L * index, address(), word);
    }

    private void poke() {
        if (format == RingFormat.SPLIT && input.next() < 128) {
            availIdx = input.next() < 200 ? availIdx + number(input, size) : input.next16();
            SplitLayout.availIdxRelease(memory, addresses.avail(), availIdx);
            return;
        }
        long end = addresses.used() + format.deviceBytes(size);
        long at = input.next16() % (end / 2) * 2;
        memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) number(input, size));
    }

    private void event() {
        if (format == RingFormat.SPLIT) {
            SplitLayout.availFlags(memory, addresses.avail(), input.next() & 1);
            SplitLayout.usedEvent(memory, addresses.avail(), size, availIdx + input.next() - 128);
        } else {
            PackedLayout.event(memory, addresses.avail(), input.next16(), input.next());
        }
    }

    /** Goes where the device is: whatever the driver has done before, it is understood again. */
    private void follow(RingPositions device) {
        position = device.nextAvail() % size;
        wrap = device.availWrap();
        if (format == RingFormat.SPLIT) {
            availIdx = device.nextAvail();
        }
    }
}
