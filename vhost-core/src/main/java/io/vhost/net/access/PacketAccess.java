package io.vhost.net.access;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;

/**
 * What queues say of packets, and applications must not. The class of packets gives it away when it is
 * initialized, to whoever in this module asks.
 *
 * @param <P> packets
 */
public abstract class PacketAccess<P> {
    private static volatile PacketAccess<?> given;

    /** For the class of packets. */
    protected PacketAccess() {}

    /** For the class of packets: how this is done. */
    public static void give(PacketAccess<?> access) {
        given = access;
    }

    /**
     * How this is done.
     *
     * @param <P> packets
     * @param type their class, which gave it away
     */
    @SuppressWarnings("unchecked") // There is one class of packets.
    public static <P> PacketAccess<P> of(Class<P> type) {
        try {
            MethodHandles.lookup().ensureInitialized(type);
        } catch (IllegalAccessException e) {
            throw new IllegalArgumentException(type + " is no class of packets", e);
        }
        return (PacketAccess<P>) given;
    }

    /**
     * Says whether a queue has the packet. Between the two calls it is nobody else's.
     *
     * @param packet of which
     * @param value true when a queue accepts it, false when it is given back
     * @throws IllegalStateException if the packet is in its pool, or in the state that it is to get
     */
    public abstract void inFlight(P packet, boolean value);

    /**
     * Says whether the packet was delivered, when it is given back after an asynchronous copy.
     *
     * @param packet of which
     * @param value true when it was not
     */
    public abstract void undelivered(P packet, boolean value);

    /**
     * The packet's buffer from its first byte of headroom to its last of tailroom. The same segment each
     * time, so that asking allocates nothing; it outlives the packet's stay with its owner.
     *
     * @param packet of which
     */
    public abstract MemorySegment buffer(P packet);

    /**
     * Says where in its buffer the data is. Offload fields keep naming the same bytes, as with
     * {@code prepend} and {@code trimHead}.
     *
     * @param packet that is the caller's
     * @param headroom bytes in front of the data, 0 or more
     * @param length bytes of data, 0 or more
     * @throws IllegalArgumentException if the data would not be inside the buffer
     */
    public abstract void window(P packet, int headroom, int length);

    /**
     * Remembers, until the packet is taken or reset, who has let it pass and need not be asked again.
     *
     * @param packet that is the caller's
     * @param by who; null: nobody
     */
    public abstract void passed(P packet, Object by);

    /**
     * Who has let the packet pass; null if nobody has.
     *
     * @param packet of which
     */
    public abstract Object passedBy(P packet);
}
