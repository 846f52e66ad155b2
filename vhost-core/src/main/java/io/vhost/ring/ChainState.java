package io.vhost.ring;

/**
 * Which chains of a ring are in flight, by what names them, for in-flight tracking. Thread: that of the ring.
 *
 * <p>A chain that a predecessor had taken stays in flight from the beginning until it is given back, whether
 * it is with us at the moment or still to be taken.
 */
final class ChainState {
    private static final byte FREE = 0;
    /** Taken by a predecessor, and not yet by us. */
    private static final byte RESUBMITTED = 1;
    private static final byte TAKEN = 2;
    /** Taken by a predecessor, then by us. */
    private static final byte TAKEN_AGAIN = 3;

    private final byte[] state;

    ChainState(int size) {
        state = new byte[size];
    }

    /** A predecessor had it; false if that was said already. */
    boolean resubmit(int id) {
        boolean first = state[id] == FREE;
        state[id] = RESUBMITTED;
        return first;
    }

    /** Takes a chain; false if it is with us already. */
    boolean take(int id) {
        switch (state[id]) {
            case FREE -> state[id] = TAKEN;
            case RESUBMITTED -> state[id] = TAKEN_AGAIN;
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Whether a chain was taken that no predecessor had. */
    boolean isNew(int id) {
        return state[id] == TAKEN;
    }

    /** Whether a predecessor had it and we do not have it yet. */
    boolean isResubmitted(int id) {
        return state[id] == RESUBMITTED;
    }

    void takeBack(int id) {
        state[id] = state[id] == TAKEN_AGAIN ? RESUBMITTED : FREE;
    }

    void used(int id) {
        state[id] = FREE;
    }
}
