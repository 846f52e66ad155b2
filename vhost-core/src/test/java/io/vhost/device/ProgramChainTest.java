package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs of queues, synchronously. The first byte of a packet says what becomes of it. */
class ProgramChainTest extends EachFormat {
    private static final int HEADER = 12;
    private static final int LENGTH = 100;
    /** Decides by the first byte: a number of XDP; the second is the port. */
    private static final PacketProgram BY_FIRST_BYTE = burst -> {
        for (int i = 0; i < burst.count(); i++) {
            Packet packet = burst.packet(i);
            switch (packet.byteAt(0)) {
                case 0 -> burst.abort(i);
                case 1 -> burst.drop(i);
                case 3 -> burst.transmit(i);
                case 4 -> burst.redirect(i, packet.byteAt(1));
                default -> assertEquals(Verdict.PASS, burst.verdict(i));
            }
        }
    };

    private final PacketPool pool = PacketPool.create(256, 2048 + PacketPool.DEFAULT_HEADROOM);
    private final Packet[] packets = new Packet[256];
    private final List<Integer> redirected = new ArrayList<>();
    private int portRoom = Integer.MAX_VALUE;
    private TestGuest guest;

    @BeforeEach
    void start() throws ControlException {
        guest = running();
    }

    @AfterEach
    void nothingIsLeft() {
        guest.close();
        assertEquals(0, pool.outstanding(), "packets that are missing");
        pool.close();
    }

    /** Port 7, which has room for {@link #portRoom} packets; there is no other. */
    private int port(int port, Packet[] sent, int offset, int count) {
        if (port != 7) {
            return PacketPorts.NO_PORT;
        }
        int taken = Math.min(count, portRoom);
        for (int i = offset; i < offset + taken; i++) {
            redirected.add(sent[i].byteAt(2));
            sent[i].release();
        }
        portRoom -= taken;
        return taken;
    }

    private ProgramChain fromGuest() {
        ProgramChain chain = ProgramChain.fromGuest("vm0", 1, this::port);
        guest.fromGuest().queue.programs(chain);
        return chain;
    }

    private ProgramChain toGuest() {
        ProgramChain chain = ProgramChain.toGuest("vm0", 1);
        guest.toGuest().queue.programs(chain);
        return chain;
    }

    private static byte[] payload(int first, int second, int third) {
        byte[] bytes = TestGuest.pattern(LENGTH, third);
        bytes[0] = (byte) first;
        bytes[1] = (byte) second;
        bytes[2] = (byte) third;
        return bytes;
    }

    private void offer(int first, int second, int third) {
        guest.fromGuest().send(TestGuest.join(new byte[HEADER], payload(first, second, third)),
                HEADER + LENGTH);
    }

