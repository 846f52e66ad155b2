package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Another thread looks at the first descriptor of a burst only, as the other end does, and must find all the
 * others complete as soon as the first one is.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PackedPublicationTest {
    private static final int SIZE = 4000;
    /** No divisor of the size: bursts begin everywhere, and run across the end of the ring. */
    private static final int BURST = 3001;
    private static final int ROUNDS = 200;

    private final RingEnds ring = RingEnds.of(RingFormat.PACKED, SIZE, RingSuite.TO_GUEST);
    private final AtomicInteger round = new AtomicInteger(-1);
    private final AtomicInteger incomplete = new AtomicInteger();
    private final AtomicInteger checked = new AtomicInteger(-1);

    private long word(long position) {
        return PackedLayout.descWordAcquire(ring.window().segment, 16 * (position % SIZE));
    }

    private static boolean wrap(long position) {
        return position / SIZE % 2 == 0;
    }

    private boolean isThere(long position, boolean used) {
        return used ? PackedLayout.isUsed(word(position), wrap(position))
                : PackedLayout.isAvail(word(position), wrap(position));
    }

    private void watch(boolean used) {
        for (int i = 0; i < ROUNDS; i++) {
            while (round.get() != i) {
                Thread.onSpinWait();
            }
            long first = (long) BURST * i;
            while (!isThere(first, used)) {
                Thread.onSpinWait();
            }
            for (long position = first + BURST - 1; position > first; position--) {
                if (!isThere(position, used)) {
                    incomplete.incrementAndGet();
                    break;
                }
            }
            checked.set(i);
        }
    }

    private void run(boolean used) throws InterruptedException {
        Thread watcher = Thread.ofPlatform().daemon().start(() -> watch(used));
        ChainBatch batch = new ChainBatch(SIZE);
        for (int i = 0; i < ROUNDS; i++) {
            if (!used) {
                round.set(i);
            }
            for (int chain = 0; chain < BURST; chain++) {
                ring.driver().offer(chain, GuestWindow.BUFFERS, 64, true);
            }
            ring.driver().publish();
            if (!used) {
                await(i);
            }
            assertEquals(BURST, ring.device().gather(batch, BURST));
            if (used) {
                round.set(i);
            }
            ring.device().publish(batch);
            if (used) {
                await(i);
            }
            for (int chain = 0; chain < BURST; chain++) {
                assertEquals(chain, ring.driver().poll());
            }
        }
        watcher.join();
        assertEquals(0, incomplete.get());
    }

    private void await(int number) {
        while (checked.get() != number) {
            Thread.onSpinWait();
        }
    }

    @Test
    void theFirstUsedDescriptorOfABurstIsWrittenLast() throws InterruptedException {
        run(true);
    }

    @Test
    void theFirstAvailableDescriptorOfABurstIsWrittenLast() throws InterruptedException {
        run(false);
    }
}
