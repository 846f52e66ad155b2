package io.vhost.example;

import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import java.io.IOException;
import java.nio.file.Path;
import org.HdrHistogram.Histogram;

/**
 * Sends packets to a back-end that sends them back, and measures how long each is under way: a driver, as a
 * guest or a DPDK program has one.
 */
public final class Generator {
    /** Behind an Ethernet header. */
    private static final int TIME = 14;
    private static final long LONGEST_NANOS = 10_000_000_000L;

    private final Histogram latency = new Histogram(LONGEST_NANOS, 3);
    private final int size;
    private final int window;

    /** Packets of {@code size} bytes, at most {@code window} of them under way. */
    Generator(int size, int window) {
        this.size = size;
        this.window = window;
    }

    /** Nanoseconds that each packet took. */
    Histogram run(Path socket, long count) throws IOException {
        Packet[] packets = new Packet[32];
        try (VirtioUser driver = VirtioUser.connect(socket, DriverConfig.defaults())) {
            long sent = 0;
            while (latency.getTotalCount() < count) {
                long room = Math.min(window - (sent - latency.getTotalCount()), count - sent);
                sent += send(driver, packets, (int) Math.min(room, packets.length));
                if (receive(driver, packets) == 0 && sent - latency.getTotalCount() == window) {
                    driver.awaitPackets(0, 1000);
                    if (!driver.isConnected()) {
                        throw new IOException(socket + ": the back-end has gone");
                    }
                }
            }
        }
        return latency;
    }

    private int send(VirtioUser driver, Packet[] packets, int most) {
        int count = driver.pool().take(packets, 0, most);
        for (int i = 0; i < count; i++) {
            packets[i].reset(size);
            packets[i].putNetworkLong(TIME, System.nanoTime());
        }
        int sent = driver.transmitBurst(0, packets, 0, count);
        driver.pool().release(packets, sent, count - sent);
        return sent;
    }

    private int receive(VirtioUser driver, Packet[] packets) {
        int count = driver.receiveBurst(0, packets, 0, packets.length);
        long now = System.nanoTime();
        for (int i = 0; i < count; i++) {
            latency.recordValue(Math.clamp(now - packets[i].networkLongAt(TIME), 0, LONGEST_NANOS));
        }
        driver.pool().release(packets, 0, count);
        return count;
    }

    public static void main(String[] args) throws IOException {
        Histogram latency = new Generator(60, 32).run(Path.of(args[0]), Long.parseLong(args[1]));
        latency.outputPercentileDistribution(System.out, 1000.0);
    }
}
