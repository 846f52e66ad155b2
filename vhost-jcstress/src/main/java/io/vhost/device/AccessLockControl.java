package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.vhost.Pause;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Broken twins of the lock assertion: what {@link AccessLockStress} would see. */
public final class AccessLockControl {
    private AccessLockControl() {}

    /** Anybody's lock is enough, as in DPDK. Seen 215 times in 2,547. */
    @JCStressTest
    @Outcome(id = "1, -1", expect = ACCEPTABLE, desc = "The stranger was refused.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE_INTERESTING,
            desc = "The stranger was served under the owner's lock.")
    @State
    public static class AnyOwnersLockIsTakenForOnesOwn {
        private final BareQueue queue = BareQueue.submitted(0);

        private int call() {
            return queue.access_lock.isLocked() ? Outcomes.of(queue.path::inFlight) : Outcomes.WITHOUT_LOCK;
        }

        @Actor
        public void owner(II_Result r) {
            queue.access_lock.lock();
            try {
                r.r1 = call();
                Pause.linger();
            } finally {
                queue.access_lock.unlock();
            }
        }

        @Actor
        public void stranger(II_Result r) {
            queue.awaitHolder();
            r.r2 = call();
        }
    }

    /** Who looks for the lock when the work is done has done it without. Seen 1,267 times in 5,230. */
    @JCStressTest
    @Outcome(id = "1, -1", expect = ACCEPTABLE, desc = "The owner has registered, the stranger was refused.")
    @Outcome(id = "2, -1", expect = ACCEPTABLE_INTERESTING,
            desc = "The stranger has registered, though it was refused.")
    @Outcome(expect = FORBIDDEN, desc = "The check itself is wrong.")
    @State
    public static class ARefusedCallHasRegisteredWithTheCheckBehindIt {
        private final BareQueue queue = BareQueue.running();

        private int register() {
            int registered = Outcomes.of(queue.path::registerAsync);
            int checked = Outcomes.of(queue::checkLock);
            return checked == Outcomes.SERVED ? registered : checked;
        }

        @Actor
        public void owner(II_Result r) {
            queue.access_lock.lock();
            try {
                r.r1 = register();
            } finally {
                queue.access_lock.unlock();
            }
        }

        @Actor
        public void stranger(II_Result r) {
            r.r2 = register();
        }
    }

    /** A call lets go of the lock altogether instead of its own hold. Seen 789 times in 789. */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "Held to the end.")
    @Outcome(id = "-1", expect = ACCEPTABLE_INTERESTING, desc = "Held, and refused.")
    @State
    public static class AHoldIsLostWhenAnInnerCallLetsGoOfAll {
        private final BareQueue queue = BareQueue.submitted(0);

        private void letGo() {
            while (queue.access_lock.isHeldByCurrentThread()) {
                queue.access_lock.unlock();
            }
        }

        private void ask() {
            queue.access_lock.lock();
            try {
                queue.path.inFlight();
            } finally {
                letGo();
            }
        }

        @Actor
        public void reentrant(I_Result r) {
            queue.access_lock.lock();
            try {
                ask();
                r.r1 = Outcomes.of(queue::checkLock);
            } finally {
                letGo();
            }
        }

        @Actor
        public void other() {
            ask();
        }
    }
}
