package io.vhost.example;

import io.vhost.device.QueueWaiter;
import io.vhost.device.VirtQueue;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;

/** A thread that polls while there is work, and sleeps while there is none. */
final class WaitingLoop {
    private static final int IDLE_ROUNDS = 1000;

    private WaitingLoop() {}

    /**
     * @param running asked before each round
     * @param round one burst of each queue; how many packets it moved
     * @param queues from guests
     */
    static void run(BooleanSupplier running, IntSupplier round, VirtQueue... queues) {
        try (QueueWaiter waiter = new QueueWaiter()) {
            int idle = 0;
            while (running.getAsBoolean()) {
                idle = round.getAsInt() > 0 ? 0 : idle + 1;
                if (idle < IDLE_ROUNDS) {
                    Thread.onSpinWait();
                } else {
                    // Kicks are asked for in here, and no longer when it returns.
                    waiter.await(100, queues);
                    idle = 0;
                }
            }
        }
    }
}
