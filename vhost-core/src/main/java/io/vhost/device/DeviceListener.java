package io.vhost.device;

/**
 * What an application is told about its devices. All methods do nothing unless overridden.
 *
 * <p>All are called by the thread of the device's connection, one at a time per device. A callback that
 * blocks holds up its own connection only. An exception from a callback is logged and otherwise ignored.
 * The order is
 *
 * <pre>
 * newConnection  ( featuresChanged | vringStateChanged | newDevice ... destroyDevice )*  destroyConnection
 * </pre>
 *
 * <p>Which lock is held is part of each method's contract, on every path:
 * {@link #vringStateChanged} runs with exactly that queue's {@link VirtQueue#access_lock},
 * all others with none.
 */
public interface DeviceListener {
    /**
     * A front-end has connected; nothing is negotiated. {@link VhostDevice#frontEnd} says who it is, and
     * {@link VhostDevice#disconnect} turns it away. Lock held: none.
     */
    default void newConnection(VhostDevice device) {}

    /**
     * The front-end has chosen its features. Lock held: none.
     *
     * @param device whose front-end
     * @param features the negotiated feature bits, see {@link Feature}
     */
    default void featuresChanged(VhostDevice device, long features) {}

    /**
     * The device's first queue pair runs: start to poll. The request that made it run is answered when this
     * method has returned, so a front-end that waits for the answer sends to a device that is known. Do not
     * wait here for what the front-end does next. Lock held: none.
     */
    default void newDevice(VhostDevice device) {}

    /**
     * A queue begins or ceases to run. Lock held: exactly this queue's {@link VirtQueue#access_lock}. Do not
     * wait here for a thread that may be about to take the same lock.
     *
     * @param queue which
     * @param enabled whether bursts can move packets from now on
     */
    default void vringStateChanged(VirtQueue queue, boolean enabled) {}

    /** The device goes: stop to poll. Bursts that still come move nothing. Lock held: none. */
    default void destroyDevice(VhostDevice device) {}

    /** The front-end has gone. The device object is of no more use. Lock held: none. */
    default void destroyConnection(VhostDevice device) {}
}
