package io.vhost.ring;

import static io.vhost.ring.RawPackedRing.AVAIL;
import static io.vhost.ring.RawPackedRing.INDIRECT;
import static io.vhost.ring.RawPackedRing.LENGTH;
import static io.vhost.ring.RawPackedRing.NEXT;
import static io.vhost.ring.RawPackedRing.USED;
import static io.vhost.ring.RawPackedRing.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.memory.GuestMemory;
import io.vhost.state.MemoryRegion;
import io.vhost.state.RingViolation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Drivers that keep to the form of chains in a packed ring, but not to the rules around them. */
class PackedRingMisuseTest {
    private static final int SIZE = 16;
    private static final long TABLE = GuestWindow.FAR;

    /** Even where memory lies at both ends of the address space, a buffer does not go on at the other end. */
    @Test
    void row11ABufferThatWrapsAroundFromMemoryIntoMemory() {
        MemorySegment window = Arena.ofAuto().allocate(0x2000, 4096);
        GuestMemory memory = GuestMemory.of(window,
                new MemoryRegion(0, 0x7000_0000L, 0x1000, 0),
                new MemoryRegion(-0x1000, 0x8000_0000L, 0x1000, 0x1000));
        PackedRing ring = new PackedRing(memory, new RingAddresses(0, 0x100, 0x200), 4,
                RingSuite.FROM_GUEST, RingFormat.PACKED.start());
        for (int i = 0; i < 2; i++) {
            Descriptors.address(window, 16L * i, -16);
            Descriptors.word(window, 16L * i, PackedLayout.word(16 + i, i, AVAIL));
        }
        ChainBatch batch = new ChainBatch(4);
        assertEquals(1, ring.gather(batch, 4), "the last bytes of all addresses are memory");
        assertEquals(0x1FF0, batch.bufferOffset(0));
        assertEquals(RingViolation.BUFFER_UNMAPPED, ring.violation());
        assertEquals(-16, ring.violationDetail());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 32767, 32768})
    void rows1To3AChainIsAsLongAsTheRingAndNoLonger(int size) {
        RawPackedRing raw = new RawPackedRing(size);
        PackedRing ring = raw.device(RingSuite.FROM_GUEST);
        for (int i = 0; i < size; i++) {
            raw.desc(GuestWindow.BUFFERS, 1, 0, NEXT);
        }
        assertEquals(0, ring.gather(raw.batch, 1));
        assertEquals(RingViolation.CHAIN_TOO_LONG, ring.violation());
        ring = raw.device(RingSuite.FROM_GUEST);
        raw.raw(size - 1, GuestWindow.BUFFERS, 1, size - 1, AVAIL);
        assertEquals(1, ring.gather(raw.batch, 1), "a chain of exactly the ring's size is good");
        assertEquals(size, raw.batch.length(0));
        assertEquals(size - 1, raw.batch.id(0));
        assertEquals(size, ring.positions().inUse());
    }

    /** How long a chain can be depends on what the device holds. */
    @Test
    void row3AChainMayTakeWhatTheDeviceDoesNotHold() {
        for (int held = 1; held < SIZE; held++) {
            for (int extra = 0; extra <= 1; extra++) {
                RawPackedRing raw = new RawPackedRing(SIZE);
                PackedRing ring = raw.device(RingSuite.TO_GUEST);
                raw.offer(held, WRITE);
                assertEquals(held, ring.gather(raw.batch, SIZE));
                for (int i = held; i < SIZE; i++) {
                    raw.desc(GuestWindow.BUFFERS, 1, held, i + 1 < SIZE + extra ? WRITE | NEXT : WRITE);
                }
                assertEquals(1 - extra, ring.gather(raw.batch, SIZE));
                assertEquals(extra == 0 ? null : RingViolation.CHAIN_TOO_LONG, ring.violation());
                assertEquals(extra == 0 ? 0 : held, ring.violationDetail());
                assertEquals(extra == 0 ? SIZE : held, ring.positions().inUse());
            }
        }
    }

    /** A header in k descriptors is the device's business; to the ring it is a chain like any other. */
    @Test
    void row19ManyBuffersOfOneByte() {
        RawPackedRing raw = new RawPackedRing(SIZE);
        PackedRing ring = raw.device(RingSuite.FROM_GUEST);
        for (int i = 0; i < SIZE; i++) {
            raw.desc(GuestWindow.BUFFERS + 2L * i, 1, 0, i == SIZE - 1 ? 0 : NEXT);
        }
        assertEquals(1, ring.gather(raw.batch, 1));
        assertEquals(SIZE, raw.batch.length(0));
        assertEquals(SIZE, raw.batch.endBuffer(0));
    }

    /** Neither of these is available: not yet, or not any more. */
    @Test
    void row21FlagsThatAreNotThoseOfThisLap() {
        for (boolean wrap : new boolean[] {false, true}) {
            for (int flags : new int[] {0, AVAIL | USED, wrap ? USED : AVAIL}) {
                for (int extra : new int[] {0, WRITE, NEXT, INDIRECT, 0x7F78}) {
                    RawPackedRing raw = new RawPackedRing(SIZE);
                    int base = PackedBase.of(PackedLayout.offWrap(5, wrap));
                    PackedRing ring = raw.device(RingSuite.TO_GUEST, base);
                    raw.raw(5, GuestWindow.BUFFERS, LENGTH, 0, flags | extra);
                    assertFalse(ring.hasAvailable());
                    assertEquals(0, ring.gather(raw.batch, SIZE));
                    assertFalse(ring.enableKicks());
                    assertNull(ring.violation());
                }
            }
        }
    }

    /** The ring hands it out, as a split one does; whoever holds chains over time asks for this first. */
    @Test
    void row21And23AnIdOfAChainInFlightIsFoundByWhoeverHoldsTheChain() {
        RawPackedRing raw = new RawPackedRing(4);
        PackedRing ring = raw.device(RingSuite.TO_GUEST);
        ChainsInFlight chains = new ChainsInFlight(4);
        raw.desc(RawPackedRing.buffer(0), LENGTH, 1, WRITE);
        raw.desc(RawPackedRing.buffer(1), LENGTH, 1, WRITE);
        assertEquals(2, ring.gather(raw.batch, 4));
        assertFalse(chains.canTake(raw.batch, 0, 2));
        assertTrue(chains.canTake(raw.batch, 0, 1));
        chains.take(raw.batch, 0, 1);
        assertFalse(chains.canTake(raw.batch, 1, 2));
        ring.keep(raw.batch, 1);
        assertEquals(1, ring.positions().inUse());
        assertEquals(1, ring.gather(raw.batch, 4));
        assertEquals(1, raw.batch.id(0));
        assertNull(ring.violation());
    }

    /** The device holds the whole ring, so that nothing can be offered; something is all the same. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, SIZE})
    void row23ADescriptorOfferedAgainWhileItIsWithTheDevice(int size) {
        for (int start = 0; start < size; start++) {
            for (int look = 0; look < 4; look++) {
                RawPackedRing raw = new RawPackedRing(size);
                raw.start(start, false);
                PackedRing ring =
                        raw.device(RingSuite.FROM_GUEST, PackedBase.of(PackedLayout.offWrap(start, false)));
                raw.offer(size, look == 3 ? 0x100 : 0);
                assertEquals(size, ring.gather(raw.batch, size));
                assertFalse(ring.hasAvailable());
                assertNull(ring.violation());
                raw.desc(RawPackedRing.buffer(0), LENGTH, 0, 0);
                boolean found = switch (look) {
                    case 0 -> ring.hasAvailable();
                    case 1 -> ring.enableKicks();
                    default -> ring.gather(new ChainBatch(size), 1) > 0;
                };
                assertFalse(found);
                assertEquals(RingViolation.DESCRIPTOR_IN_FLIGHT, ring.violation());
                assertEquals(start, ring.violationDetail());
                ring.publish(raw.batch);
                assertEquals(0, ring.positions().inUse(), "what was taken before is given back");
                assertFalse(ring.hasAvailable());
            }
        }
    }

    @Test
    void row22EventsThatMeanNothing() {
        int desc = PackedLayout.EVENT_DESC;
        assertEvent(RingSuite.EVENT_IDX, 0, 3, RingViolation.EVENT_FLAGS_RESERVED, 3);
        assertEvent(RingSuite.EVENT_IDX, 0xFFFF, 0xFFFF, RingViolation.EVENT_FLAGS_RESERVED, 3);
        assertEvent(RingSuite.TO_GUEST, 0, 3, RingViolation.EVENT_FLAGS_RESERVED, 3);
        assertEvent(RingSuite.TO_GUEST, 0, desc, RingViolation.EVENT_FLAGS_RESERVED, 2);
        assertEvent(RingSuite.EVENT_IDX, SIZE, desc, RingViolation.EVENT_OFFSET_OUT_OF_RANGE, SIZE);
        assertEvent(RingSuite.EVENT_IDX, 0x8000 | SIZE, desc, RingViolation.EVENT_OFFSET_OUT_OF_RANGE, SIZE);
        assertEvent(RingSuite.EVENT_IDX, 0xFFFF, desc, RingViolation.EVENT_OFFSET_OUT_OF_RANGE, 0x7FFF);
    }

    private static void assertEvent(
            RingOptions options, int offWrap, int flags, RingViolation violation, int detail) {
        RawPackedRing raw = new RawPackedRing(SIZE);
        PackedRing ring = raw.device(options);
        raw.offer(3, WRITE);
        assertEquals(2, ring.gather(raw.batch, 2));
        ring.publish(raw.batch);
        raw.driverEvent(offWrap, flags);
        assertTrue(ring.needsInterrupt());
        assertEquals(violation, ring.violation());
        assertEquals(detail, ring.violationDetail());
        assertFalse(ring.hasAvailable());
        assertEquals(0, ring.gather(raw.batch, 1));
        assertTrue(raw.isUsed(0, true) && raw.isUsed(1, true), "what was used before stays so");
    }

    /** Two chains of a whole table of empty buffers fill a batch, as two of full buffers would. */
    @Test
    void theWorkOfABurstIsBounded() {
        RawPackedRing raw = new RawPackedRing(SIZE);
        PackedRing ring = raw.device(RingSuite.FROM_GUEST);
        tablesOfEmptyBuffers(raw);
        for (int used = 0; used < SIZE; used += 2) {
            assertEquals(2, ring.gather(raw.batch, Integer.MAX_VALUE));
            assertEquals(used + 2 < SIZE, raw.batch.isFull());
            assertEquals(2, raw.batch.endBuffer(1));
            assertEquals(0, ring.gather(raw.batch, 1));
            ring.publish(raw.batch);
        }
        assertNull(ring.violation());
        assertEquals(SIZE, ring.published());
    }

    private static void tablesOfEmptyBuffers(RawPackedRing raw) {
        for (int i = 0; i < SIZE; i++) {
            raw.desc(TABLE, 1024 * 16, i, INDIRECT);
        }
        for (int i = 0; i < 1024; i++) {
            raw.tableDesc(TABLE, i, GuestWindow.BUFFERS, i == 1023 ? 1 : 0, 0);
        }
    }

    /** Chains that were taken back leave no trace in the batch. */
    @Test
    void emptyBuffersThatWereTakenBackTakeNoRoom() {
        RawPackedRing raw = new RawPackedRing(SIZE);
        PackedRing ring = raw.device(RingSuite.FROM_GUEST);
        tablesOfEmptyBuffers(raw);
        for (int i = 0; i < 5; i++) {
            assertEquals(2, ring.gather(raw.batch, SIZE));
            ring.ungather(raw.batch, 2);
            assertEquals(0, ring.positions().inUse());
        }
        assertNull(ring.violation());
    }

    /** Another thread rewrites everything while bursts run: violations are all that may come of it. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void row20AThreadThatRewritesTheRing(boolean deviceWrites) throws InterruptedException {
        long seed = new Random().nextLong();
        RawPackedRing raw = new RawPackedRing(SIZE);
        AtomicBoolean ended = new AtomicBoolean();
        Thread flipper = Thread.ofPlatform().start(() -> flip(raw, new Random(seed), ended));
        Random random = new Random(seed + 1);
        int violations = 0;
        long chains = 0;
        try {
            while (violations < 1000) {
                int base = PackedBase.of(PackedLayout.offWrap(random.nextInt(SIZE), random.nextBoolean()));
                RingOptions options =
                        new RingOptions(deviceWrites, true, random.nextBoolean(), random.nextBoolean());
                PackedRing ring = raw.device(options, base);
                chains += bursts(raw, ring, random, "seed " + seed);
                violations += ring.violation() == null ? 0 : 1;
            }
        } finally {
            ended.set(true);
            flipper.join();
        }
        assertTrue(chains > 0, "seed " + seed);
    }

    private static long bursts(RawPackedRing raw, PackedRing ring, Random random, String text) {
        ChainsInFlight flight = new ChainsInFlight(SIZE);
        long chains = 0;
        for (int burst = 0; burst < 20 && ring.violation() == null; burst++) {
            int count = ring.gather(raw.batch, 32);
            chains += count;
            checkBatch(raw, text);
            if (random.nextBoolean() && count > 0 && flight.canTake(raw.batch, 0, count)) {
                flight.take(raw.batch, 0, count);
                for (int i = 0; i < count; i++) {
                    flight.giveBack(raw.batch.id(i));
                }
                ring.keep(raw.batch, count);
                ring.publish(flight);
                flight.forgetReturned();
            } else {
                ring.publish(raw.batch);
            }
            assertEquals(0, ring.positions().inUse(), text);
            ring.needsInterrupt();
            ring.enableKicks();
        }
        return chains;
    }

    private static void flip(RawPackedRing raw, Random random, AtomicBoolean ended) {
        long[] addresses = {
            GuestWindow.BUFFERS, GuestWindow.NEXT - 8, GuestWindow.HOLE - 8, GuestWindow.HOLE, -8, TABLE
        };
        int[] lengths = {0, 1, 16, 32, 64, -1, 1024 * 16};
        int[] states = {AVAIL, USED, AVAIL, USED, 0, AVAIL | USED};
        while (!ended.get()) {
            for (int i = 0; i < SIZE; i++) {
                long address = addresses[random.nextInt(random.nextInt(8) == 0 ? addresses.length : 2)];
                int length = lengths[random.nextInt(lengths.length)];
                int flags = random.nextInt(4) == 0 ? random.nextInt(8) : random.nextInt(4);
                int id = random.nextInt(32) == 0 ? SIZE : random.nextInt(SIZE);
                raw.raw(i, address, length, id, flags | states[random.nextInt(states.length)]);
                raw.tableDesc(TABLE, i, address, length, flags);
            }
            int position = random.nextInt(random.nextInt(64) == 0 ? 0x8000 : SIZE);
            raw.driverEvent(PackedLayout.offWrap(position, random.nextBoolean()),
                    random.nextInt(random.nextInt(64) == 0 ? 4 : 3));
        }
    }

    /** Whatever the driver did, ids are the ring's, and buffers are inside the window and add up. */
    private static void checkBatch(RawPackedRing raw, String text) {
        for (int chain = 0; chain < raw.batch.chains(); chain++) {
            long sum = 0;
            for (int i = raw.batch.firstBuffer(chain); i < raw.batch.endBuffer(chain); i++) {
                long end = raw.batch.bufferOffset(i) + raw.batch.bufferLength(i);
                assertTrue(raw.batch.bufferOffset(i) >= 0 && raw.batch.bufferLength(i) > 0, text);
                assertTrue(end <= raw.window.segment.byteSize(), text);
                sum += raw.batch.bufferLength(i);
            }
            assertTrue(raw.batch.id(chain) >= 0 && raw.batch.id(chain) < SIZE, text);
            assertEquals(sum, raw.batch.length(chain), text);
            assertTrue(sum > 0, text);
        }
    }
}
