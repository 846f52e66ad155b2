package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.memory.DirtyLog;
import io.vhost.state.RingPositions;
import io.vhost.state.RingViolation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * A driver that keeps the rules for a while and then breaks any of them, also between two calls of one burst,
 * against a model made from the specification. Chains, violations, every byte of the ring, every page of the
 * log and every notification have to be those of the model.
 */
class PackedRingModelTest {
    private static final int NEXT = RawPackedRing.NEXT;
    private static final int WRITE = RawPackedRing.WRITE;
    private static final int INDIRECT = RawPackedRing.INDIRECT;

    /** Those that a driver can break here, which a run has to see. */
    private static final Set<RingViolation> RULES = Collections.unmodifiableSet(EnumSet.of(
            RingViolation.DESCRIPTOR_IN_FLIGHT, RingViolation.CHAIN_TOO_LONG,
            RingViolation.BUFFER_ID_OUT_OF_RANGE, RingViolation.INDIRECT_WITH_NEXT,
            RingViolation.NESTED_INDIRECT, RingViolation.INDIRECT_NOT_NEGOTIATED,
            RingViolation.INDIRECT_TABLE_SIZE, RingViolation.BUFFER_UNMAPPED,
            RingViolation.READABLE_AFTER_WRITABLE, RingViolation.EMPTY_CHAIN, RingViolation.CHAIN_TOO_LARGE,
            RingViolation.EVENT_FLAGS_RESERVED, RingViolation.EVENT_OFFSET_OUT_OF_RANGE));

    private static final long BIT_BYTES = 0x2_0010;
    private static final MemorySegment NO_BITS = Arena.ofAuto().allocate(BIT_BYTES);

    private final MemorySegment bits = Arena.ofAuto().allocate(BIT_BYTES, Long.BYTES);
    private final Set<RingViolation> seen = EnumSet.noneOf(RingViolation.class);
    private final List<PackedRingModel.Chain> flight = new ArrayList<>();
    private final List<Integer> flightWritten = new ArrayList<>();

    private Random random;
    private String text;
    private int size;
    private RingOptions options;
    private RawPackedRing raw;
    private PackedRing ring;
    private PackedRingModel model;
    private ChainsInFlight chains;
    /** Descriptors that the driver laid, since the beginning of all. */
    private long laid;
    private int published;

    @Test
    void theRingIsWhatTheSpecificationSays() {
        long seed = new Random().nextLong();
        // What is rare is waited for: no run may fail by chance.
        for (int round = 0; round < 300 || (round < 20_000 && !seen.containsAll(RULES)); round++) {
            random = new Random(seed + round);
            text = "seed " + (seed + round);
            size = round % 50 == 0 ? 32767 + random.nextInt(2)
                    : 1 + random.nextInt(round % 8 == 0 ? 300 : 12);
            options = new RingOptions(random.nextBoolean(), random.nextInt(8) != 0, random.nextBoolean(),
                    random.nextBoolean());
            // Bursts cross the end of large rings too.
            start(size < 1000 ? random.nextInt(2 * size)
                    : (1 + random.nextInt(2)) * size - random.nextInt(9));
            for (int step = 0; step < 60; step++) {
                step();
            }
        }
        assertTrue(seen.containsAll(RULES), seen + ", seed " + seed);
    }

    private void start(long at) {
        raw = new RawPackedRing(size);
        raw.start((int) (at % size), PackedRingModel.wrap(at, size));
        ring = raw.device(options, PackedRingModel.offWrap(at, size) * 0x1_0001);
        model = new PackedRingModel(raw.window, raw.addresses, size, options, at);
        chains = new ChainsInFlight(size);
        flight.clear();
        flightWritten.clear();
        laid = at;
        published = 0;
        ring.logWrites(DirtyLog.of(bits), DeviceRing.NOT_LOGGED);
        bits.fill((byte) 0);
    }

    private void step() {
        if (ring.violation() != null && flight.isEmpty()) {
            start(model.used);
        }
        offer();
        mischief();
        assertEquals(model.available(), ring.hasAvailable(), text);
        burst();
        giveBack();
        notifications();
        assertPositions();
    }

