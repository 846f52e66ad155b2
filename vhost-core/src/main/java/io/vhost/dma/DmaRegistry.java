package io.vhost.dma;

import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The channels that a set of devices may use. A device is given its registry with its configuration, and its
 * queues accept that registry's channels only.
 *
 * <p>Threads: any.
 */
public final class DmaRegistry implements AutoCloseable {
    private final Set<DmaChannel> channels = ConcurrentHashMap.newKeySet();

    /** An empty registry. */
    public DmaRegistry() {}

    /**
     * Makes a channel of an engine, which belongs to the registry from then on.
     *
     * @param name for logs
     * @param engine what makes the copies
     * @return the channel
     */
    public DmaChannel configure(String name, DmaEngine engine) {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(engine, "engine");
        DmaChannel channel = new DmaChannel(this, name, engine);
        channels.add(channel);
        return channel;
    }

    /**
     * Ends a channel and closes its engine.
     *
     * @param channel one of this registry
     * @throws IllegalArgumentException when it is another registry's
     * @throws IllegalStateException when copies or packets are in flight, with their numbers, or when it was
     *     unconfigured before; nothing has changed then
     */
    public void unconfigure(DmaChannel channel) {
        if (channel.registry() != this) {
            throw new IllegalArgumentException("DMA channel " + channel + " belongs to another registry");
        }
        channel.close();
        channels.remove(channel);
    }

    /** {@return the configured channels, as they are at this moment} */
    public Set<DmaChannel> channels() {
        return Set.copyOf(channels);
    }

    /**
     * Unconfigures all channels.
     *
     * @throws IllegalStateException when some have copies or packets in flight; the others are closed
     */
    @Override
    public void close() {
        IllegalStateException refusal = null;
        for (DmaChannel channel : channels()) {
            try {
                unconfigure(channel);
            } catch (IllegalStateException e) {
                if (refusal == null) {
                    refusal = e;
                } else {
                    refusal.addSuppressed(e);
                }
            }
        }
        if (refusal != null) {
            throw refusal;
        }
    }
}
