package io.vhost.queue;

/**
 * What a queue's copies are up to.
 *
 * @param registered whether asynchronous copies are registered
 * @param inFlight packets that the library holds for them
 * @param oldestNanos age of the oldest of those whose copies have not ended; 0 for none
 * @param channel name of the channel that has the oldest of those; empty for none
 */
public record CopyStatus(boolean registered, int inFlight, long oldestNanos, String channel) {
    /** Nobody copies asynchronously. */
    public static final CopyStatus NONE = new CopyStatus(false, 0, 0, "");
}
