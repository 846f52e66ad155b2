package io.vhost.device;

import io.vhost.Pause;

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
        return of(() -> call.on(queue));
    }

    static int of(Runnable call) {
        try {
            call.run();
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
            Pause.linger();
            return outcome;
        } finally {
            queue.access_lock.unlock();
        }
    }
}
