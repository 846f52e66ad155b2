/**
 * The packets' way through one queue of a network device: between its ring and the application, or a DMA
 * channel. {@link io.vhost.device.VirtQueue} takes the lock and calls; everything here is used under it.
 *
 * <p>To the guest: {@code ToGuest} accounts, {@code EnqueuePlan} gathers chains and deals them out,
 * {@code EnqueueBurst} copies, and the ring publishes. From the guest: {@code FromGuest},
 * {@code DequeueBurst}, with {@code HeaderReader} for what the guest wrote before the data. Asynchronously
 * {@code AsyncEnqueue} and {@code AsyncDequeue} stand in the bursts' place and submit through
 * {@code CopyRun}; what is done comes back through {@code PacketPath} and {@link io.vhost.queue.CopySlots}.
 *
 * <p>This package knows no features, sockets or front-ends: what was negotiated for packets is a
 * {@code PacketFormat}. It is not exported.
 */
package io.vhost.device.packet;
