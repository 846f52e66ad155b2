package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.locks.ReentrantLock;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Broken twins of the lock assertion: what {@link AccessLockStress} would see. */
public final class AccessLockControl {
    private AccessLockControl() {}

    /** Anybody's lock is enough, as in DPDK. Seen 2,160 times in 109,366. */
    @JCStressTest
    @Outcome(id = "1, -1", expect = ACCEPTABLE, desc = "The stranger was refused.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE_INTERESTING,
            desc = "The stranger was served under the owner's lock.")
    @State
    public static class AnyOwnersLockIsTakenForOnesOwn {
        private final ReentrantLock lock = new ReentrantLock();

        private int call() {
            return lock.isLocked() ? Outcomes.SERVED : Outcomes.WITHOUT_LOCK;
        }

        @Actor
        public void owner(II_Result r) {
            lock.lock();
            try {
                r.r1 = call();
                Outcomes.linger();
            } finally {
                lock.unlock();
            }
        }

        @Actor
        public void stranger(II_Result r) {
            r.r2 = call();
        }
    }

    /** Who looks for the lock when the work is done has done it without. Seen 638,663 times in 783,926. */
    @JCStressTest
    @Outcome(id = "1, -1", expect = ACCEPTABLE, desc = "The owner has registered, the stranger was refused.")
    @Outcome(id = "2, -1", expect = ACCEPTABLE_INTERESTING,
            desc = "The stranger has registered, though it was refused.")
    @Outcome(expect = FORBIDDEN, desc = "The check itself is wrong.")
    @State
    public static class ARefusedCallHasRegisteredWithTheCheckBehindIt {
        private final ReentrantLock lock = new ReentrantLock();
        private boolean registered;

        private int register() {
            boolean was = registered;
            registered = true;
            if (!lock.isHeldByCurrentThread()) {
                return Outcomes.WITHOUT_LOCK;
            }
            return was ? Outcomes.REFUSED : Outcomes.SERVED;
        }

        @Actor
        public void owner(II_Result r) {
            lock.lock();
            try {
                r.r1 = register();
            } finally {
                lock.unlock();
            }
        }

        @Actor
        public void stranger(II_Result r) {
            r.r2 = register();
        }
    }

    /**
     * The owner is noted without a count, and forgotten when the inner of two holds ends.
     * Seen 106,806 times in 106,806.
     */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "Held to the end.")
    @Outcome(id = "-1", expect = ACCEPTABLE_INTERESTING, desc = "Held, and refused.")
    @State
    public static class AHolderIsForgottenWithoutCount {
        private final ReentrantLock lock = new ReentrantLock();
        private volatile Thread owner;

        private void hold(Runnable work) {
            lock.lock();
            try {
                owner = Thread.currentThread();
                work.run();
                owner = null;
            } finally {
                lock.unlock();
            }
        }

        @Actor
        public void reentrant(I_Result r) {
            hold(() -> {
                hold(() -> {});
                r.r1 = Thread.currentThread().equals(owner) ? Outcomes.SERVED : Outcomes.WITHOUT_LOCK;
            });
        }

        @Actor
        public void other() {
            hold(() -> {});
        }
    }
}
