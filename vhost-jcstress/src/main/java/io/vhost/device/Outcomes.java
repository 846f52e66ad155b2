package io.vhost.device;

import java.util.function.BooleanSupplier;

/** How a call ended, as a number. */
final class Outcomes {
    static final int SERVED = 1;
    static final int REFUSED = 2;
    static final int WITHOUT_LOCK = -1;

    private Outcomes() {}

    interface Call {
        void on(VirtQueue queue);
    }

    static int of(VirtQueue queue, Call call) {
        try {
            call.on(queue);
            return SERVED;
        } catch (IllegalMonitorStateException e) {
            return WITHOUT_LOCK;
        } catch (IllegalStateException e) {
            return REFUSED;
        }
    }

    /** The same under the queue's lock, which is kept long enough for the other actor to meet it. */
    static int underLock(VirtQueue queue, Call call) {
        queue.access_lock.lock();
        try {
            int outcome = of(queue, call);
            linger();
            return outcome;
        } finally {
            queue.access_lock.unlock();
        }
    }

    /** Waits for the other actor, but not for long: it may have to wait for this one. */
    static void spinUntil(BooleanSupplier happened) {
        for (int i = 0; i < 400 && !happened.getAsBoolean(); i++) {
            Thread.onSpinWait();
        }
    }

    /** Widens the window in which the other actor can do harm. */
    static void linger() {
        for (int i = 0; i < 20; i++) {
            Thread.onSpinWait();
        }
    }
}
