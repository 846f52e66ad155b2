/**
 * Channels as queues have them: {@link io.vhost.dma.channel.CopyChannel} has the copies that are under way by
 * an engine, and goes on with another engine where one fails or is held up.
 *
 * <p>Not exported: applications have {@code io.vhost.dma.DmaChannel}, and plug engines in
 * ({@link io.vhost.dma.engine}).
 */
package io.vhost.dma.channel;
