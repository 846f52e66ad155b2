package io.vhost.monitor.json;

/**
 * What all clients of a server together may hold of the heap with what they have sent. Each has a little of
 * its own, which is plenty for a command; what goes beyond comes out of one common store, so that however
 * many clients there are, and whatever they send, the sum is bounded.
 *
 * <p>Thread: one for a budget and all its shares.
 */
public final class InputBudget {
    /** What each client may hold whatever the others do, in bytes. */
    public static final int OWN = 64 * 1024;

    private final long common;
    private long used;

    /**
     * A budget of which nothing is used.
     *
     * @param common what all clients together may hold beyond {@link #OWN} bytes each, in bytes
     */
    public InputBudget(long common) {
        this.common = common;
    }

    /** The part of one more client. */
    public Share share() {
        return new Share();
    }

    /** Bytes of the common store that are in use. */
    public long used() {
        return used;
    }

    /** One client's part. What a command still needs after its client has left is given back then. */
    public final class Share {
        private long held;

        private Share() {}

        /** Takes so many bytes; false, and none are taken, if there is no room for them. */
        public boolean take(long bytes) {
            long beyond = beyond(held + bytes) - beyond(held);
            if (used + beyond > common) {
                return false;
            }
            used += beyond;
            held += bytes;
            return true;
        }

        /** Gives bytes back that were taken. */
        public void give(long bytes) {
            used -= beyond(held) - beyond(held - bytes);
            held -= bytes;
        }

        /** Bytes that are taken. */
        public long held() {
            return held;
        }

        private static long beyond(long bytes) {
            return Math.max(0, bytes - OWN);
        }
    }
}
