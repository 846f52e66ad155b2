package io.vhost.queue;

/** A change of what a front-end has said about one ring, made under the queue's lock. */
@FunctionalInterface
public interface RingChange {
    /**
     * Makes it.
     *
     * @throws ControlException if the front-end must not ask for it, and then nothing has changed
     */
    void apply(RingSetup setup) throws ControlException;
}
