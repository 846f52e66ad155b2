/**
 * One vhost device and its queues: what an application holds in its hands.
 *
 * <p>A {@link io.vhost.device.VhostDevice} is one connected front-end, a virtual machine or a DPDK process. Its
 * {@link io.vhost.device.VirtQueue}s come in pairs as virtio-net numbers them (virtio 1.2, 5.1.2): even queues carry
 * packets to the guest ({@link io.vhost.device.VirtQueue#enqueueBurst}), odd ones from it
 * ({@link io.vhost.device.VirtQueue#dequeueBurst}). A {@link io.vhost.device.DeviceListener} tells when devices and
 * queues come and go.
 *
 * <h2>Threads and locks</h2>
 * <ul>
 *   <li>The application polls queues from threads of its own. Each burst takes the queue's
 *       {@link io.vhost.device.VirtQueue#access_lock} once.
 *   <li>The connection's thread works on control messages. It takes one queue's lock at a time, and it calls the
 *       listener; {@link io.vhost.device.DeviceListener} states which lock is held in which callback.
 *   <li>Lock order: connection, then {@code access_lock}, then the packet pool's own.
 * </ul>
 *
 * <p>{@link io.vhost.device.DeviceControl} is the transport's side of a device; applications do not need it.
 */
package io.vhost.device;
