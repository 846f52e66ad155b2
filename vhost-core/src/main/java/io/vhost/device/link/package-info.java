/**
 * What a device and its transport share: {@link io.vhost.device.link.DeviceLink} is one object of both. The
 * transport writes what its front-end said, the device shows applications what is for them; so nothing that
 * only the transport may do is a method of the device.
 *
 * <p>This package is not exported.
 */
package io.vhost.device.link;