    private void offer() {
        while (random.nextInt(5) != 0 && laid - model.used < size) {
            int room = (int) (size - (laid - model.used));
            int count = Math.min(room, 1 + (random.nextInt(3) == 0 ? random.nextInt(4) : 0));
            if (random.nextInt(30) == 0) {
                count = room + random.nextInt(2); // as long as can be, and one longer
            }
            lay(count, random.nextInt(count + 1));
        }
    }

    /** A chain, its head last; the first descriptors are readable, or all go the ring's way. */
    private void lay(int count, int readable) {
        boolean mixed = random.nextInt(3) == 0;
        boolean table = count == 1 && random.nextInt(4) == 0 && options.indirect();
        int id = random.nextInt(size);
        for (int i = count - 1; i >= 0; i--) {
            boolean writes = mixed ? i >= readable : options.deviceWrites();
            int flags = (writes ? WRITE : 0) | (i == count - 1 ? 0 : NEXT);
            int anyId = i == count - 1 ? id : random.nextInt(0x1_0000);
            if (table) {
                desc(laid, GuestWindow.FAR + 0x100L * (laid % 64), 16 * table(laid % 64), id, INDIRECT);
            } else {
                desc(laid + i, address(), 1 + random.nextInt(3000), anyId, flags);
            }
        }
        laid += count;
    }

    private int table(long slot) {
        int entries = 1 + random.nextInt(4);
        int readable = random.nextInt(entries + 1);
        for (int i = 0; i < entries; i++) {
            raw.tableDesc(GuestWindow.FAR + 0x100 * slot, i, address(), 1 + random.nextInt(3000),
                    (i < readable ? 0 : WRITE) | (random.nextBoolean() ? NEXT : 0));
        }
        return entries;
    }

    private long address() {
        return random.nextInt(6) == 0 ? GuestWindow.NEXT - random.nextInt(3000)
                : GuestWindow.BUFFERS + random.nextInt(0x10_0000 - 3000);
    }

    private void desc(long count, long address, int length, int id, int flags) {
        int wrapFlags = PackedRingModel.wrap(count, size) ? 0x80 : 0x8000;
        raw.raw((int) (count % size), address, length, id, flags | wrapFlags);
    }

    /** Now and then anything at all, anywhere in the ring, in a table and in the event area. */
    private void mischief() {
        if (random.nextInt(12) != 0) {
            return;
        }
        long[] addresses = {GuestWindow.HOLE - 20, GuestWindow.HOLE, -16, 0, address(), GuestWindow.FAR,
            GuestWindow.FAR + 0xFFF0};
        int[] lengths = {0, 1, 16, 32, 40, -1, -16, 16 * 1025, 200};
        for (int i = random.nextInt(3); i >= 0; i--) {
            long address = addresses[random.nextInt(addresses.length)];
            int length = lengths[random.nextInt(lengths.length)];
            int flags = random.nextInt(16) == 0 ? random.nextInt(0x1_0000) : random.nextInt(8);
            int id = random.nextInt(4) == 0 ? size + random.nextInt(2) : random.nextInt(size);
            if (random.nextInt(3) == 0) {
                raw.tableDesc(GuestWindow.FAR + 0x100L * random.nextInt(64), 0, address, length, flags);
            } else {
                desc(model.taken + random.nextInt(size + 1), address, length, id, flags);
            }
        }
    }

    private byte[] descriptors() {
        return raw.window.segment.asSlice(raw.addresses.desc(), 16L * size + 16)
                .toArray(ValueLayout.JAVA_BYTE);
    }

