package io.vhost.dma;

import io.vhost.dma.channel.CopyChannel;
import io.vhost.dma.channel.EngineSupply;
import io.vhost.dma.engine.DmaEngine;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The channels that a set of devices may use. A device is given its registry with its configuration, and its
 * queues accept that registry's channels only.
 *
 * <p>Threads: any.
 */
public final class DmaRegistry implements AutoCloseable {
    private final Set<DmaChannel> channels = ConcurrentHashMap.newKeySet();

    private final LongSupplier clock;

    /** An empty registry. */
    public DmaRegistry() {
        this(System::nanoTime);
    }

    /** The same, with another clock for the age of engines. */
    DmaRegistry(LongSupplier clock) {
        this.clock = clock;
    }

    /**
     * Makes a channel of an engine, which belongs to the registry from then on. When the engine fails, or a
     * guest's memory holds one of its copies up beyond {@code VhostConfig.copyTimeout}, the channel has
     * failed for good, for all who use it: see {@link #configureReplaceable} for what serves several guests.
     * The engine is closed by whoever notices, who waits for its copy in progress without a limit.
     *
     * @param name for logs
     * @param engine what makes the copies
     * @return the channel
     */
    public DmaChannel configure(String name, DmaEngine engine) {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(engine, "engine");
        DmaChannel channel = new DmaChannel(this, new CopyChannel(this, name, engine, null, clock));
        channels.add(channel);
        return channel;
    }

    /**
     * Makes a channel that goes on when an engine fails or is held up: with the next one of a factory. Copies
     * that the old engine had not begun are made by the new one, in their order. The copies fail of the queue
     * whose memory held the old engine up, and that queue is fenced.
     *
     * <p>What the old engine may still be touching is withheld until it has ended: packets are not given back
     * to the application, chains not to the guest, and the guest's memory stays mapped; for
     * {@link io.vhost.dma.engine.WorkerDmaEngine}, that is its burst in progress, at most 64 copies. It ends
     * in the background. Engines that are held up that long are counted and logged as left behind. A channel
     * fails for good when eight of the process are and it needs another, when engines fail by themselves more
     * than four times within a minute, or when the factory throws.
     *
     * @param name for logs
     * @param engines makes an engine whenever it is called, all of the same depth. Called here, and later
     *     under the channel's lock by any thread that uses the channel
     * @return the channel
     */
    public DmaChannel configureReplaceable(String name, Supplier<? extends DmaEngine> engines) {
        Objects.requireNonNull(name, "name");
        EngineSupply supply = new EngineSupply(engines);
        DmaChannel channel = new DmaChannel(
                this, new CopyChannel(this, name, supply.first(), supply, clock));
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
