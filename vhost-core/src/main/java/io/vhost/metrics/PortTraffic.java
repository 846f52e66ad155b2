package io.vhost.metrics;

/**
 * What an application has counted at one port, over all connections. Counters only grow.
 *
 * @param port its name
 * @param connected whether packets can pass now
 * @param rxPackets packets that came in at the port, from the front-end or an interface
 * @param rxBytes bytes of those
 * @param txPackets packets that left by the port
 * @param txBytes bytes of those
 * @param droppedPackets packets for the port that it had no buffers for, or nobody to take them
 * @param droppedBytes bytes of those
 */
public record PortTraffic(
        String port,
        boolean connected,
        long rxPackets,
        long rxBytes,
        long txPackets,
        long txBytes,
        long droppedPackets,
        long droppedBytes) {}
