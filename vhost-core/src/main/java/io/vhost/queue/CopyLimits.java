package io.vhost.queue;

import java.time.Duration;

/**
 * How a queue's asynchronous copies are treated.
 *
 * @param threshold copies of fewer bytes are made by the submitting thread
 * @param stall a copy that takes longer is reported
 * @param timeout how long copies may take, when a ring stops from then on, before their engine is given up
 */
public record CopyLimits(int threshold, Duration stall, Duration timeout) {}
