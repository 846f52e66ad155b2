package io.vhost.queue;

/** The way from a queue, as applications have it, to what is for this module only. */
public final class QueueAccess {
    private QueueAccess() {}

    /** The transport's side of a queue. */
    public static QueueControl control(DeviceQueue queue) {
        return queue.control;
    }
}
