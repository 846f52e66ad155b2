package io.vhost.memory;

/**
 * Makes the {@link InternalError} of an access to memory that is gone arrive where it can be caught.
 *
 * <p>Compiled code goes on behind the access, and the JVM throws at the next place where it looks whether the
 * thread has something else to do: at the end of a turn of a loop that may be endless, or of a method that
 * was not inlined. Without such a place before the end of a {@code try} the error arrives in a caller.
 */
public final class MemoryFault {
    /** In an array, so that the compiler does not know how many turns it takes. */
    private static final int[] TURNS = {2};

    /** The JVM's words, which are the same for an access that is noticed at once and one that is not. */
    private static final String TEXT = "unsafe memory access";

    private MemoryFault() {}

    /**
     * Whether an error is that of an access to memory that is gone. What else is an {@link InternalError}
     * is a fault of the JVM.
     */
    public static boolean isOne(Throwable error) {
        return error instanceof InternalError && error.getMessage() != null
                && error.getMessage().contains(TEXT);
    }

    /**
     * Throws what earlier accesses of this thread have left behind; the last statement of a {@code try} that
     * touches guest memory. Any thread; costs about as much as a load.
     */
    public static void surface() {
        // A shift, because the look is left out of loops whose turns can be counted.
        int turn = TURNS[0];
        while (turn != 0) {
            turn >>>= 1;
        }
    }
}
