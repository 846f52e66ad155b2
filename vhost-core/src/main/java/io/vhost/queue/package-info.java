/**
 * The life of one queue, whatever it carries: its lock, its counters, how it was set up, where it lies, and
 * its ring, which is attached, detached, moved, fenced, interrupted and waited for.
 *
 * <p>{@link io.vhost.queue.DeviceQueue} is what kinds of devices extend. It knows its device as a
 * {@link io.vhost.queue.QueueOwner} and what is done with its chains as a {@link io.vhost.queue.QueueUser},
 * and nothing of either. {@link io.vhost.queue.QueueLife} is its state, which nobody touches without the
 * lock; {@link io.vhost.queue.QueueControl} the side of the transport, which changes it;
 * {@link io.vhost.queue.CopySlots} and {@link io.vhost.queue.CopyTracker} what is copied asynchronously.
 * Applications see of it what {@code VirtQueue} inherits, and {@link io.vhost.state}.
 *
 * <p>Lock order: the connection's, then {@code access_lock}, then a DMA channel's. This package uses no
 * packets and no sockets; that some of the counters are named for packets has no other reason than that
 * network queues were first. It is not exported.
 */
package io.vhost.queue;
