package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.BurstContractTest.Copies;
import io.vhost.device.RawRing.Piece;
import io.vhost.device.RawRing.Round;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.Stream;

/**
 * One cell of the hostile matrix: a hostile guest with rings of one format, whose packets go one way and are
 * copied in one way, beside a good neighbour that the same thread serves through the same channel.
 */
final class HostileCell implements AutoCloseable {
    private static final int RING = 16;
    private static final int GOOD = 2;

    private final RingFormat format;
    private final int index;
    private final boolean asynchronous;
    private final DmaRegistry registry = new DmaRegistry();
    private final DmaChannel channel;
    private final PacketPool pool = PacketPool.create(64, PacketPool.DEFAULT_HEADROOM + 256);
    private final PacketMover mover;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment before = arena.allocate(TestGuest.SIZE, 64);
    private final TestGuest neighbour;
    private TestGuest guest;
    private boolean eventIdx;
    private RawRing ring;
    private Outcome outcome;
    private List<byte[]> received;
    private int sent;

    HostileCell(RingFormat format, boolean toGuest, Copies copies) throws ControlException {
        this.format = format;
        index = toGuest ? 0 : 1;
        asynchronous = copies != Copies.SYNCHRONOUS;
        channel = registry.configure("hostile cell",
                copies == Copies.WORKER ? new WorkerDmaEngine("hostile cell") : new InlineDmaEngine());
        mover = new PacketMover(pool, copies, channel);
        neighbour = open(false);
    }

    private TestGuest open(boolean withEventIdx) throws ControlException {
        long features = format == RingFormat.PACKED ? TestGuest.PACKED : TestGuest.MODERN;
        TestGuest fresh = TestGuest.asynchronous(
                features | (withEventIdx ? Feature.VIRTIO_F_EVENT_IDX.mask() : 0), RING, registry);
        if (asynchronous) {
            fresh.queues.forEach(queue -> queue.queue.registerAsync());
        }
        return fresh;
    }

    private TestQueue end() {
        return guest.queues.get(index);
    }

    private VirtQueue queue() {
        return end().queue;
    }

    /** One round of an act, with everything that must hold of it, and the restart after it. */
    void play(HostileAct act, Round round) throws ControlException {
        if (guest == null || eventIdx != act.eventIdx()) {
            closeGuest();
            eventIdx = act.eventIdx();
            guest = open(eventIdx);
            guest.memory.asSlice(TestGuest.BUFFERS).fill((byte) 0x5A);
        }
        mover.pass(neighbour);
        ring = new RawRing(guest, end(), round, asynchronous);
        wishInterrupts(round != Round.ALONE);
        drain();
        received = List.of();
        sent = 0;
        if (round != Round.ALONE) {
            ring.good();
            ring.good();
        }
        int early = 0;
        if (round == Round.LATER) {
            keepMemory();
            move();
            early = GOOD;
            assertEquals(GOOD, moved());
            assertTrue(end().call.drain() > 0);
            ring.allReturned();
        }
        long packets = queue().counters().get(Counter.PACKETS);
        outcome = act.deed().on(ring);
        drainCallUnlessFull();
        expect(packets, early);
        mover.pass(neighbour);
        leave();
    }

    private void expect(long packetsBefore, int early) {
        long droppedBefore = outcome.dropped() == null ? 0 : queue().counters().get(outcome.dropped());
        long interruptsBefore = queue().counters().get(Counter.INTERRUPTS);
        long violationsBefore = violations();
        if (outcome.violation() != RingViolation.MEMORY_LOST) {
            keepMemory();
        }
        move();
        boolean same = ring.round == Round.SAME_BURST && outcome.goodAreServed();
        int served = outcome.served() + (same ? GOOD : 0);
        int used = outcome.used() + (same ? GOOD : 0);
        assertEquals(early + served, moved(), "packets that were moved");
        assertEquals(served, queue().counters().get(Counter.PACKETS) - packetsBefore);
        assertEquals(0, pool.outstanding());
        assertEquals(0, guest.holds());
        assertFence(violationsBefore);
        if (outcome.dropped() != null) {
            assertEquals(1, queue().counters().get(outcome.dropped()) - droppedBefore);
        }
        boolean due = outcome.interrupts() == null ? ring.round != Round.ALONE && used > 0
                : outcome.interrupts();
        assertEquals(due, queue().counters().get(Counter.INTERRUPTS) > interruptsBefore, "interrupts");
        assertEquals(due || ring.callIsFull, end().call.drain() > 0, "the call eventfd");
        if (outcome.violation() != RingViolation.MEMORY_LOST) {
            assertPackets(early + served, early + used);
            assertNothingElseWritten(early + used);
        }
    }

