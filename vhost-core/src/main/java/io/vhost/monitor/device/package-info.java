/**
 * Devices as the monitor sees them: {@link io.vhost.monitor.device.DeviceRegistry} keeps account of them,
 * {@link io.vhost.monitor.device.DeviceCommands} looks at them in the forms of QEMU's commands (virtio,
 * statistics) and our own (vhost), {@link io.vhost.monitor.device.StuckWatch} tells of queues that do not get
 * on. Waits for no lock of a queue longer than a bounded {@code tryLock}. For the server only.
 */
package io.vhost.monitor.device;
