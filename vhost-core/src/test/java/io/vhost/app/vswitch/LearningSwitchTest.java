package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vhost.app.polling.PortCounters;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LearningSwitchTest {
    private static final long BROADCAST = 0xFFFF_FFFF_FFFFL;
    private static final long MULTICAST = 0x0100_5E00_0001L;
    private static final long BETWEEN_NEIGHBOURS = 0x0180_C200_000EL;
    private static final long A = 0x02_00_00_00_00_01L;
    private static final long B = 0xFE_FF_FF_FF_FF_FEL;
    private static final long C = 0x02_00_00_00_00_03L;

    private final LearningSwitch ethernet = new LearningSwitch(512, Duration.ofNanos(1000));
    private final Wire a = new Wire();
    private final Wire b = new Wire();
    private final Wire c = new Wire();
    private final SwitchPort portA = ethernet.attach(a);
    private final SwitchPort portB = ethernet.attach(b);
    private final SwitchPort portC = ethernet.attach(c);
    private long now;

    /** A cable whose end the test holds. */
    private static final class Wire implements Link {
        private final Deque<long[]> arriving = new ArrayDeque<>();
        private final List<Integer> left = new ArrayList<>();
        private final List<Packet> hoard = new ArrayList<>();
        private int room = Integer.MAX_VALUE;
        private boolean hoards;
        private boolean fails;
        /** What happens in the moment before the switch takes what has arrived. */
        private Runnable before = () -> {};

        /** A frame that the switch will receive: {@code number} names it, {@code length} is in bytes. */
        void arrive(long destination, long source, int number, int length) {
            arriving.add(new long[] {destination, source, number, length});
        }

        @Override
        public int receive(PacketPool pool, Packet[] packets, int offset, int count) {
            before.run();
            before = () -> {};
            int received = 0;
            while (received < count && !arriving.isEmpty()) {
                long[] frame = arriving.remove();
                Packet packet = pool.take();
                packet.reset(60);
                packet.putNetworkLong(0, frame[0] << 16 | frame[1] >>> 32);
                packet.putNetworkInt(8, (int) frame[1]);
                packet.putNetworkInt(14, (int) frame[2]);
                packet.trimTail(60 - (int) frame[3]);
                packets[offset + received++] = packet;
            }
            for (Packet spare = hoards ? pool.take() : null; spare != null; spare = pool.take()) {
                hoard.add(spare);
            }
            return received;
        }

        @Override
        public int send(Packet[] packets, int offset, int count) {
            if (fails) {
                fails = false;
                hoard.addAll(Arrays.asList(packets).subList(offset, offset + count));
                throw new InternalError("a fault occurred in an unsafe memory access operation");
            }
            int sent = Math.min(count, room);
            for (int i = offset; i < offset + sent; i++) {
                // A frame without payload has no number.
                left.add(packets[i].length() < 18 ? -1 : packets[i].networkIntAt(14));
                packets[i].release();
            }
            return sent;
        }
    }

    @AfterEach
    void everyPacketIsBackInItsPool() {
        ethernet.close();
    }

    @Test
    void aFrameForAnUnknownAddressLeavesByAllOtherPorts() {
        send(a, B, A, 1);
        expect(List.of(), List.of(1), List.of(1));
    }

    @Test
    void aFrameForAnAddressThatHasBeenSeenLeavesByItsPort() {
        send(b, BROADCAST, B, 1);
        send(a, B, A, 2);
        send(b, A, B, 3);
        expect(List.of(1, 3), List.of(2), List.of(1));
    }

    @Test
    void groupAddressesLeaveByAllOtherPortsEvenIfSomeoneClaimsThem() {
        send(b, A, MULTICAST, 1);
        send(a, MULTICAST, A, 2);
        send(a, BROADCAST, A, 3);
        expect(List.of(1), List.of(2, 3), List.of(1, 2, 3));
    }

    @Test
    void anAddressMovesWithItsGuest() {
        send(b, BROADCAST, B, 1);
        send(c, BROADCAST, B, 2);
        send(a, B, A, 3);
        expect(List.of(1, 2), List.of(2), List.of(1, 3));
    }

    @Test
    void anAddressIsForgottenWhenItIsSilentForTooLong() {
        send(b, BROADCAST, B, 1);
        now += 1000;
        send(a, B, A, 2);
        now += 1;
        send(a, B, A, 3);
        expect(List.of(1), List.of(2, 3), List.of(1, 3));
    }

    @Test
    void aFrameForANeighbourOnTheSamePortStaysThere() {
        send(a, BROADCAST, A, 1);
        send(a, A, C, 2);
        expect(List.of(), List.of(1), List.of(1));
    }

    @Test
    void whatIsBetweenNeighboursIsNotForwarded() {
        send(a, BETWEEN_NEIGHBOURS, A, 1);
        send(b, A, B, 2);
        expect(List.of(2), List.of(), List.of());
    }

    @Test
    void whatIsTooShortForAFrameIsNotForwarded() {
        a.arrive(BROADCAST, A, 1, 13);
        assertEquals(1, ethernet.poll(now));
        expect(List.of(), List.of(), List.of());
        a.arrive(BROADCAST, A, 1, 14);
        assertEquals(1, ethernet.poll(now));
        expect(List.of(), List.of(-1), List.of(-1));
    }

    @Test
    void thePortOfAGuestThatHasGoneIsForgotten() {
        send(b, BROADCAST, B, 1);
        ethernet.detach(portB);
        send(a, B, A, 2);
        SwitchPort again = ethernet.attach(b);
        send(a, B, A, 3);
        expect(List.of(1), List.of(3), List.of(1, 2, 3));
        assertEquals(0, again.dropped());
    }

    @Test
    void aPortThatWasThereBeforeAFrameWasSentGetsIt() {
        ethernet.detach(portB);
        ethernet.poll(now);
        a.before = () -> ethernet.attach(b);
        send(a, B, A, 1);
        expect(List.of(), List.of(1), List.of(1));
    }

    /** What is learned of a port that has gone would lead frames nowhere. */
    @Test
    void nothingIsLearnedOfAPortThatGoesMeanwhile() {
        a.before = () -> ethernet.detach(portA);
        send(a, C, A, 1);
        expect(List.of(), List.of(1), List.of(1));
        send(b, A, B, 2);
        expect(List.of(), List.of(1), List.of(1, 2));
    }

    @Test
    void aFrameToItsOwnSenderStaysThereEvenIfItsPortGoesMeanwhile() {
        a.before = () -> ethernet.detach(portA);
        send(a, A, A, 1);
        expect(List.of(), List.of(), List.of());
    }

    /** As when a guest's memory is lost in the middle: the packets of that burst are not sent again. */
    @Test
    void aPortWhoseLinkFailsBeginsItsNextBurstAnew() {
        for (int i = 0; i < LearningSwitch.BURST; i++) {
            a.arrive(BROADCAST, A, i, 60);
        }
        c.fails = true;
        assertThrows(InternalError.class, () -> ethernet.poll(now));
        assertEquals(LearningSwitch.BURST, b.left.size());
        c.hoard.forEach(Packet::release);
        c.hoard.clear();
        send(a, BROADCAST, A, 99);
        assertEquals(List.of(99), c.left);
    }

    @Test
    void framesBeyondTheRoomOfAPortAreCountedThereAndHoldUpNoOther() {
        b.room = 1;
        for (int i = 1; i <= 3; i++) {
            a.arrive(BROADCAST, A, i, 60);
        }
        assertEquals(3, ethernet.poll(now));
        expect(List.of(), List.of(1), List.of(1, 2, 3));
        assertEquals(2, portB.dropped());
        assertEquals(0, portA.dropped() + portC.dropped());
    }

    @Test
    void bytesAreCountedOfEachFrameAsItIs() {
        b.room = 1;
        for (int i = 1; i <= 3; i++) {
            a.arrive(BROADCAST, A, i, 70 - 10 * i);
        }
        assertEquals(3, ethernet.poll(now));
        assertEquals(new PortCounters(3, 60 + 50 + 40, 0, 0, 0, 0, 0), portA.counters());
        assertEquals(new PortCounters(0, 0, 1, 60, 2, 50 + 40, 0), portB.counters());
        assertEquals(new PortCounters(0, 0, 3, 60 + 50 + 40, 0, 0, 0), portC.counters());
    }

    /** All packets are elsewhere when a frame needs a copy. */
    @Test
    void aFrameThatFindsNoCopyIsCountedWithItsBytes() {
        a.hoards = true;
        a.arrive(BROADCAST, A, 1, 50);
        assertEquals(1, ethernet.poll(now));
        a.hoard.forEach(Packet::release);
        expect(List.of(), List.of(1), List.of());
        assertEquals(new PortCounters(0, 0, 1, 50, 0, 0, 0), portB.counters());
        assertEquals(new PortCounters(0, 0, 0, 0, 1, 50, 0), portC.counters());
    }

    @Test
    void aBurstKeepsItsOrder() {
        send(b, BROADCAST, B, 0);
        for (int i = 1; i <= LearningSwitch.BURST + 1; i++) {
            a.arrive(i % 3 == 0 ? C : B, A, i, 60);
        }
        assertEquals(LearningSwitch.BURST, ethernet.poll(now));
        assertEquals(1, ethernet.poll(now));
        assertEquals(b.left.stream().sorted().toList(), b.left);
        assertEquals(33, b.left.size());
        assertEquals(12, c.left.size());
    }

    private void send(Wire wire, long destination, long source, int number) {
        wire.arrive(destination, source, number, 60);
        assertEquals(1, ethernet.poll(now));
    }

    private void expect(List<Integer> atA, List<Integer> atB, List<Integer> atC) {
        assertEquals(atA, a.left);
        assertEquals(atB, b.left);
        assertEquals(atC, c.left);
    }
}
