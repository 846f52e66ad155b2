/**
 * The driver role: an application that is the guest's side, as DPDK's virtio-user is, and sends packets
 * through another process's vhost back-end.
 *
 * <p>{@link io.vhost.driver.VirtioUser} connects to a back-end's socket, shares memory with it and moves
 * packets without copying them: the packets' buffers lie in the shared memory, and the rings point at them.
 *
 * <p>{@link io.vhost.driver.DriverPort} is the same for programs whose back-ends may go and come while they
 * run. Both connect to a back-end that listens, or listen for one that connects.
 *
 * <h2>Ownership of packets</h2>
 * <p>{@link io.vhost.driver.VirtioUser#transmitBurst} takes over the packets that it accepts and puts them
 * back into their pool when the device has read them. {@link io.vhost.driver.VirtioUser#receiveBurst} hands
 * packets over: release them, or send them on.
 *
 * <h2>Threads</h2>
 * <p>One thread at a time may work on a queue; the receive and the transmit queues of a pair are independent,
 * and so are pairs. Start, stop and close are for one thread, while no burst is under way.
 *
 * @since 0.1
 */
package io.vhost.driver;
