package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Programs and ports that break their rules: no packet is lost without a count, none is put back twice. */
class ProgramMisuseTest extends EachFormat {
    private static final int HEADER = 12;
    private static final int LENGTH = 100;

    private final PacketPool pool = PacketPool.create(128, 2048 + PacketPool.DEFAULT_HEADROOM);
    private final Packet[] packets = new Packet[128];
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

    private ProgramChain fromGuest(PacketPorts ports) {
        ProgramChain chain = ProgramChain.fromGuest("vm0", 1, ports);
        guest.fromGuest().queue.programs(chain);
        return chain;
    }

    /** The first byte says what becomes of a packet. */
    private void offer(int... firsts) {
        for (int first : firsts) {
            byte[] payload = TestGuest.pattern(LENGTH, first);
            payload[0] = (byte) first;
            guest.fromGuest().send(TestGuest.join(new byte[HEADER], payload), HEADER + LENGTH);
        }
    }

    private int dequeue() {
        return guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 64);
    }

    private static void byFirstByte(PacketBurst burst) {
        for (int i = 0; i < burst.count(); i++) {
            switch (burst.packet(i).byteAt(0)) {
                case 1 -> burst.drop(i);
                case 3 -> burst.transmit(i);
                case 4 -> burst.redirect(i, 7);
                case 5 -> burst.redirect(i, 8);
                default -> burst.pass(i);
            }
        }
    }

    /** What passes reaches the caller, what goes other ways goes there, whatever a port throws. */
    @Test
    void aProgramLearnsWhereItWorksAndOfNoPlaceThatItDidNotGet() {
        List<ProgramPlace> told = new ArrayList<>();
        PacketProgram program = new PacketProgram() {
            @Override
            public void run(PacketBurst burst) {}

            @Override
            public void checkPlace(ProgramPlace place) {
                if (place.isToGuest()) {
                    throw new IllegalArgumentException("not there");
                }
            }

            @Override
            public void attached(ProgramPlace place) {
                told.add(place);
            }
        };
        ProgramChain chain = fromGuest(PacketPorts.NONE);
        ProgramLink link = chain.attach("first", program);
        assertEquals(List.of(chain.place()), told);
        assertThrows(IllegalArgumentException.class, () -> chain.attach("first", program));
        ProgramChain out = ProgramChain.toGuest("vm0", 1);
        assertThrows(IllegalArgumentException.class, () -> out.attach("out", program));
        ProgramLink other = out.attach("other", _ -> { });
        assertThrows(IllegalArgumentException.class, () -> other.replace(program));
        assertEquals(List.of(chain.place()), told);
        link.replace(program);
        assertEquals(List.of(chain.place(), chain.place()), told);
    }

    @Test
    void aPortThatThrowsHurtsOnlyItsOwnPackets() {
        ProgramChain chain = fromGuest((port, sent, offset, count) -> {
            if (port == 7) {
                throw new IllegalStateException("port");
            }
            pool.release(sent, offset, count);
            return count;
        });
        chain.attach("by first byte", ProgramMisuseTest::byFirstByte);
        guest.toGuest().accept(0, HEADER + 200);
        offer(2, 4, 3, 1, 5, 4, 2);
        assertEquals(2, dequeue());
        assertEquals(2, chain.redirectFailures());
        guest.toGuest().assertUsed(0, HEADER + LENGTH);
        pool.release(packets, 0, 2);
    }

    @Test
    void aPortThatHasGivenAwayWhatItThrowsOfIsNoDoubleRelease() {
        ProgramChain chain = fromGuest((_, sent, offset, _) -> {
            sent[offset].release();
            throw new IllegalStateException("port");
        });
        chain.attach("by first byte", ProgramMisuseTest::byFirstByte);
        offer(4, 4, 4, 2);
        assertEquals(1, dequeue());
        packets[0].release();
    }

    @Test
    void aPortCannotBeDoneWithMoreThanItWasGiven() {
        ProgramChain chain = fromGuest((_, sent, offset, count) -> {
            pool.release(sent, offset, count);
            return count + 1;
        });
        chain.attach("by first byte", ProgramMisuseTest::byFirstByte);
        offer(4, 2);
        assertEquals(1, dequeue());
        assertEquals(0, chain.redirectFailures());
        packets[0].release();
    }

    /** No queue sends what is empty: it would throw, at whoever polls. */
    @Test
    void anEmptiedPacketIsAborted() {
        ProgramChain chain = fromGuest((_, sent, offset, count) -> {
            assertEquals(LENGTH, sent[offset].length());
            pool.release(sent, offset, count);
            return count;
        });
        ProgramLink link = chain.attach("empties", burst -> {
            byFirstByte(burst);
            for (int i = 0; i < burst.count(); i++) {
                if (burst.packet(i).byteAt(0) != 6) {
                    burst.packet(i).trimTail(LENGTH);
                }
            }
        });
        guest.toGuest().accept(0, HEADER + 200);
        offer(2, 3, 4, 6);
        assertEquals(1, dequeue());
        assertEquals(3, link.count(Verdict.ABORTED));
        packets[0].release();
    }

    @Test
    void anEmptiedPacketToTheGuestIsAborted() {
        ProgramChain chain = ProgramChain.toGuest("vm0", 1);
        guest.toGuest().queue.programs(chain);
        ProgramLink link = chain.attach("empties", burst -> burst.packet(0).trimTail(LENGTH));
        guest.toGuest().accept(0, HEADER + 200);
        assertEquals(1, pool.take(packets, 0, 1));
        packets[0].reset(LENGTH);
        assertEquals(1, guest.toGuest().queue.enqueueBurst(packets, 0, 1));
        assertEquals(1, link.count(Verdict.ABORTED));
        packets[0].release();
    }

    /** An error is not hidden, but the packets of the burst, which nobody can know any more, are put back. */
    @Test
    void anErrorLeaksNothing() {
        ProgramChain chain = fromGuest(PacketPorts.NONE);
        chain.attach("fails", burst -> {
            if (burst.packet(0).byteAt(0) == 9) {
                throw new AssertionError("in the program");
            }
        });
        offer(9, 2, 2);
        assertThrows(AssertionError.class, this::dequeue);
        assertEquals(0, pool.outstanding());
        offer(2);
        assertEquals(1, dequeue());
        packets[0].release();
    }

    @Test
    void anErrorOfAPortLeaksNothing() {
        ProgramChain chain = fromGuest((_, _, _, _) -> {
            throw new AssertionError("in the port");
        });
        chain.attach("by first byte", ProgramMisuseTest::byFirstByte);
        offer(2, 4, 5, 3, 1, 2);
        assertThrows(AssertionError.class, this::dequeue);
        assertEquals(0, pool.outstanding());
    }

    @Test
    void aProgramMayPutAPacketBackAgainstTheRulesAndHurtsNoOther() {
        ProgramLink link = fromGuest(PacketPorts.NONE).attach("releases", burst -> burst.packet(0).release());
        offer(2, 2);
        assertEquals(1, dequeue());
        assertEquals(1, link.count(Verdict.ABORTED));
        packets[0].release();
    }

    /** A packet that passed at one port and was sent at another has forgotten the first. */
    @Test
    void whatIsResetIsAskedAboutAgain() {
        ProgramChain chain = ProgramChain.toGuest("vm0", 1);
        guest.toGuest().queue.programs(chain);
        ProgramLink link = chain.attach("passes", _ -> {});
        assertEquals(1, pool.take(packets, 0, 1));
        packets[0].reset(LENGTH);
        assertEquals(0, guest.toGuest().queue.enqueueBurst(packets, 0, 1));
        assertEquals(0, guest.toGuest().queue.enqueueBurst(packets, 0, 1));
        assertEquals(1, link.packets());
        packets[0].reset(LENGTH);
        assertEquals(0, guest.toGuest().queue.enqueueBurst(packets, 0, 1));
        assertEquals(2, link.packets());
        packets[0].release();
        assertEquals(1, pool.take(packets, 0, 1));
        packets[0].append(LENGTH);
        assertEquals(0, guest.toGuest().queue.enqueueBurst(packets, 0, 1));
        assertEquals(3, link.packets());
        packets[0].release();
    }

    @Test
    void nullsAreRefusedAsWithoutPrograms() {
        ProgramChain chain = ProgramChain.toGuest("vm0", 1);
        guest.toGuest().queue.programs(chain);
        ProgramLink link = chain.attach("drops", burst -> burst.drop(0));
        guest.toGuest().accept(0, HEADER + 200);
        assertEquals(2, pool.take(packets, 0, 2));
        packets[0].reset(LENGTH);
        packets[1].reset(LENGTH);
        List<Packet> own = List.of(packets[0], packets[1]);
        packets[2] = null;
        assertThrows(NullPointerException.class, () -> guest.toGuest().queue.enqueueBurst(packets, 0, 3));
        assertEquals(2, link.packets());
        own.forEach(Packet::release);
    }
}
