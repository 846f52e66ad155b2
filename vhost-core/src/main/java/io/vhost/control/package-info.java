/**
 * The transport's side of devices, which protocols and servers use: {@link io.vhost.control.DeviceControl} is
 * what a front-end may ask for, with its {@link io.vhost.control.DeviceMemory},
 * {@link io.vhost.control.DeviceInflight} and {@code DeviceRings}.
 *
 * <p>It changes queues through their {@link io.vhost.queue.QueueControl} and a device through its
 * {@link io.vhost.device.link.DeviceLink}. This package is not exported: applications see
 * {@code io.vhost.device}.
 */
package io.vhost.control;
