package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.DmaEngine;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.memory.DirtyLog;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What holds for each burst, in either direction, whatever the format of the ring, and whoever copies: all
 * tests run once for each of these ways.
 */
@ParameterizedClass(name = "{0}, to the guest: {1}, {2}")
@MethodSource("ways")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BurstContractTest {
    /** Who copies. */
    enum Copies {
        SYNCHRONOUS, INLINE, WORKER
    }

    private static final int RING = 8;
    private static final int HEADER = NumberedPackets.HEADER;
    private static final int AREA = NumberedPackets.AREA;
    private static final int[] LENGTHS = {1, 14, 60, 255, 256, 257, 1500};

    @Parameter(0)
    private RingFormat format;
    @Parameter(1)
    private boolean toGuest;
    @Parameter(2)
    private Copies copies;

    private final DmaRegistry registry = new DmaRegistry();
    private final PacketPool pool = PacketPool.create(256, PacketPool.DEFAULT_HEADROOM + 2048);
    private DmaChannel channel;
    private TestGuest guest;
    private TestQueue end;
    private VirtQueue queue;
    private int index;
    private NumberedPackets packets;
    /** Number of the next packet that the guest offers a chain for. */
    private int offered;

    static Stream<Arguments> ways() {
        return Stream.of(RingFormat.values()).flatMap(format -> Stream.of(true, false).flatMap(toGuest ->
                Stream.of(Copies.values()).map(copies -> Arguments.of(format, toGuest, copies))));
    }

    @BeforeEach
    void start() throws ControlException {
        long features = format == RingFormat.PACKED ? TestGuest.PACKED : TestGuest.MODERN;
        if (copies == Copies.SYNCHRONOUS) {
            guest = new TestGuest(features, RING, 1);
            guest.start();
        } else {
            DmaEngine engine = copies == Copies.INLINE ? new InlineDmaEngine() : new WorkerDmaEngine("test");
            channel = registry.configure("test", engine);
            guest = TestGuest.asynchronous(features, RING, registry);
        }
        index = toGuest ? 0 : 1;
        end = guest.queues.get(index);
        queue = end.queue;
        packets = new NumberedPackets(guest, end, pool, channel, BurstContractTest::length);
        if (channel != null) {
            queue.registerAsync();
        }
    }

    @AfterEach
    void nothingIsLeft() {
        assertEquals(0, guest.holds());
        guest.close();
        assertEquals(0, pool.outstanding(), "packets that are missing");
        pool.close();
        registry.close();
    }

    private static int length(int number) {
        return LENGTHS[number % LENGTHS.length];
    }

    private static long area(int number) {
        return NumberedPackets.area(number);
    }

    /** The guest offers a chain for each of the next packets: with the packet in it, or with room for it. */
    private void offer(int count) {
        for (int i = 0; i < count; i++) {
            int number = offered++;
            int whole = toGuest ? AREA : HEADER + length(number);
            if (!toGuest) {
                guest.put(area(number), packets.frame(number));
            }
            assertTrue(end.ring.offer(
                    number % NumberedPackets.AREAS, TestGuest.GUEST + area(number), whole, toGuest));
            end.ring.publish();
        }
    }

    /** Moves up to {@code most} packets, and waits for the copies; how many were moved. */
    private int move(int most) {
        int done = 0;
        int count;
        do {
            count = packets.move(most - done);
            packets.finish();
            done += count;
        } while (done < most && channel != null && !toGuest && (count > 0 || queue.getInflight() > 0));
        return done;
    }

    private int collect() {
        return packets.collect();
    }

    private long counted(Counter counter) {
        return queue.counters().get(counter);
    }

    @Test
    void packetsOfAllLengthsPassUnchangedInOrderAndAreCounted() {
        long bytes = 0;
        for (int round = 0; round < 100; round++) {
            int count = 1 + round % RING;
            offer(count);
            assertEquals(count, move(count));
            assertEquals(count, collect());
        }
        for (int number = 0; number < packets.moved(); number++) {
            bytes += length(number);
        }
        assertEquals(packets.moved(), counted(Counter.PACKETS));
        assertEquals(bytes, counted(Counter.BYTES));
    }

    @Test
    void aBurstMovesWhatThereIsAndNoMore() {
        assertEquals(0, move(4));
        for (int there : new int[] {1, RING - 1, RING}) {
            offer(there);
            assertEquals(there, move(RING + 1));
            assertEquals(0, move(1));
            assertEquals(there, collect());
        }
    }

    @Test
    void aBurstLeavesWhatIsNotAskedFor() {
        offer(RING);
        assertEquals(3, move(3));
        assertEquals(RING - 3, move(RING));
        assertEquals(RING, collect());
    }

    @Test
    void aQueueThatIsStoppedMovesNothingAndGoesOnWhereItWas() throws ControlException {
        for (int lap = 0; lap < 2 * RING + 1; lap++) {
            offer(1);
            assertEquals(1, move(1));
            int base = guest.control.stopRing(index);
            assertEquals(end.baseAfter(packets.moved()), base);
            offer(2);
            assertEquals(0, move(4));
            guest.control.ringBase(index, base);
            guest.control.kick(index, end.kick.descriptor().duplicate());
            assertEquals(2, move(4));
            assertEquals(3, collect());
        }
    }

    @Test
    void aQueueThatIsDisabledMovesNothing() throws ControlException {
        offer(2);
        guest.control.enable(index, false);
        assertEquals(0, move(2));
        guest.control.enable(index, true);
        assertEquals(2, move(2));
        assertEquals(2, collect());
    }

    @Test
    void aChainOutsideTheMemoryFencesItsQueueAlone() throws ControlException {
        offer(2);
        assertTrue(end.ring.offer(0, 0xDEAD_0000L, AREA, toGuest));
        end.ring.publish();
        offer(1);
        assertEquals(2, move(4));
        assertEquals(2, collect());
        assertFalse(queue.isRunning());
        assertEquals(RingViolation.BUFFER_UNMAPPED, queue.violation());
        assertEquals(1, queue.counters().get(RingViolation.BUFFER_UNMAPPED));
        assertEquals(1, end.error.drain());
        assertEquals(0, move(4));
        assertTrue(guest.queues.get(1 - index).queue.isRunning());
        assertFalse(guest.device.isFailed());

        guest.control.stopRing(index);
        guest.control.ringBase(index, format.start());
        end.newRing();
        guest.control.kick(index, end.kick.descriptor().duplicate());
        offered = packets.moved();
        offer(1);
        assertEquals(1, move(4));
        assertEquals(1, collect());
    }

    @Test
    void aGuestIsInterruptedWhenItWantsToBe() {
        end.ring.enableInterrupts();
        offer(4);
        assertEquals(4, move(4));
        assertTrue(end.call.drain() > 0);
        assertEquals(4, collect());
        end.ring.disableInterrupts();
        offer(4);
        assertEquals(4, move(4));
        assertEquals(0, end.call.drain());
        assertEquals(4, collect());
    }

    @Test
    void whatTheDeviceWritesIsMarkedAndNothingElse() throws ControlException {
        try (MarkedPages marks = new MarkedPages()) {
            guest.control.memory().dirtyLog(marks.file(), 0, MarkedPages.LOG_SIZE);
            guest.control.features(guest.features | Feature.VHOST_F_LOG_ALL.mask());
            MarkedPages.logDeviceAreas(guest);
            for (int round = 0; round < 3 * RING; round++) {
                offer(5);
                marks.take();
                byte[] before = MarkedPages.snapshot(guest);
                Set<Long> buffers = new TreeSet<>();
                for (int number = packets.moved(); toGuest && number < packets.moved() + 5; number++) {
                    buffers.addAll(MarkedPages.of(area(number), HEADER + length(number)));
                }
                assertEquals(5, move(5));
                Set<Long> marked = marks.take();
                Set<Long> changed = MarkedPages.changed(before, MarkedPages.snapshot(guest));
                assertTrue(marked.containsAll(changed), () -> changed + " changed, marked are " + marked);
                marked.removeIf(page -> page < TestGuest.BUFFERS / DirtyLog.PAGE);
                assertEquals(buffers, marked);
                assertEquals(5, collect());
            }
        }
    }

    /** In the interpreter, and in compiled code, where the error arrives later than the access. */
    @ParameterizedTest
    @ValueSource(ints = {0, 10_000})
    void memoryThatIsGoneFailsTheDeviceAndTheCallerGoesOn(int warmUp) {
        for (int i = 0; i < warmUp; i++) {
            offer(2);
            assertEquals(2, move(2));
            assertEquals(2, collect());
        }
        offer(RING);
        guest.truncate();
        int before = packets.moved();
        move(4);
        move(4);
        assertTrue(guest.device.isFailed());
        assertFalse(queue.isRunning());
        assertEquals(RingViolation.MEMORY_LOST, queue.violation());
        assertEquals(before, packets.moved(), "nothing was moved");
        for (RingViolation violation : RingViolation.values()) {
            assertEquals(violation == RingViolation.MEMORY_LOST ? 1 : 0, queue.counters().get(violation),
                    violation.name());
        }
        assertEquals(1, end.error.drain());
    }
}