    private void burst() {
        int max = random.nextInt(size + 2);
        List<PackedRingModel.Chain> expected = new ArrayList<>(model.gather(max));
        assertEquals(expected.size(), ring.gather(raw.batch, max), text);
        assertBatch(expected);
        if (random.nextInt(3) == 0) {
            int left = random.nextInt(expected.size() + 1);
            List<PackedRingModel.Chain> removed = expected.subList(left, expected.size());
            model.ungather(removed);
            ring.ungather(raw.batch, removed.size());
            removed.clear();
            List<PackedRingModel.Chain> again = model.gather(1);
            expected.addAll(again);
            assertEquals(again.size(), ring.gather(raw.batch, 1), text);
            assertBatch(expected);
        }
        mischief();
        int[] written = new int[expected.size()];
        for (int i = 0; i < written.length; i++) {
            written[i] = written(expected.get(i));
            raw.batch.written(i, written[i]);
        }
        if (!flight.isEmpty() || random.nextBoolean()) {
            take(expected, written);
            return;
        }
        byte[] ringBytes = descriptors();
        long from = model.used;
        model.publish(ringBytes, expected, written, true);
        ring.publish(raw.batch);
        published += written.length;
        assertArrayEquals(ringBytes, descriptors(), text);
        assertLog(expected, written, from);
    }

    private int written(PackedRingModel.Chain chain) {
        long writable = chain.pieces().stream()
                .filter(piece -> piece[2] == 1).mapToLong(piece -> piece[1]).sum();
        return random.nextInt(4) == 0 ? 0 : random.nextInt((int) writable + 1);
    }

    /** Leaves in flight what can be, and lets go of the rest. */
    private void take(List<PackedRingModel.Chain> expected, int[] written) {
        int count = 0;
        while (count < written.length && isFree(expected.get(count).id())) {
            assertTrue(chains.canTake(raw.batch, count, count + 1), text);
            assertTrue(chains.hasRoom(raw.batch, count, count + 1), text);
            chains.take(raw.batch, count, count + 1);
            flight.add(expected.get(count));
            flightWritten.add(written[count++]);
        }
        assertEquals(count == written.length, chains.canTake(raw.batch, count, written.length), text);
        model.ungather(expected.subList(count, written.length));
        ring.keep(raw.batch, count);
        assertEquals(flight.size(), chains.count(), text);
    }

    private boolean isFree(int id) {
        return flight.stream().noneMatch(chain -> chain.id() == id);
    }

    private void giveBack() {
        if (flight.isEmpty() || random.nextInt(3) == 0) {
            return;
        }
        long order = random.nextLong();
        Collections.shuffle(flight, new Random(order));
        Collections.shuffle(flightWritten, new Random(order));
        int count = 1 + random.nextInt(flight.size());
        List<PackedRingModel.Chain> back = flight.subList(0, count);
        int[] written = new int[count];
        for (int i = 0; i < count; i++) {
            written[i] = flightWritten.get(i);
            if (random.nextInt(5) == 0) {
                written[i] = 0;
                chains.giveBackEmpty(back.get(i).id());
            } else {
                chains.giveBack(back.get(i).id());
            }
        }
        byte[] ringBytes = descriptors();
        long from = model.used;
        model.publish(ringBytes, back, written, false);
        ring.publish(chains);
        chains.forgetReturned();
        published += count;
        assertArrayEquals(ringBytes, descriptors(), text);
        assertLog(back, written, from);
        back.clear();
        flightWritten.subList(0, count).clear();
        assertEquals(flight.size(), chains.count(), text);
    }

    private void assertBatch(List<PackedRingModel.Chain> expected) {
        assertEquals(model.violation, ring.violation(), text);
        assertEquals(expected.size(), raw.batch.chains(), text);
        int buffer = 0;
        int readable = 0;
        for (int i = 0; i < expected.size(); i++) {
            PackedRingModel.Chain chain = expected.get(i);
            assertEquals(chain.id(), raw.batch.id(i), text);
            assertEquals(chain.descriptors(), raw.batch.descriptors(i, i + 1), text);
            assertEquals(chain.length(), raw.batch.length(i), text);
            assertEquals(buffer, raw.batch.firstBuffer(i), text);
            assertEquals(buffer + chain.readable(), raw.batch.firstWritable(i), text);
            for (long[] piece : chain.pieces()) {
                assertEquals(piece[0], raw.batch.bufferOffset(buffer), text);
                assertEquals(piece[1], raw.batch.bufferLength(buffer++), text);
            }
            assertEquals(buffer, raw.batch.endBuffer(i), text);
            readable += chain.readable();
        }
        assertEquals(readable == 0, raw.batch.isOneWay(true), text);
        assertEquals(readable == buffer, raw.batch.isOneWay(false), text);
    }

