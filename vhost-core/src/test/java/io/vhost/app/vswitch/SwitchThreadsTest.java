package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.polling.PortCounters;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several threads that poll the ports of one switch. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SwitchThreadsTest {
    private static final int THREADS = 2;
    private static final int FRAMES = 100_000;
    private static final long A = 0x02_00_00_00_00_01L;
    private static final long B = 0x02_00_00_00_00_02L;
    private static final long C = 0x02_00_00_00_00_03L;

    private final LearningSwitch ethernet = new LearningSwitch(512, Duration.ofMinutes(5), THREADS);

    /** One thread's end of a cable: it sends frames to others in turn, and counts what it is given. */
    private static class End implements Link {
        private final long own;
        private final long[] others;
        private final AtomicLong given;
        private int frames;
        private int calls;

        private End(long own, int frames, AtomicLong given, long... others) {
            this.own = own;
            this.frames = frames;
            this.given = given;
            this.others = others;
        }

        @Override
        public int receive(PacketPool pool, Packet[] packets, int offset, int count) {
            int wanted = Math.min(count, frames);
            int taken = pool.take(packets, offset, wanted);
            for (int i = offset; i < offset + taken; i++) {
                long to = others[frames-- % others.length];
                packets[i].reset(60);
                packets[i].putNetworkLong(0, to << 16 | own >>> 32);
                packets[i].putNetworkInt(8, (int) own);
            }
            return taken;
        }

        @Override
        public int send(Packet[] packets, int offset, int count) {
            // Now and then there is not enough room.
            int sent = ++calls % 7 == 0 ? count / 2 : count;
            for (int i = offset; i < offset + sent; i++) {
                packets[i].release();
            }
            given.addAndGet(sent);
            return sent;
        }
    }

    private static LearningSwitch.Links cable(long own, int frames, AtomicLong given, long... others) {
        return share -> new End(own, frames, given, others);
    }

    /** Polls with all threads until {@code total} frames have come, with something done meanwhile. */
    private void poll(long total, Runnable meanwhile) throws Exception {
        AtomicLong received = new AtomicLong();
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Future<?>> ends = new ArrayList<>();
            for (SwitchWorker worker : ethernet.workers()) {
                ends.add(threads.submit(() -> {
                    worker.begin();
                    while (received.get() < total && !Thread.currentThread().isInterrupted()) {
                        received.addAndGet(worker.poll(System.nanoTime()));
                    }
                }));
            }
            while (received.get() < total && ends.stream().noneMatch(Future::isDone)) {
                meanwhile.run();
            }
            for (Future<?> end : ends) {
                end.get(50, TimeUnit.SECONDS);
            }
        }
        assertEquals(total, received.get());
    }

    @Test
    void whatWasReceivedWasSentOrDropped() throws Exception {
        AtomicLong givenA = new AtomicLong();
        AtomicLong givenB = new AtomicLong();
        SwitchPort a = ethernet.attach(1, cable(A, FRAMES, givenA, B));
        SwitchPort b = ethernet.attach(1, cable(B, FRAMES, givenB, A));
        poll(2 * FRAMES, Thread::onSpinWait);
        PortCounters atA = a.counters();
        PortCounters atB = b.counters();
        assertEquals(FRAMES, atA.rxPackets());
        assertEquals(FRAMES, atB.rxPackets());
        assertEquals(FRAMES, atA.txPackets() + atA.dropPackets());
        assertEquals(FRAMES, atB.txPackets() + atB.dropPackets());
        assertEquals(givenA.get(), atA.txPackets());
        assertEquals(givenB.get(), atB.txPackets());
        assertTrue(atA.dropPackets() > 0, atA::toString);
        assertEquals(60L * FRAMES, atA.txBytes() + atA.dropBytes());
        ethernet.close();
    }

    /** Both threads send to it, and learn of it, while it comes and goes: no packet is lost track of. */
    @Test
    void aPortIsTakenAwayWhileOthersSendToIt() throws Exception {
        AtomicLong given = new AtomicLong();
        SwitchPort a = ethernet.attach(1, cable(A, FRAMES, new AtomicLong(), C, B));
        SwitchPort b = ethernet.attach(1, cable(B, FRAMES, new AtomicLong(), C, A));
        List<SwitchPort> all = new ArrayList<>();
        poll(2 * FRAMES, () -> {
            SwitchPort c = ethernet.attach(1, cable(C, 0, given, A));
            all.add(c);
            for (int i = 0; i < 100; i++) {
                Thread.onSpinWait();
            }
            ethernet.detach(c);
        });
        assertFalse(all.isEmpty());
        assertEquals(given.get(), all.stream().mapToLong(port -> port.counters().txPackets()).sum());
        assertEquals(2 * FRAMES, a.counters().plus(b.counters()).rxPackets());
        // Fails if a packet is not back in its thread's pool.
        ethernet.close();
    }

    @Test
    void whatOneThreadLearnsTheOtherKnows() {
        AtomicLong givenA = new AtomicLong();
        AtomicLong givenC = new AtomicLong();
        SwitchPort a = ethernet.attach(1, cable(A, 1, givenA, B));
        SwitchPort b = ethernet.attach(1, cable(B, 1, new AtomicLong(), A));
        SwitchPort c = ethernet.attach(1, cable(C, 0, givenC, A));
        assertTrue(a.isPolledBy(0, 0) && b.isPolledBy(1, 0) && c.isPolledBy(0, 0));
        assertEquals(1, ethernet.workers().get(0).poll(0));
        assertEquals(1, givenC.get());
        assertEquals(1, ethernet.workers().get(1).poll(0));
        assertEquals(1, givenA.get());
        assertEquals(1, givenC.get());
        ethernet.close();
    }

    /** The thread that receives from a port may sleep: nobody else hands over what a DMA channel copied. */
    @Test
    void whoeverSendsToAPortSettlesWhatItSent() {
        AtomicLong settled = new AtomicLong();
        SwitchPort a = ethernet.attach(1, cable(A, 0, new AtomicLong(), B));
        SwitchPort b = ethernet.attach(1, share -> new End(B, 0, new AtomicLong(), A) {
            @Override
            public void settle() {
                settled.addAndGet(share.thread() == 0 ? 1 : 100);
            }
        });
        assertTrue(a.isPolledBy(0, 0) && b.isPolledBy(1, 0));
        assertEquals(0, ethernet.workers().get(0).poll(0));
        assertEquals(1, settled.get());
        ethernet.close();
    }

    @Test
    void pairsAreDealtOutToTheThreadsThatHaveLeast() {
        SwitchPort first = ethernet.attach(1, cable(A, 0, new AtomicLong(), B));
        SwitchPort three = ethernet.attach(3, cable(B, 0, new AtomicLong(), A));
        assertEquals(List.of(0), pairs(first, 0));
        assertEquals(List.of(), pairs(first, 1));
        assertEquals(List.of(1), pairs(three, 0));
        assertEquals(List.of(0, 2), pairs(three, 1));
        for (int i = 0; i < 3; i++) {
            ethernet.detach(first);
            ethernet.detach(first);
            first = ethernet.attach(1, cable(A, 0, new AtomicLong(), B));
            assertEquals(List.of(0), pairs(first, 0));
        }
        ethernet.close();
    }

    private static List<Integer> pairs(SwitchPort port, int thread) {
        return IntStream.range(0, port.pairs()).filter(pair -> port.isPolledBy(thread, pair)).boxed()
                .toList();
    }

    @Test
    void aSwitchHasAThreadAndALinkIsOneThreads() {
        assertEquals("threads=0 must be at least 1", assertThrows(IllegalArgumentException.class,
                () -> new LearningSwitch(512, Duration.ofMinutes(5), 0)).getMessage());
        assertEquals("2 threads cannot share a link: give each one", assertThrows(IllegalStateException.class,
                () -> ethernet.attach(new End(A, 0, new AtomicLong(), B))).getMessage());
        ethernet.close();
    }
}
