package io.vhost.driver;

/**
 * Is told when a {@link DriverPort} has a back-end and when not. All calls come from the port's own thread,
 * one after another, without any lock; the port may be closed in them.
 */
public interface DriverListener {
    /**
     * Packets pass from now on.
     *
     * @param port which
     */
    default void connected(DriverPort port) {}

    /**
     * Bursts find nothing and send nothing until {@link #connected} comes again. Told once after each
     * {@link #connected}, at the port's end too.
     *
     * @param port which
     */
    default void disconnected(DriverPort port) {}
}