    private void assertFence(long violationsBefore) {
        RingViolation violation = outcome.violation();
        assertEquals(violation, queue().violation());
        assertEquals(violation == null, queue().isRunning());
        assertEquals(violation == null ? 0 : 1, violations() - violationsBefore);
        assertEquals(violation == null ? 0 : 1, end().error.drain());
        boolean lost = violation == RingViolation.MEMORY_LOST;
        assertEquals(lost, guest.device.isFailed());
        int before = moved();
        move();
        assertEquals(before, moved(), "a burst more");
        if (!lost) {
            assertTrue(guest.queues.get(1 - index).queue.isRunning());
            assertEquals(0, end().error.drain());
        }
    }

    private long violations() {
        long sum = 0;
        for (RingViolation violation : RingViolation.values()) {
            sum += queue().counters().get(violation);
        }
        return sum;
    }

    private void move() {
        if (ring.toGuest) {
            sent += mover.send(queue(), sent);
        } else {
            List<byte[]> more = mover.receive(queue());
            received = received.isEmpty() ? more
                    : Stream.concat(received.stream(), more.stream()).toList();
        }
    }

    private int moved() {
        return ring.toGuest ? sent : received.size();
    }

    /** What arrived is what was sent, in its order. */
    private void assertPackets(int packets, int used) {
        if (!ring.toGuest) {
            for (int i = 0; i < packets; i++) {
                assertArrayEquals(TestGuest.pattern(RawRing.PAYLOAD, ring.frames.get(i)), received.get(i));
            }
            return;
        }
        int chain = 0;
        for (int i = 0; i < packets && !ring.overlapping; i++) {
            byte[] frame = new byte[0];
            int first = chain;
            while (frame.length < RawRing.FRAME) {
                frame = TestGuest.join(frame, content(chain++, RawRing.FRAME - frame.length));
            }
            byte[] header = new byte[RawRing.HEADER];
            header[10] = (byte) (chain - first);
            assertArrayEquals(TestGuest.join(header, TestGuest.pattern(RawRing.PAYLOAD, i)), frame);
        }
        assertTrue(ring.overlapping || chain == used);
    }

    private byte[] content(int chain, int most) {
        byte[] content = new byte[0];
        for (Piece piece : ring.chains.get(chain)) {
            int length = (int) Math.min(piece.length(), most - content.length);
            content = TestGuest.join(content, guest.bytes(piece.offset(), length));
        }
        return content;
    }

    private void keepMemory() {
        before.copyFrom(guest.memory);
    }

    /** Blanks what the device may write, and compares the rest. */
    private void assertNothingElseWritten(int used) {
        MemorySegment memory = guest.memory;
        same(end().addresses.used(), format.deviceBytes(RING));
        if (format == RingFormat.PACKED) {
            same(end().addresses.desc(), format.descBytes(RING));
        }
        for (int chain = 0; ring.toGuest && chain < Math.min(used, ring.chains.size()); chain++) {
            int rest = RawRing.FRAME;
            for (Piece piece : ring.chains.get(chain)) {
                int length = (int) Math.min(rest, piece.length());
                same(piece.offset(), length);
                rest -= length;
            }
        }
        long at = before.mismatch(memory);
        assertEquals(-1, at, () -> "a write at offset 0x%x: 0x%x in place of 0x%x".formatted(
                at, memory.get(ValueLayout.JAVA_BYTE, at), before.get(ValueLayout.JAVA_BYTE, at)));
    }

    private void same(long offset, long length) {
        MemorySegment.copy(guest.memory, offset, before, offset, length);
    }

    private void wishInterrupts(boolean wanted) {
        long at = end().addresses.avail() + (format == RingFormat.SPLIT ? 0 : 2);
        guest.memory.set(ValueLayout.JAVA_SHORT, at, (short) (wanted ? 0 : 1));
    }

    private void drain() {
        end().call.drain();
        end().error.drain();
    }

    private void drainCallUnlessFull() {
        if (!ring.callIsFull) {
            end().call.drain();
        }
    }

    /** The front-end stops the ring, finds it where it must be, and starts it again: it works. */
    private void leave() throws ControlException {
        if (outcome.ruined()) {
            closeGuest();
            return;
        }
        boolean same = ring.round == Round.SAME_BURST && outcome.goodAreServed();
        int used = outcome.used() + (same || ring.round == Round.LATER ? GOOD : 0);
        assertEquals(ring.baseAfter(used), guest.control.stopRing(index), "where the ring is");
        restart();
        mover.pass(guest);
        guest.control.stopRing(index);
        restart();
    }

    private void restart() throws ControlException {
        guest.control.ringBase(index, format.start());
        end().newRing();
        guest.control.kick(index, end().kick.descriptor().duplicate());
        assertTrue(queue().isRunning());
        assertNull(queue().violation());
    }

    private void closeGuest() {
        if (guest != null) {
            guest.close();
            guest = null;
        }
    }

    @Override
    public void close() {
        closeGuest();
        neighbour.close();
        assertEquals(0, pool.outstanding());
        assertEquals(0, channel.inFlight());
        pool.close();
        registry.close();
        arena.close();
    }
}
