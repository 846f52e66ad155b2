/**
 * Copies that somebody else makes: a thread, a DMA engine, an accelerator.
 *
 * <p>A {@link io.vhost.dma.engine.DmaEngine} makes the copies; two come with the library,
 * {@link io.vhost.dma.engine.WorkerDmaEngine} with a thread of its own and
 * {@link io.vhost.dma.engine.InlineDmaEngine} without, and applications can plug in hardware. A
 * {@link io.vhost.dma.DmaRegistry} makes a {@link io.vhost.dma.DmaChannel} of an engine, and queues submit to
 * channels; made of a factory, the channel outlives its engines, so that one guest's slow memory ends nobody
 * else's copies. Any number of queues may share a channel, and a queue may use several: a completion finds
 * its queue whoever comes across it.
 *
 * <p>Threads: a channel is used under its own lock, one thread at a time, and so is its engine. That lock is
 * the last in the lock order: nothing else is locked and nobody is called back under it, except that
 * completions are marked.
 *
 * @since 0.1
 */
package io.vhost.dma;
