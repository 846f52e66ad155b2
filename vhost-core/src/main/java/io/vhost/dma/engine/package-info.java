/**
 * What makes copies for channels: a {@link io.vhost.dma.engine.DmaEngine}. Two come with the library,
 * {@link io.vhost.dma.engine.WorkerDmaEngine} with a thread of its own and
 * {@link io.vhost.dma.engine.InlineDmaEngine} without; applications can plug in hardware.
 *
 * <p>Threads: an engine is used by one thread at a time, under its channel's lock.
 *
 * @since 0.1
 */
package io.vhost.dma.engine;
