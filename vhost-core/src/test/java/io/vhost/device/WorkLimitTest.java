package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.ring.WorkBudget;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.testing.FaultyDmaEngine;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * How much of a burst a guest gets whose chains are more work than the packets in them, and that others are
 * not limited: each way, copied by the caller or by a channel.
 */
class WorkLimitTest extends AsyncFixture {
    private static final int BURST = 32;
    private static final int ROUNDS = 200;
    private static final int GRANT = BURST * WorkBudget.PER_PACKET;
    private static final int LONGEST = 65_562;

    private final PacketPool large = PacketPool.create(2 * BURST, PacketPool.DEFAULT_HEADROOM + LONGEST);
    private final Packet[] burst = new Packet[BURST];

    private void start(long features, int ringSize, int index, boolean async) throws ControlException {
        start(features, ringSize, FaultyDmaEngine.seeded(1).depth(4096));
        if (async) {
            queue(index).registerAsync();
        }
    }

    /** Offers chains, all of the same buffers, until so many are there. */
    private void offer(TestQueue queue, int chains, int... lengths) {
        while (queue.ring.poll() >= 0) {
            assertNull(queue.ring.violation());
        }
        long table = TestGuest.BORDER;
        long[] addresses = new long[lengths.length];
        Arrays.fill(addresses, TestGuest.GUEST + TestGuest.BUFFERS);
        int readable = queue.queue.isToGuest() ? 0 : lengths.length;
        while (queue.ring.outstanding() < chains) {
            assertTrue(lengths.length == 1
                    ? queue.ring.offer(0, addresses, lengths, readable, 1)
                    : queue.ring.offerIndirect(0, table, TestGuest.GUEST + table, addresses, lengths,
                            readable, lengths.length));
        }
        queue.ring.publish();
    }

    private static int[] each(int count, int length) {
        int[] lengths = new int[count];
        Arrays.fill(lengths, length);
        return lengths;
    }

    /** Takes a burst; how many chains it took from the ring. */
    private int receive(boolean async, int count) {
        VirtQueue queue = queue(1);
        int before = counted(1, Counter.SUBMITTED);
        int taken = async
                ? queue.tryDequeueBurst(large, burst, 0, count, channel)
                : queue.dequeueBurst(large, burst, 0, count);
        large.release(burst, 0, taken);
        return async ? counted(1, Counter.SUBMITTED) - before : taken;
    }

    /** Sends a burst; how many packets are done with. */
    private int send(boolean async, int count, int length) {
        VirtQueue queue = queue(0);
        assertEquals(count, large.take(burst, 0, count));
        for (int i = 0; i < count; i++) {
            burst[i].reset(length);
        }
        if (!async) {
            int sent = queue.enqueueBurst(burst, 0, count);
            large.release(burst, 0, count);
            return sent;
        }
        int sent = queue.submitEnqueueBurst(burst, 0, count, channel);
        large.release(burst, sent, count - sent);
        settle(queue, channel);
        return sent;
    }

    private void settle(VirtQueue queue, DmaChannel by) {
        while (queue.getInflight() > 0) {
            large.release(done, 0, queue.pollEnqueueCompleted(done, 0, BURST, by));
        }
    }

    /** On average what is granted, and never more than one chain beyond it. */
    private static void assertLimited(int[] packets, int cost) {
        int sum = 0;
        for (int count : packets) {
            assertTrue(count * cost < GRANT + cost, count + " packets in one burst");
            sum += count * cost;
        }
        assertTrue(sum <= packets.length * GRANT + cost, sum + " descriptors");
        assertTrue(sum >= (packets.length - 2) * GRANT * 0.95 - cost, "limited too much: " + sum);
    }

    @ParameterizedTest
    @CsvSource({"100, 0, false", "1000, 0, false", "13, 987, false",
                "100, 0, true", "1000, 0, true", "13, 987, true"})
    void chainsOfTinyBuffersFromTheGuestAreLimited(int bytes, int empty, boolean async)
            throws ControlException {
        start(features(), 256, 1, async);
        int[] lengths = each(bytes + empty, 1);
        Arrays.fill(lengths, 0, empty, 0);
        int[] packets = new int[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            offer(guest.fromGuest(), 64, lengths);
            packets[round] = receive(async, BURST);
        }
        while (async && queue(1).getInflight() > 0) {
            large.release(done, 0, queue(1).clearQueue(done, 0, BURST, channel));
        }
        assertLimited(packets, lengths.length + 1 - bytes / WorkBudget.BYTES_PER_DESCRIPTOR);
        assertEquals(Arrays.stream(packets).sum(), counted(1, Counter.PACKETS), "none is lost");
        assertEquals(Arrays.stream(packets).filter(count -> count == 0).count(),
                counted(1, Counter.WORK_LIMITED));
        assertNull(queue(1).violation());
    }

