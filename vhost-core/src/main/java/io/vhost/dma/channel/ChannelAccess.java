package io.vhost.dma.channel;

/** The way from a channel, as applications have it, to what is for queues only. */
public final class ChannelAccess {
    private ChannelAccess() {}

    /**
     * {@return the channel, as queues have it; null for null}
     *
     * @param handle what the application has
     */
    public static CopyChannel channel(ChannelHandle handle) {
        return handle == null ? null : handle.channel;
    }
}
