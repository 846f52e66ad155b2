package io.vhost.driver;

import io.vhost.net.Packet;
import java.nio.file.Path;

/**
 * A front-end in a process of its own, which sends numbered packets and takes what comes back until somebody
 * kills it. Words: the socket, and {@code split} or {@code packed}.
 */
public final class SendingFrontEnd {
    private static final int BURST = 16;

    private SendingFrontEnd() {}

    public static void main(String[] words) throws Exception {
        DriverConfig config =
                DriverConfig.defaults().withQueues(1, 64).withPackets(256, 2048, Integer.MAX_VALUE);
        Packet[] packets = new Packet[BURST];
        try (VirtioUser driver = VirtioUser.connect(
                Path.of(words[0]), words[1].equals("packed") ? config.withPackedRings() : config)) {
            driver.start();
            int sent = 0;
            boolean told = false;
            while (driver.isConnected()) {
                int count = driver.pool().take(packets, 0, BURST);
                for (int i = 0; i < count; i++) {
                    packets[i].reset(60);
                    int number = sent + i;
                    for (int at = 0; at < Integer.BYTES; at++) {
                        packets[i].putByte(at, number >>> (8 * at));
                    }
                }
                int accepted = driver.transmitBurst(0, packets, 0, count);
                sent += accepted;
                driver.pool().release(packets, accepted, count - accepted);
                int back = driver.receiveBurst(0, packets, 0, BURST);
                driver.pool().release(packets, 0, back);
                if (back > 0 && !told) {
                    System.out.println("flows");
                    told = true;
                }
            }
        }
    }
}
