package io.vhost.dma.engine;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/**
 * Worker engines that stand still in each copy of one length, as in a page fault, until they are released;
 * then the copy is made, whatever has become of its memory.
 */
public final class StuckCopies {
    private final int length;
    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);
    private final List<String> made = new CopyOnWriteArrayList<>();

    /** Copies of so many bytes get stuck. */
    public StuckCopies(int length) {
        this.length = length;
    }

    /** Another engine. */
    public DmaEngine engine() {
        return new WorkerDmaEngine("stuck worker", () -> {}, Burst::new);
    }

    /** Waits until a copy is stuck. */
    public void awaitStuck() throws InterruptedException {
        begun.await();
    }

    /** Lets the copies be made that are stuck, and those to come. */
    public void release() {
        released.countDown();
    }

    /** One entry for each copy that was stuck and has been made. */
    public List<String> made() {
        return made;
    }

    private final class Burst extends CopyBurst {
        @Override
        void make(int i) {
            boolean stuck = length(i) == length;
            if (stuck) {
                begun.countDown();
                boolean waits = true;
                while (waits) {
                    try {
                        released.await();
                        waits = false;
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                }
            }
            super.make(i);
            if (stuck) {
                made.add("copy " + i);
            }
        }
    }
}
