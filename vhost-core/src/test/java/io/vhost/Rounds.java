package io.vhost;

/**
 * How often a test repeats what it does by chance, or in great number: what {@code -Dname} says; unless it
 * says anything as often as is usual, and a fifth of that with {@code -Pquick}.
 */
public final class Rounds {
    private static final int QUICK = 5;

    private Rounds() { }

    /** What system property {@code name} says, otherwise {@code usual} or a fifth of it. */
    public static int of(String name, int usual) {
        return Integer.getInteger(name, Boolean.getBoolean("tests.quick") ? usual / QUICK : usual);
    }
}
