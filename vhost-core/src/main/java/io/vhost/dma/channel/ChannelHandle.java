package io.vhost.dma.channel;

/** What an application has of a channel, without any of its methods: {@link ChannelAccess} leads back. */
public abstract class ChannelHandle {
    final CopyChannel channel;

    /** A handle on a channel. */
    protected ChannelHandle(CopyChannel channel) {
        this.channel = channel;
    }
}
