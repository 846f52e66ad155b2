/**
 * What can be seen of a device while it works: how it, its connection and its queues were at one moment, what
 * has been counted, which rule a guest broke, and who has a queue's lock.
 *
 * <p>{@link io.vhost.device.VhostDevice} and {@link io.vhost.device.VirtQueue} give them out. Except for the
 * counters and the lock nothing here changes once it was made.
 *
 * @since 0.1
 */
package io.vhost.state;
