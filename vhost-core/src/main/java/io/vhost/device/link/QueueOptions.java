package io.vhost.device.link;

import io.vhost.dma.DmaRegistry;
import io.vhost.queue.CopyLimits;

/**
 * How the queues of a device are to be.
 *
 * @param pairs of receive and transmit queue
 * @param lockTiming whether it is measured how long locks are held
 * @param dma whose channels may copy; null: asynchronous copies are not enabled
 * @param copies how asynchronous copies are treated
 */
public record QueueOptions(int pairs, boolean lockTiming, DmaRegistry dma, CopyLimits copies) {}
