package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vhost.net.Packet;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.testing.FaultyDmaEngine;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Programs of queues whose packets are copied by a DMA channel. Packets are told by their number. */
class ProgramChainAsyncTest extends AsyncFixture {
    private static final int LENGTH = 300;

    private void offer(int number) {
        guest.fromGuest().send(TestGuest.join(new byte[HEADER], TestGuest.pattern(LENGTH, number)),
                HEADER + LENGTH);
    }

    /** By the number, modulo 4: drop, pass, back, pass. */
    private static void decide(PacketBurst burst) {
        for (int i = 0; i < burst.count(); i++) {
            byte[] bytes = new byte[LENGTH];
            burst.packet(i).copyTo(bytes, 0);
            int number = number(bytes);
            assertArrayEquals(TestGuest.pattern(LENGTH, number), bytes, "the data has arrived");
            if (number % 4 == 0) {
                burst.drop(i);
            } else if (number % 4 == 2) {
                burst.transmit(i);
            }
        }
    }

    private static int number(byte[] bytes) {
        // 17 has the inverse 241 modulo 256.
        return bytes[0] * 241 & 0xFF;
    }

    private ProgramLink attach(VirtQueue queue) {
        ProgramChain chain = queue.isToGuest() ? ProgramChain.toGuest("vm0", 1)
                : ProgramChain.fromGuest("vm0", 1, PacketPorts.NONE);
        queue.programs(chain);
        return chain.attach("by number", ProgramChainAsyncTest::decide);
    }