    /** The chain behind one that costs more than a burst has is never looked at: it would fence the queue. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void chainsThatNeverFitAreNotLookedAtAgainAndAgain(boolean async) throws ControlException {
        start(without(Feature.VIRTIO_NET_F_MRG_RXBUF), 64, 0, async);
        TestQueue queue = guest.toGuest();
        offer(queue, 1, each(1000, 1));
        queue.ring.offer(1, new long[] {0}, new int[] {1}, 0, 1);
        queue.ring.publish();
        int looks = 0;
        for (int round = 0; round < ROUNDS; round++) {
            int sent = send(async, BURST, 1000);
            assertTrue(sent == 0 || sent == BURST);
            looks += sent / BURST;
        }
        assertNull(queue.queue.violation());
        assertEquals(looks * BURST, counted(0, Counter.NO_ROOM));
        assertEquals(ROUNDS - looks, counted(0, Counter.WORK_LIMITED));
        assertTrue(looks <= ROUNDS * GRANT / 1000 + 1, looks + " times");
        assertTrue(looks >= ROUNDS * GRANT / 1100, looks + " times");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void packetsThatNeedManyTinyChainsAreLimited(boolean async) throws ControlException {
        start(features(), 2048, 0, async);
        int length = 43 * 12 - HEADER;
        int[] packets = new int[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            offer(guest.toGuest(), 1500, 12);
            packets[round] = send(async, BURST, length);
        }
        assertLimited(packets, 42);
        assertEquals(Arrays.stream(packets).sum(), counted(0, Counter.PACKETS));
    }

    /** Mergeable chains that are too few bytes all together, which is found anew for each packet. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void packetsThatTheWholeRingCannotHoldAreLimited(boolean async) throws ControlException {
        int size = 1024;
        start(features(), size, 0, async);
        int looks = 0;
        for (int round = 0; round < ROUNDS; round++) {
            offer(guest.toGuest(), size, 12);
            looks += send(async, BURST, 12 * size);
        }
        int cost = size - 12 * size / WorkBudget.BYTES_PER_DESCRIPTOR;
        assertEquals(looks, counted(0, Counter.NO_ROOM));
        assertTrue(looks * cost <= ROUNDS * GRANT + cost, looks + " times");
        assertTrue(looks * cost >= ROUNDS * GRANT / 2, looks + " times");
    }

    /** Buffers, bytes of each; 32 or 1 in a burst. */
    @ParameterizedTest
    @CsvSource({"1, 76", "2, 38", "3, 26", "1, 1526", "2, 763", "19, 8", "19, 3451", "23, 4", "34, 1928",
                "48, 1366", "50, 1311", "1, 65562"})
    void whatGuestsSendIsNotLimited(int buffers, int bytes) throws ControlException {
        start(features(), 64, 1, false);
        for (boolean async : new boolean[] {false, true}) {
            if (async) {
                queue(1).registerAsync();
            }
            for (int count : new int[] {BURST, 1, 2, BURST}) {
                for (int round = 0; round < 10; round++) {
                    offer(guest.fromGuest(), BURST, each(buffers, bytes));
                    assertEquals(count, receive(async, count), "burst " + round);
                }
            }
        }
        while (queue(1).getInflight() > 0) {
            large.release(done, 0, queue(1).clearQueue(done, 0, BURST, channel));
        }
        assertEquals(0, counted(1, Counter.WORK_LIMITED));
    }

    /** Buffers in each chain, bytes of each, bytes of the packets; 32 or 1 in a burst. */
    @ParameterizedTest
    @CsvSource({"1, 1526, 64", "1, 1526, 1514", "1, 1526, 9000", "1, 1526, 65550", "2, 1024, 1514",
                "19, 4096, 64", "19, 4096, 65550", "47, 4096, 64", "47, 1400, 65550", "1, 65562, 65550"})
    void whatGuestsLetInIsNotLimited(int buffers, int bytes, int length) throws ControlException {
        start(features(), 2048, 0, false);
        for (boolean async : new boolean[] {false, true}) {
            if (async) {
                queue(0).registerAsync();
            }
            for (int count : new int[] {BURST, 1, 2, BURST}) {
                for (int round = 0; round < 10; round++) {
                    offer(guest.toGuest(), 1500, each(buffers, bytes));
                    assertEquals(count, send(async, count, length), "burst " + round);
                }
            }
        }
        assertEquals(0, counted(0, Counter.NO_ROOM));
        assertEquals(0, counted(0, Counter.WORK_LIMITED));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRestartOfTheRingPaysNoDebt(boolean async) throws ControlException {
        start(features(), 64, 1, async);
        offer(guest.fromGuest(), 8, each(1000, 1));
        assertEquals(1, receive(async, 1));
        while (async && queue(1).getInflight() > 0) {
            large.release(done, 0, queue(1).clearQueue(done, 0, BURST, channel));
        }
        int base = guest.control.stopRing(1);
        guest.control.ringBase(1, base);
        guest.control.kick(1, null);
        assertTrue(queue(1).isRunning());
        int bursts = 1;
        while (receive(async, 1) == 0) {
            bursts++;
        }
        // The chain is its descriptors and the one of the table, less one for its bytes.
        assertEquals(1000 / WorkBudget.PER_PACKET, bursts);
        assertEquals(0, receive(async, 0), "asks for nothing, and is not limited");
        assertEquals(bursts - 1, counted(1, Counter.WORK_LIMITED));
    }
}
