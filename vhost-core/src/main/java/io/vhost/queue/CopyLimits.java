package io.vhost.queue;

import java.time.Duration;

/**
 * How a queue's asynchronous copies are treated.
 *
 * @param threshold copies of fewer bytes are made by the submitting thread
 * @param stall a copy that takes longer is reported
 * @param timeout when a ring stops, how long its copies may still take before their channel is abandoned
 */
public record CopyLimits(int threshold, Duration stall, Duration timeout) {}