    /** All pages of buffers that were written and no others, and those of the ring that were stepped over. */
    private void assertLog(List<PackedRingModel.Chain> back, int[] written, long from) {
        Set<Long> pages = new TreeSet<>();
        for (int i = 0; i < written.length; i++) {
            long rest = written[i];
            for (long[] piece : back.get(i).pieces()) {
                if (piece[2] == 1 && rest > 0) {
                    addPages(pages, guest(piece[0]), Math.min(rest, piece[1]));
                    rest -= piece[1];
                }
            }
        }
        for (long count = from; count < model.used; count++) {
            addPages(pages, GuestWindow.MAIN + 16 * (count % size), 16);
        }
        for (long page : pages) {
            byte eight = bits.get(ValueLayout.JAVA_BYTE, page / Byte.SIZE);
            assertTrue(((eight >> (page % Byte.SIZE)) & 1) != 0, text + ", page " + page);
            bits.set(ValueLayout.JAVA_BYTE, page / Byte.SIZE, (byte) (eight & ~(1 << (page % Byte.SIZE))));
        }
        assertEquals(-1, bits.mismatch(NO_BITS), text);
    }

    private static void addPages(Set<Long> pages, long address, long bytes) {
        for (long page = address / DirtyLog.PAGE; page <= (address + bytes - 1) / DirtyLog.PAGE; page++) {
            pages.add(page);
        }
    }

    private static long guest(long offset) {
        if (offset < GuestWindow.MAIN_SIZE) {
            return GuestWindow.MAIN + offset;
        }
        long far = offset - (GuestWindow.MAIN_SIZE + 0x1_0000 + GuestWindow.NEXT_SIZE);
        return far >= 0 ? GuestWindow.FAR + far : GuestWindow.NEXT + GuestWindow.NEXT_SIZE + far;
    }

    private void notifications() {
        int position = random.nextInt(200) == 0 ? size + random.nextInt(2) : random.nextInt(size);
        long near = model.used + random.nextInt(size + 1);
        int wish = random.nextBoolean() ? PackedRingModel.offWrap(near, size)
                : (position & 0x7FFF) | (random.nextBoolean() ? 0x8000 : 0);
        int flags = random.nextInt(options.eventIdx() ? 3 : 2) | random.nextInt(4) << 2;
        if (random.nextInt(3) == 0) {
            raw.driverEvent(wish, random.nextInt(200) == 0 ? flags | 3 : flags);
        }
        if (random.nextBoolean()) {
            assertEquals(model.interrupt(), ring.needsInterrupt(), text);
            assertEquals(model.violation, ring.violation(), text);
        }
        if (random.nextBoolean()) {
            assertEquals(model.available(), ring.enableKicks(), text);
            int event = PackedRingModel.offWrap(model.taken, size);
            assertEquals(options.eventIdx() ? 0x2_0000 | event : 0, deviceEvent(), text);
        } else {
            ring.disableKicks();
            assertEquals(0x1_0000, deviceEvent(), text);
        }
    }

    private int deviceEvent() {
        return raw.window.segment.get(ValueLayout.JAVA_INT, raw.addresses.used());
    }

    private void assertPositions() {
        if (ring.violation() != null) {
            seen.add(ring.violation());
        }
        RingPositions positions = ring.positions();
        assertEquals(model.violation, ring.violation(), text);
        assertEquals(model.taken % size, positions.nextAvail(), text);
        assertEquals(PackedRingModel.wrap(model.taken, size), positions.availWrap(), text);
        assertEquals(model.used % size, positions.nextUsed(), text);
        assertEquals(PackedRingModel.wrap(model.used, size), positions.usedWrap(), text);
        assertEquals(model.taken - model.used, positions.inUse(), text);
        assertEquals(PackedRingModel.offWrap(model.used, size) * 0x1_0001, ring.base(), text);
        assertEquals(published, ring.published(), text);
    }
}
