package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs on packets of an interface or of somebody's back-end. */
class ProgramChainRunnerTest {
    private static final int LENGTH = 60;
    /** Decides by a packet's first byte: 1 drop, 3 back, 4 to port 7, 5 to no port; else pass. */
    private static final PacketProgram BY_FIRST_BYTE = burst -> {
        for (int i = 0; i < burst.count(); i++) {
            switch (burst.packet(i).byteAt(0)) {
                case 1 -> burst.drop(i);
                case 3 -> burst.transmit(i);
                case 4 -> burst.redirect(i, 7);
                case 5 -> burst.redirect(i, 8);
                default -> { }
            }
        }
    };

    private final PacketPool pool = PacketPool.create(128, 2048);
    private final Packet[] packets = new Packet[128];
    private final List<Integer> sent = new ArrayList<>();
    private final List<Integer> redirected = new ArrayList<>();
    private final ProgramChain in = ProgramChain.fromGuest("tap0", 3, this::port);
    private final ProgramChain out = ProgramChain.toGuest("tap0", 3);
    private final ProgramChainRunner runner = new ProgramChainRunner(in, out, 0, this::send);
    private int room = Integer.MAX_VALUE;

    @AfterEach
    void nothingIsLeft() {
        assertEquals(0, pool.outstanding(), "packets that are missing");
        pool.close();
    }

    private int port(int port, Packet[] given, int offset, int count) {
        return port == 7 ? take(redirected, given, offset, count) : PacketPorts.NO_PORT;
    }

    private int send(Packet[] given, int offset, int count) {
        int taken = take(sent, given, offset, Math.min(count, room));
        room -= taken;
        return taken;
    }

    private static int take(List<Integer> to, Packet[] given, int offset, int count) {
        for (int i = offset; i < offset + count; i++) {
            to.add(given[i].byteAt(1));
            given[i].release();
        }
        return count;
    }

    /** Packets with these first bytes, and their places as the second. */
    private void fill(int offset, int... firsts) {
        assertEquals(firsts.length, pool.take(packets, offset, firsts.length));
        for (int i = 0; i < firsts.length; i++) {
            packets[offset + i].reset(LENGTH);
            packets[offset + i].putByte(0, firsts[i]);
            packets[offset + i].putByte(1, i);
        }
    }

    private List<Integer> seconds(int from, int to) {
        return IntStream.range(from, to).mapToObj(i -> packets[i].byteAt(1)).toList();
    }

    @Test
    void eachVerdictOnWhatComesIsCarriedOut() {
        ProgramLink link = in.attach("by first byte", BY_FIRST_BYTE);
        fill(5, 2, 1, 3, 4, 0, 5, 9, 3);
        assertEquals(3, runner.received(packets, 5, 8));
        assertEquals(List.of(0, 4, 6), seconds(5, 8));
        pool.release(packets, 5, 3);
        assertEquals(List.of(2, 7), sent);
        assertEquals(List.of(3), redirected);
        assertEquals(1, in.noPort());
        assertEquals(3, link.count(Verdict.PASS));
        assertEquals(1, link.count(Verdict.DROP));
        assertEquals(2, link.count(Verdict.TX));
        assertEquals(2, link.count(Verdict.REDIRECT));
    }

    @Test
    void whatIsSentBackAndFindsNoRoomIsDroppedAndCounted() {
        ProgramLink _ = in.attach("back", BY_FIRST_BYTE);
        room = 1;
        fill(0, 3, 3, 3);
        assertEquals(0, runner.received(packets, 0, 3));
        assertEquals(List.of(0), sent);
        assertEquals(2, in.transmitFailures());
    }

    @Test
    void withoutProgramsEverythingPasses() {
        fill(0, 1, 3, 4);
        assertEquals(64, runner.limit(64));
        assertEquals(3, runner.received(packets, 0, 3));
        assertEquals(3, runner.send(packets, 0, 3));
        assertEquals(List.of(0, 1, 2), sent);
        assertEquals(0, runner.received(packets, 0, 0));
    }

    /** Of five packets three pass, and {@code fits} of these find room. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void whatPassesIsSentAndWhatFoundNoRoomIsNotAskedAboutAgain(int fits) {
        List<Integer> asked = new ArrayList<>();
        ProgramLink _ = out.attach("counts", burst -> {
            for (int i = 0; i < burst.count(); i++) {
                asked.add(burst.packet(i).byteAt(1));
            }
        }, 0, Set.of(Verdict.PASS));
        ProgramLink _ = out.attach("by first byte", BY_FIRST_BYTE, 1, Set.of(Verdict.PASS));
        room = fits;
        fill(2, 2, 1, 0, 1, 9);
        int passing = Math.min(fits, 3);
        assertEquals(2 + passing, runner.send(packets, 2, 5));
        assertEquals(List.of(0, 2, 4).subList(0, passing), sent);
        assertEquals(List.of(0, 2, 4).subList(passing, 3), seconds(2 + 2 + passing, 7));
        assertEquals(5 - 2 - passing, pool.outstanding());
        room = Integer.MAX_VALUE;
        assertEquals(3 - passing, runner.send(packets, 2 + 2 + passing, 3 - passing));
        assertEquals(List.of(0, 2, 4), sent);
        assertEquals(List.of(0, 1, 2, 3, 4), asked);
    }

    @Test
    void nothingIsSentWhenAllIsDropped() {
        ProgramLink _ = out.attach("by first byte", BY_FIRST_BYTE);
        fill(0, 1, 1);
        assertEquals(2, runner.send(packets, 0, 2));
        assertEquals(List.of(), sent);
    }

    /** More than a program is shown at once. */
    @Test
    void longBurstsStayInOrder() {
        ProgramLink _ = in.attach("by first byte", BY_FIRST_BYTE);
        ProgramLink _ = out.attach("by first byte", BY_FIRST_BYTE);
        int[] firsts = IntStream.range(0, 100).map(i -> i % 3 == 0 ? 1 : 2).toArray();
        fill(0, firsts);
        List<Integer> expected = IntStream.range(0, 100).filter(i -> i % 3 != 0).boxed().toList();
        assertEquals(66, runner.received(packets, 0, 100));
        assertEquals(expected, seconds(0, 66));
        assertEquals(66, runner.send(packets, 0, 66));
        assertEquals(expected, sent);
    }

    @Test
    void programsThatComeAndGoWorkFromTheNextBurstOn() {
        ProgramLink link = in.attach("by first byte", BY_FIRST_BYTE);
        fill(0, 1);
        assertEquals(0, runner.received(packets, 0, 1));
        assertTrue(runner.limit(1_000_000) >= 1);
        in.detach(link);
        fill(0, 1);
        assertEquals(1, runner.received(packets, 0, 1));
        packets[0].release();
    }

    @Test
    void aRangeOutsideTheArrayIsRefused() {
        assertThrows(IndexOutOfBoundsException.class, () -> runner.received(packets, 128, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> runner.send(packets, -1, 1));
    }
}
