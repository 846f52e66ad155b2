/**
 * One vhost device and its queues: what an application holds in its hands.
 *
 * <p>A {@link io.vhost.device.VhostDevice} is one connected front-end, a virtual machine or a DPDK process.
 * Its {@link io.vhost.device.VirtQueue}s come in pairs as virtio-net numbers them (virtio 1.2, 5.1.2): even
 * queues carry packets to the guest ({@link io.vhost.device.VirtQueue#enqueueBurst}), odd ones from it
 * ({@link io.vhost.device.VirtQueue#dequeueBurst}). A {@link io.vhost.device.DeviceListener} tells when
 * devices and queues come and go.
 *
 * <h2>Threads and locks</h2>
 * <ul>
 *   <li>The application polls queues from threads of its own. Each burst takes the queue's
 *       {@link io.vhost.device.VirtQueue#access_lock} once.
 *   <li>The connection's thread works on control messages. It takes one queue's lock at a time, and it calls
 *       the listener; {@link io.vhost.device.DeviceListener} states which lock is held in which callback.
 *   <li>Lock order: connection, then {@code access_lock}, then a DMA channel's or the packet pool's own.
 * </ul>
 *
 * <h2>Asynchronous copies</h2>
 * A {@link io.vhost.dma.DmaChannel} can make a queue's copies while the polling thread goes on. The device's
 * configuration names the {@link io.vhost.dma.DmaRegistry} whose channels its queues may use
 * ({@link io.vhost.device.VhostConfig.Builder#asyncCopy}); which channel, each call says. Any number of
 * queues may use one channel and a queue may use several, from any threads. Whose is a packet?
 * <ol>
 *   <li>{@code registerAsync()} prepares a queue whose ring is started. The registration stays when the ring
 *       stops and starts again, until {@code unregisterAsync()}. Without it asynchronous bursts return 0,
 *       so that a polling thread need not know what a callback in another thread does.
 *   <li>{@code submitEnqueueBurst} returns how many packets it accepted. Those are the library's: not to be
 *       changed, sent or released. The others are the application's still; the guest had no buffers for them,
 *       or the channel no room.
 *   <li>{@code pollEnqueueCompleted} gives packets back in the order of their submission, when their copies
 *       have ended: this is when the guest gets to see them. {@link io.vhost.net.Packet#isUndelivered} tells
 *       those that did not arrive. A packet is given back exactly once, whatever becomes of engine, ring,
 *       memory or connection.
 *   <li>{@code tryDequeueBurst} does both for packets from the guest: submits what the guest has sent, into
 *       packets that it takes from the pool, and returns those that have arrived, which are the
 *       application's. What did not arrive goes back to the pool and is counted.
 *   <li>{@code clearQueue} does the same as a poll in either direction and submits nothing;
 *       {@code drain} does so for all channels and for a limited time, to empty a queue for good.
 *   <li>{@code getInflight()} is the number of packets that the library has. {@code unregisterAsync()} is
 *       refused while it is not 0, so the way out is: {@code drain}, and if that says 0, unregister. So is
 *       {@link io.vhost.dma.DmaRegistry#unconfigure}, for the packets of a channel.
 * </ol>
 *
 * <p>The synchronous bursts work on a registered queue as well, while nothing is in flight.
 *
 * <h3>Which form in which callback</h3>
 * Control calls come in two forms. The safe one takes {@code access_lock}; the one whose name ends in
 * {@code ThreadUnsafe} is for callers that hold it. It checks that: a thread that does not hold this queue's
 * lock gets an {@link java.lang.IllegalMonitorStateException}, a line in the log, a count and a Flight
 * Recorder event, and nothing has changed. That another thread holds the lock is no excuse.
 * <table>
 *   <caption>Callbacks of a listener</caption>
 *   <tr><th>callback</th><th>lock held</th><th>form</th></tr>
 *   <tr><td>{@code vringStateChanged}</td><td>{@code access_lock} of exactly that queue</td>
 *       <td>{@code ThreadUnsafe}; the safe form works too, since the lock is re-entrant,
 *       and is counted</td></tr>
 *   <tr><td>{@code destroyDevice} and all others</td><td>none</td>
 *       <td>safe; {@code ThreadUnsafe} fails here</td></tr>
 * </table>
 * With Error Prone in the application's build the compiler checks it: annotate {@code vringStateChanged} with
 * {@code @GuardedBy("queue.access_lock")}, and a call of a {@code ThreadUnsafe} method anywhere without the
 * lock is an error.
 *
 * <h3>When a ring stops</h3>
 * Before a ring is disabled, moved, stopped or lost with its connection, the listener is told with
 * {@code vringStateChanged(queue, false)}, under the lock. It may poll and clear there, and unregister.
 * Packets that it leaves are waited for, at most {@link io.vhost.device.VhostConfig#copyTimeout}; then their
 * engine is given up. A channel of a single engine has failed then, with all its copies, for everybody. One
 * {@linkplain io.vhost.dma.DmaRegistry#configureReplaceable of a factory} goes on with another engine, which
 * makes the copies of others; the queue whose copies held it up is fenced, whichever queue was waiting.
 * The copies in progress cannot be ended: their packets are withheld, and the guest's memory stays mapped,
 * until they have. As long the queue takes no asynchronous submissions, also when its ring is back; the
 * chains of these packets are not given back to the guest but taken again.
 * Nothing writes into memory that is gone or somebody else's.
 * What has arrived is shown to the guest before its front-end gets an answer. The packets themselves
 * stay to be given back, by poll or clear, for as long as the queue object lives.
 *
 * <p>Such a channel also goes on when a copy takes that long while the ring runs, if its queue is polled all
 * the time.
 *
 * <p>An engine that fails, or breaks the rules of {@link io.vhost.dma.engine.DmaEngine}, is replaced too, a
 * few times a minute; without a factory it fails its channel. All packets with copies there come back as
 * undelivered, and their queues are fenced ({@link io.vhost.state.RingViolation#DMA_FAILED}) until the
 * front-end starts them again.
 *
 * <h2>Inside</h2>
 * {@code VirtQueue} takes the lock; a packet's way from there is in the package
 * {@code io.vhost.device.packet}, and what a queue is whatever it carries in {@code io.vhost.queue}. What a
 * network device is, and what features mean for its packets, is in {@code NetworkDevice}.
 *
 * <p>The transport's side of a device is the package {@code io.vhost.control}; the two share a
 * {@code DeviceLink}. None of these packages is exported.
 *
 * @since 0.1
 */
package io.vhost.device;
