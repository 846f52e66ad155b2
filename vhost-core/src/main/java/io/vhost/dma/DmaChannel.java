package io.vhost.dma;

import io.vhost.dma.channel.ChannelHandle;
import io.vhost.dma.channel.CopyChannel;

/**
 * An engine in use, which may be shared by any number of queues. It stays the same when its engine is
 * replaced, see {@link DmaRegistry#configureReplaceable}.
 *
 * <p>Applications get channels from {@link DmaRegistry#configure} and hand them to queues. Threads: any.
 */
@SuppressWarnings("exports") // The superclass has nothing for applications.
public final class DmaChannel extends ChannelHandle {
    private final DmaRegistry registry;
    private final CopyChannel channel;

    DmaChannel(DmaRegistry registry, CopyChannel channel) {
        super(channel);
        this.registry = registry;
        this.channel = channel;
    }

    /** {@return the registry that this channel is configured in} */
    public DmaRegistry registry() {
        return registry;
    }

    /** {@return the name for logs} */
    public String name() {
        return channel.name();
    }

    /** {@return whether this channel was unconfigured} */
    public boolean isClosed() {
        return channel.isClosed();
    }

    /** {@return what broke the engine, or null} A channel with a failure takes no copies, for good. */
    public Throwable failure() {
        return channel.failure();
    }

    /** {@return whether it goes on with another engine when one fails or is held up} */
    public boolean isReplaceable() {
        return channel.isReplaceable();
    }

    /** {@return how many engines were replaced} */
    public int replacements() {
        return channel.replacements();
    }

    /** {@return engines of all channels of this process that were left behind and have not ended} */
    public static int leftBehind() {
        return CopyChannel.leftBehind();
    }

    /** {@return copies under way, of all queues} */
    public int inFlight() {
        return channel.inFlight();
    }

    /** {@return how many copies can be queued now, of all queues; another thread may be first} */
    public int capacity() {
        channel.lock.lock();
        try {
            return channel.capacity();
        } finally {
            channel.lock.unlock();
        }
    }

    /** {@return packets that were submitted here and that their queues have not given back} */
    public int packetsInFlight() {
        return channel.packetsInFlight();
    }

    /** Ends the channel, for the registry. */
    void close() {
        channel.close();
    }

    @Override
    public String toString() {
        return name();
    }
}
