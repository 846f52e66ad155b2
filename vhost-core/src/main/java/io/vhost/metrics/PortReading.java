package io.vhost.metrics;

import java.util.List;

/**
 * What has happened at one port: a socket, whoever is connected to it.
 *
 * @param port its name
 * @param connections since the beginning; only grows
 * @param connected front-ends that are connected at this moment
 * @param queues by index; none before the first front-end
 */
public record PortReading(String port, long connections, int connected, List<QueueReading> queues) {}
