package io.vhost.dma.channel;

/** Learns that a copy is done. */
public interface CopyListener {
    /**
     * One copy is done. Called under the channel's lock, by whichever thread drains the channel:
     * mark it, and return.
     *
     * @param slot what the submitter called it
     * @param failed the bytes did not arrive
     */
    void copyDone(int slot, boolean failed);

    /**
     * This owner's copies have held the channel up for too long, and all of them fail: those that had not
     * begun at once, the others when they have ended. Called before the first of them, under the channel's
     * lock: mark it, and return.
     */
    default void evicted() {}
}
