package io.vhost;

import java.util.function.BooleanSupplier;

/** How an actor gives the other one time. */
public final class Pause {
    private Pause() {}

    /** Widens the window in which the other actor can do harm. */
    public static void linger() {
        for (int i = 0; i < 20; i++) {
            Thread.onSpinWait();
        }
    }

    /** Waits for the other actor, but not for long: it may have to wait for this one. */
    public static void spinUntil(BooleanSupplier happened) {
        for (int i = 0; i < 400 && !happened.getAsBoolean(); i++) {
            Thread.onSpinWait();
        }
    }
}