    @Test
    void aProgramIsAskedWhenTheDataHasArrived() throws ControlException {
        VirtQueue queue = started(1);
        queue(0).registerAsync();
        ProgramLink link = attach(queue);
        for (int i = 0; i < 8; i++) {
            offer(i);
            guest.toGuest().accept(i, HEADER + 400);
        }
        engine.hold(true);
        assertEquals(0, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        assertEquals(0, link.packets());
        engine.hold(false);
        assertEquals(4, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        assertEquals(8, link.packets());
        assertEquals(2, link.count(Verdict.DROP));
        assertEquals(2, link.count(Verdict.TX));
        // What goes back is copied by the channel of the burst, and comes from the poll of the other queue.
        assertEquals(2, queue(0).pollEnqueueCompleted(done, 4, 8, channel));
        guest.toGuest().assertUsed(0, HEADER + LENGTH);
        guest.toGuest().assertUsed(1, HEADER + LENGTH);
        pool.release(done, 0, 6);
        assertBalanced(0);
        assertBalanced(1);
    }

    @Test
    void aClearedPacketDoesNotGetRoundAProgram() throws ControlException {
        VirtQueue queue = started(1);
        ProgramLink link = attach(queue);
        engine.hold(true);
        for (int i = 0; i < 4; i++) {
            offer(i);
        }
        assertEquals(0, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        engine.hold(false);
        assertEquals(2, queue.clearQueue(done, 0, 8, channel));
        assertEquals(0, queue.getInflight());
        assertEquals(1, link.count(Verdict.DROP));
        // Nobody has registered the other queue, and nobody offers room there.
        assertEquals(1, queue(1).programs().transmitFailures());
        pool.release(done, 0, 2);
    }

    @Test
    void whatAProgramDropsOnTheWayToTheGuestIsAcceptedAndNeverComesBack() throws ControlException {
        VirtQueue queue = started(0);
        ProgramLink link = attach(queue);
        for (int i = 0; i < 3; i++) {
            guest.toGuest().accept(i, HEADER + 400);
        }
        fill(0, 10, LENGTH);
        // 0, 2, 4, 6 and 8 are dropped; of 1, 3, 5, 7 and 9 three find room.
        assertEquals(8, queue.submitEnqueueBurst(packets, 0, 10, channel));
        assertEquals(3, queue.pollEnqueueCompleted(done, 0, 16, channel));
        for (int i = 0; i < 3; i++) {
            assertFalse(done[i].isUndelivered());
            done[i].release();
        }
        assertEquals(2, pool.outstanding());
        guest.toGuest().accept(3, HEADER + 400);
        guest.toGuest().accept(4, HEADER + 400);
        assertEquals(2, queue.submitEnqueueBurst(packets, 8, 2, channel));
        assertEquals(10, link.packets());
        assertEquals(2, queue.pollEnqueueCompleted(done, 0, 16, channel));
        pool.release(done, 0, 2);
        for (int token = 0; token < 5; token++) {
            guest.toGuest().assertUsed(token, HEADER + LENGTH);
        }
        assertBalanced(0);
    }

    /** Where nobody has registered the way back, this thread copies. */
    @Test
    void whatIsSentBackByAQueueThatIsNotRegisteredIsCopiedAtOnce() throws ControlException {
        VirtQueue queue = started(1);
        ProgramLink link = attach(queue);
        guest.toGuest().accept(0, HEADER + 400);
        offer(2);
        assertEquals(0, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        assertEquals(1, link.count(Verdict.TX));
        guest.toGuest().assertUsed(0, HEADER + LENGTH);
        assertEquals(0, pool.outstanding());
    }

    /** Nothing of an asynchronous queue can be overtaken: what comes synchronously is counted as failed. */
    @Test
    void aSynchronousBurstSendsNothingBackPastCopies() throws ControlException {
        VirtQueue to = started(0);
        ProgramLink link = attach(queue(1));
        engine.hold(true);
        guest.toGuest().accept(0, HEADER + 400);
        fill(0, 1, LENGTH);
        assertEquals(1, to.submitEnqueueBurst(packets, 0, 1, channel));
        offer(2);
        assertEquals(0, queue(1).dequeueBurst(pool, done, 0, 8));
        assertEquals(1, link.count(Verdict.TX));
        assertEquals(1, queue(1).programs().transmitFailures());
        engine.hold(false);
        assertEquals(1, to.pollEnqueueCompleted(done, 0, 8, channel));
        done[0].release();
    }

    /** What is refused is refused as a whole: each packet is the caller's still, the dropped ones too. */
    @Test
    void aRefusedBurstGivesNothingAway() throws ControlException {
        VirtQueue queue = started(0);
        attach(queue);
        guest.toGuest().accept(0, HEADER + 400);
        fill(0, 4, LENGTH);
        Packet[] twice = {packets[0], packets[1], packets[2], packets[3], packets[1]};
        assertThrows(IllegalArgumentException.class, () -> queue.submitEnqueueBurst(twice, 0, 5, channel));
        Packet[] dropped = {packets[0], packets[0], packets[1]};
        assertThrows(IllegalArgumentException.class, () -> queue.submitEnqueueBurst(dropped, 0, 3, channel));
        Packet[] missing = {packets[0], packets[1], null};
        assertThrows(NullPointerException.class, () -> queue.submitEnqueueBurst(missing, 0, 3, channel));
        pool.release(packets, 0, 4);
        assertBalanced(0);
    }

    /** An engine that fails now and then, and a ring that stops while packets go back: all come to an end. */
    @Test
    void whatGoesBackSurvivesAnEngineThatFails() throws ControlException {
        start(features(), TestGuest.RING, FaultyDmaEngine.seeded(7).failureRate(0.3).depth(8).capacity(16));
        queue(0).registerAsync();
        queue(1).registerAsync();
        ProgramLink link = attach(queue(1));
        for (int i = 0; i < 60; i++) {
            offer(i);
            guest.toGuest().accept(i, HEADER + 400);
        }
        int ended = 0;
        int passed = 0;
        int looks = 0;
        while (link.packets() + counted(1, Counter.COPY_FAILED) < 30 && looks++ < 10_000) {
            int count = queue(1).tryDequeueBurst(pool, done, 0, 8, channel);
            pool.release(done, 0, count);
            passed += count;
            count = queue(0).pollEnqueueCompleted(done, 0, 8, channel);
            pool.release(done, 0, count);
            ended += count;
        }
        guest.control.stopRing(0);
        for (int i = 0; i < 200; i++) {
            int count = queue(1).tryDequeueBurst(pool, done, 0, 8, channel);
            pool.release(done, 0, count);
            passed += count;
        }
        int[] back = {ended};
        assertEquals(0, queue(0).drain(packet -> {
            packet.release();
            back[0]++;
        }, Duration.ofSeconds(10)));
        assertEquals(0, queue(1).getInflight());
        assertEquals(passed, link.count(Verdict.PASS));
        assertEquals(link.count(Verdict.TX), back[0] + queue(1).programs().transmitFailures());
        assertEquals(0, pool.outstanding());
    }
}