    private int dequeue() {
        return guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 64);
    }

    private List<Integer> thirds(int from, int to) {
        return IntStream.range(from, to).mapToObj(i -> packets[i].byteAt(2)).toList();
    }

    private void fill(int... firsts) {
        assertEquals(firsts.length, pool.take(packets, 0, firsts.length));
        for (int i = 0; i < firsts.length; i++) {
            packets[i].copyFrom(payload(firsts[i], 0, i), 0, LENGTH);
        }
    }

    @Test
    void eachVerdictFromTheGuestIsCarriedOutAndCounted() {
        ProgramLink link = fromGuest().attach("by first byte", BY_FIRST_BYTE);
        for (int i = 0; i < 5; i++) {
            guest.toGuest().accept(i, HEADER + 200);
        }
        int[] firsts = {2, 1, 3, 4, 0, 2, 4, 3, 9, 1};
        for (int i = 0; i < firsts.length; i++) {
            offer(firsts[i], 7, i);
        }
        assertEquals(3, dequeue());
        assertEquals(List.of(0, 5, 8), thirds(0, 3));
        assertEquals(List.of(3, 6), redirected);
        for (int token = 0; token < 2; token++) {
            guest.toGuest().assertUsed(token, HEADER + LENGTH);
        }
        assertEquals(-1, guest.toGuest().ring.poll());
        assertEquals(List.of(1L, 2L, 3L, 2L, 2L), EnumSet.allOf(Verdict.class).stream().map(link::count)
                .toList());
        assertEquals(10, link.packets());
        assertEquals(10, guest.fromGuest().queue.counters().get(Counter.PACKETS));
        ProgramChain chain = guest.fromGuest().queue.programs();
        assertEquals(0, chain.transmitFailures() + chain.redirectFailures() + chain.noPort());
        assertEquals(3, pool.outstanding());
        assertEquals(0, guest.holds());
        pool.release(packets, 0, 3);
    }

    @Test
    void whatCannotLeaveIsCountedAndPutBack() {
        ProgramChain chain = fromGuest();
        chain.attach("by first byte", BY_FIRST_BYTE);
        guest.toGuest().accept(0, HEADER + 200);
        portRoom = 1;
        offer(3, 0, 0);
        offer(3, 0, 1);
        offer(4, 7, 2);
        offer(4, 7, 3);
        offer(4, 8, 4);
        offer(4, 0, 5);
        assertEquals(0, dequeue());
        assertEquals(1, chain.transmitFailures());
        assertEquals(1, chain.redirectFailures());
        assertEquals(2, chain.noPort());
        assertEquals(List.of(2), redirected);
        assertEquals(0, pool.outstanding());
    }

    @Test
    void aPortThatThrowsLeaksNothing() {
        ProgramChain chain = ProgramChain.fromGuest("vm0", 1, (_, _, _, _) -> {
            throw new IllegalStateException("port");
        });
        guest.fromGuest().queue.programs(chain);
        chain.attach("by first byte", BY_FIRST_BYTE);
        offer(4, 7, 0);
        assertEquals(0, dequeue());
        assertEquals(1, chain.redirectFailures());
        assertEquals(0, pool.outstanding());
    }

    @Test
    void dropsOnTheWayToTheGuestAreDoneWithAndTheRestKeepsItsOrder() {
        ProgramLink link = toGuest().attach("by first byte", BY_FIRST_BYTE);
        for (int i = 0; i < 3; i++) {
            guest.toGuest().accept(i, HEADER + 200);
        }
        fill(2, 1, 2, 0, 2, 3, 2, 1, 2);
        assertEquals(7, guest.toGuest().queue.enqueueBurst(packets, 0, 9));
        assertEquals(List.of(0, 2, 4), thirds(0, 3));
        assertEquals(List.of(6, 8), thirds(7, 9));
        assertEquals(List.of(2L, 2L, 5L, 0L, 0L), EnumSet.allOf(Verdict.class).stream().map(link::count)
                .toList());
        pool.release(packets, 0, 7);
        // Those that found no room come again, and are not asked about again.
        for (int i = 3; i < 6; i++) {
            guest.toGuest().accept(i, HEADER + 200);
        }
        assertEquals(2, guest.toGuest().queue.enqueueBurst(packets, 7, 2));
        assertEquals(9, link.packets());
        // Once sent a packet is like any other.
        assertEquals(1, guest.toGuest().queue.enqueueBurst(packets, 7, 1));
        assertEquals(10, link.packets());
        pool.release(packets, 7, 2);
        assertEquals(0, guest.holds());
    }

    @ParameterizedTest
    @ValueSource(ints = {31, 32, 33, 60})
    void burstsOfAnySizePass(int count) {
        ProgramLink from = fromGuest().attach("by first byte", BY_FIRST_BYTE);
        ProgramLink to = toGuest().attach("by first byte", BY_FIRST_BYTE);
        int passing = 0;
        for (int i = 0; i < count; i++) {
            boolean drops = i % 3 == 0;
            offer(drops ? 1 : 2, 0, i);
            guest.toGuest().accept(i, HEADER + 200);
            passing += drops ? 0 : 1;
        }
        int taken = 0;
        while (from.packets() < count) {
            taken += guest.fromGuest().queue.dequeueBurst(pool, packets, taken, 64);
        }
        assertEquals(passing, taken);
        assertEquals(IntStream.range(0, count).filter(i -> i % 3 != 0).boxed().toList(), thirds(0, taken));
        assertEquals(passing, guest.toGuest().queue.enqueueBurst(packets, 0, taken));
        assertEquals(passing, to.count(Verdict.PASS));
        pool.release(packets, 0, taken);
        assertEquals(count - passing, from.count(Verdict.DROP));
        assertEquals(0, pool.outstanding());
    }

    @Test
    void aProgramIsAskedOnlyAboutWhatTheOneBeforeLetsPass() {
        ProgramChain chain = fromGuest();
        ProgramLink late = chain.attach("late", BY_FIRST_BYTE, 60, EnumSet.of(Verdict.PASS));
        ProgramLink first = chain.attach("first", burst -> {
            for (int i = 0; i < burst.count(); i++) {
                if (burst.packet(i).byteAt(2) % 2 == 0) {
                    burst.drop(i);
                }
            }
        }, 50, EnumSet.of(Verdict.PASS));
        assertEquals(List.of(first, late), chain.links());
        for (int i = 0; i < 6; i++) {
            offer(i == 3 ? 1 : 2, 0, i);
        }
        assertEquals(2, dequeue());
        assertEquals(List.of(1, 5), thirds(0, 2));
        assertEquals(3, first.count(Verdict.DROP));
        assertEquals(3, late.packets());
        assertEquals(1, late.count(Verdict.DROP));
        pool.release(packets, 0, 2);
    }

    @Test
    void aLaterProgramDecidesInsteadWhereTheChainGoesOn() {
        ProgramChain chain = fromGuest();
        chain.attach("drops", burst -> burst.drop(0), 1, EnumSet.of(Verdict.PASS, Verdict.DROP));
        ProgramLink passes = chain.attach("passes", burst -> burst.pass(0), 2, EnumSet.of(Verdict.PASS));
        offer(2, 0, 0);
        assertEquals(1, dequeue());
        assertEquals(1, passes.count(Verdict.PASS));
        packets[0].release();
    }

    @Test
    void whatAProgramThrowsAbortsWhatIsUndecided() {
        ProgramLink link = fromGuest().attach("throws", burst -> {
            burst.transmit(0);
            throw new IllegalStateException("in the program");
        });
        guest.toGuest().accept(0, HEADER + 200);
        offer(2, 0, 0);
        offer(2, 0, 1);
        assertEquals(0, dequeue());
        assertEquals(1, link.count(Verdict.TX));
        assertEquals(1, link.count(Verdict.ABORTED));
        assertEquals(1, link.failures());
        guest.toGuest().assertUsed(0, HEADER + LENGTH);
        assertEquals(0, pool.outstanding());
    }

    @Test
    void aProgramChangesPacketsAndTheirEnds() {
        fromGuest().attach("pushes", burst -> {
            burst.packet(0).prepend(4);
            burst.packet(0).putNetworkInt(0, 0xCAFEBABE);
        });
        offer(2, 0, 0);
        assertEquals(1, dequeue());
        assertEquals(LENGTH + 4, packets[0].length());
        assertEquals(0xCAFEBABE, packets[0].networkIntAt(0));
        packets[0].release();
    }

    /** What the guest writes after it has offered a packet is not what a program and its successor see. */
    @Test
    void aGuestCannotChangeWhatAProgramSees() {
        byte[] good = payload(2, 0, 0);
        fromGuest().attach("looks twice", burst -> {
            assertEquals(2, burst.packet(0).byteAt(0));
            guest.memory.asSlice(0, TestGuest.SIZE).fill((byte) 1);
            byte[] again = new byte[LENGTH];
            burst.packet(0).copyTo(again, 0);
            assertArrayEquals(good, again);
        });
        offer(2, 0, 0);
        assertEquals(1, dequeue());
        assertEquals(2, packets[0].byteAt(0));
        packets[0].release();
    }

    @Test
    void aReplacedProgramGoesOnWithTheCountsAndADetachedOneIsGone() {
        ProgramChain chain = fromGuest();
        ProgramLink link = chain.attach("program", burst -> burst.drop(0));
        offer(2, 0, 0);
        assertEquals(0, dequeue());
        link.replace(BY_FIRST_BYTE);
        assertSame(BY_FIRST_BYTE, link.program());
        offer(2, 0, 1);
        assertEquals(1, dequeue());
        packets[0].release();
        assertEquals(2, link.packets());
        chain.detach(link);
        chain.detach(link);
        offer(1, 0, 2);
        assertEquals(1, dequeue());
        packets[0].release();
        assertEquals(2, link.packets());
        assertEquals(List.of(), chain.links());
    }

    @Test
    void whatIsSentBackMeetsTheProgramsOfTheWayToTheGuest() {
        fromGuest().attach("back", burst -> burst.transmit(0));
        ProgramLink out = toGuest().attach("drops", burst -> burst.drop(0));
        guest.toGuest().accept(0, HEADER + 200);
        offer(2, 0, 0);
        assertEquals(0, dequeue());
        assertEquals(1, out.count(Verdict.DROP));
        assertEquals(-1, guest.toGuest().ring.poll());
        assertEquals(0, guest.fromGuest().queue.programs().transmitFailures());
    }

    @Test
    void misuseIsRefusedWhereItIsMade() {
        ProgramChain from = ProgramChain.fromGuest("vm0", 1, PacketPorts.NONE);
        ProgramChain to = ProgramChain.toGuest("vm0", 1);
        assertThrows(IllegalArgumentException.class, () -> guest.toGuest().queue.programs(from));
        assertThrows(IllegalArgumentException.class, () -> guest.fromGuest().queue.programs(to));
        assertThrows(IllegalArgumentException.class, () -> ProgramChain.toGuest("vm0", 0));
        from.attach("one", BY_FIRST_BYTE);
        assertThrows(IllegalArgumentException.class, () -> from.attach("one", BY_FIRST_BYTE));
        for (int i = 1; i < 64; i++) {
            from.attach("program " + i, BY_FIRST_BYTE);
        }
        assertThrows(IllegalArgumentException.class, () -> from.attach("program 64", BY_FIRST_BYTE));
        PacketProgram picky = new PacketProgram() {
            @Override
            public void run(PacketBurst burst) {}

            @Override
            public void checkPlace(ProgramPlace place) {
                throw new IllegalArgumentException("not here");
            }
        };
        ProgramLink link = to.attach("one", BY_FIRST_BYTE);
        assertThrows(IllegalArgumentException.class, () -> to.attach("picky", picky));
        assertThrows(IllegalArgumentException.class, () -> link.replace(picky));
        assertSame(BY_FIRST_BYTE, link.program());
        assertEquals(1, to.links().size());
    }

    @Test
    void aBurstRefusesIndexesThatItDoesNotHave() {
        boolean[] asked = new boolean[1];
        fromGuest().attach("indexes", burst -> {
            asked[0] = true;
            assertEquals(1, burst.count());
            assertThrows(IndexOutOfBoundsException.class, () -> burst.packet(1));
            assertThrows(IndexOutOfBoundsException.class, () -> burst.drop(1));
            assertThrows(IndexOutOfBoundsException.class, () -> burst.drop(-1));
            assertThrows(IndexOutOfBoundsException.class, () -> burst.redirect(1, 1));
        });
        offer(2, 0, 0);
        assertEquals(1, dequeue());
        assertTrue(asked[0]);
        packets[0].release();
    }

    /** A packet that cannot be sent is the queue's to refuse; no program sees it. */
    @Test
    void anEmptyPacketIsRefusedAsWithoutPrograms() {
        ProgramLink link = toGuest().attach("by first byte", BY_FIRST_BYTE);
        guest.toGuest().accept(0, HEADER + 200);
        assertEquals(1, pool.take(packets, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> guest.toGuest().queue.enqueueBurst(packets, 0, 1));
        assertEquals(0, link.packets());
        packets[0].release();
    }

    @Test
    void aStoppedQueueAsksNobody() throws ControlException {
        ProgramLink link = toGuest().attach("by first byte", BY_FIRST_BYTE);
        guest.control.enable(0, false);
        fill(1);
        assertEquals(0, guest.toGuest().queue.enqueueBurst(packets, 0, 1));
        assertEquals(0, link.packets());
        packets[0].release();
    }

    /** Packets whose programs take long come in small bursts, so that other queues have their turn. */
    @Test
    void aCostlyProgramGetsSmallBursts() {
        ProgramLink link = fromGuest().attach("slow", burst -> {
            long end = System.nanoTime() + burst.count() * QueuePrograms.BURST_NANOS;
            while (System.nanoTime() < end) {
                Thread.onSpinWait();
            }
        });
        assertFalse(link.isTimed());
        link.timing(true);
        assertTrue(link.isTimed());
        for (int i = 0; i < 60; i++) {
            offer(2, 0, i);
        }
        int last = 0;
        int taken = 0;
        long begin = System.nanoTime();
        while (taken < 60) {
            last = guest.fromGuest().queue.dequeueBurst(pool, packets, taken, 60);
            assertTrue(taken > 0 || last == 32, "the first burst");
            taken += last;
        }
        assertEquals(1, last);
        long passed = System.nanoTime() - begin;
        assertTrue(link.nanosPerPacket() >= QueuePrograms.BURST_NANOS);
        assertTrue(60 * link.nanosPerPacket() <= passed, link.nanosPerPacket() + " of " + passed);
        pool.release(packets, 0, 60);
    }

    /** A guest cannot buy a large burst of costly packets with a cheap one. */
    @Test
    void burstsGrowByStepsAfterACostlyPacket() {
        fromGuest().attach("slow at 9", burst -> {
            long end = System.nanoTime() + QueuePrograms.BURST_NANOS;
            while (burst.packet(0).byteAt(0) == 9 && System.nanoTime() < end) {
                Thread.onSpinWait();
            }
        });
        offer(9, 0, 0);
        assertEquals(1, dequeue());
        packets[0].release();
        for (int i = 0; i < 60; i++) {
            offer(2, 0, i);
        }
        int taken = 0;
        int most = 1;
        while (taken < 60) {
            int count = dequeue();
            assertTrue(count > 0 && count <= most, count + " of " + most);
            most = 2 * count;
            taken += count;
            pool.release(packets, 0, count);
        }
    }

    /** What the programs before took says nothing of those that follow. */
    @Test
    void otherProgramsBeginWithWholeBursts() {
        fromGuest().attach("slow", burst -> {
            long end = System.nanoTime() + QueuePrograms.BURST_NANOS;
            while (System.nanoTime() < end) {
                Thread.onSpinWait();
            }
        });
        offer(2, 0, 0);
        assertEquals(1, dequeue());
        packets[0].release();
        fromGuest().attach("quick", burst -> { });
        for (int i = 0; i < 20; i++) {
            offer(2, 0, i);
        }
        assertEquals(20, dequeue());
        pool.release(packets, 0, 20);
    }

    @Test
    void aVerdictHasTheNumberOfXdp() {
        assertEquals(List.of("ABORTED", "DROP", "PASS", "TX", "REDIRECT"),
                EnumSet.allOf(Verdict.class).stream().map(Verdict::name).toList());
    }
}
