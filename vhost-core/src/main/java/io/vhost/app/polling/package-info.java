/**
 * Threads that poll and what they do when there is nothing to do; queues that packets are given away to,
 * copied by the caller or by a DMA channel; the devices of a socket that are to be polled; and counters of
 * what has passed.
 */
package io.vhost.app.polling;
