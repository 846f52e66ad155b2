package io.vhost.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.Feature;
import io.vhost.net.Packet;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A back-end is killed under traffic, again and again ({@code -Dkill.rounds}, 6), and its successor goes on
 * in the same rings. A packet that the dead one had taken and not sent back is lost with it; everything in
 * the rings must be accounted for: each buffer comes back, once, and no packet arrives a second time.
 */
@Tag("slow")
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BackEndKillTest extends VirtioUserFixture {
    private static final int ROUNDS = Integer.getInteger("kill.rounds", 6);
    private static final int BURST = 16;
    private static final int PACKETS = 256;
    private static final int RING = 64;
    private static final DriverConfig TRACKED =
            CONFIG.withQueues(1, RING).withPackets(PACKETS, 2048, Integer.MAX_VALUE).withInflight();

    private final Packet[] burst = new Packet[BURST];
    private int sent;
    private int received;
    private int latest = -1;

    private Program backEnd(String kind) {
        return MainProcess.start(List.of("-XX:+UseSerialGC", "-Xmx128m", "-XX:TieredStopAtLevel=1"),
                EchoBackEnd.class, path.toString(), kind);
    }

    private void listen(Program program) {
        program.await("ready");
        program.send("go");
        program.await("listening");
    }

    /** Sends what can be sent, and takes what has come back. */
    private void exchange(VirtioUser driver, boolean sends) {
        int count = sends ? driver.pool().take(burst, 0, BURST) : 0;
        for (int i = 0; i < count; i++) {
            burst[i].reset(60 + sent % 1000);
            for (int at = 0; at < Integer.BYTES; at++) {
                burst[i].putByte(at, sent >>> (8 * at));
            }
            sent++;
        }
        int accepted = driver.transmitBurst(0, burst, 0, count);
        sent -= count - accepted;
        driver.pool().release(burst, accepted, count - accepted);
        int back = driver.receiveBurst(0, burst, 0, BURST);
        for (int i = 0; i < back; i++) {
            int number = number(burst[i]);
            assertTrue(number > latest, "packet " + number + " came after " + latest);
            assertEquals(60 + number % 1000, burst[i].length());
            latest = number;
        }
        received += back;
        driver.pool().release(burst, 0, back);
        assertNull(driver.violation());
    }

    private static int number(Packet packet) {
        int number = 0;
        for (int at = 0; at < Integer.BYTES; at++) {
            number |= (packet.byteAt(at) & 0xFF) << (8 * at);
        }
        return number;
    }

    private void flow(VirtioUser driver, int packets) {
        int until = received + packets;
        while (received < until) {
            exchange(driver, true);
        }
    }

    @ParameterizedTest
    @CsvSource({"split,sync", "split,async", "packed,sync", "packed,async",
            "packed out of order,async"})
    void whatABackEndLeavesBehindIsTakenByItsSuccessor(String rings, String kind) throws IOException {
        DriverConfig config = rings.startsWith("packed") ? TRACKED.withPackedRings() : TRACKED;
        if (rings.endsWith("order")) {
            config = config.without(Feature.VIRTIO_F_IN_ORDER);
        }
        Random random = new Random(rings.hashCode() + kind.hashCode());
        Program present = backEnd(kind);
        try {
            listen(present);
            try (VirtioUser driver = VirtioUser.connect(path, config)) {
                for (int round = 0; round < ROUNDS; round++) {
                    flow(driver, 1 + random.nextInt(5000));
                    Program next = backEnd(kind);
                    Program dead = present;
                    present = next;
                    next.await("ready");
                    flow(driver, 1 + random.nextInt(500));
                    Program.signal("KILL", dead.pid());
                    for (int i = 0; i < 100; i++) {
                        exchange(driver, true);
                    }
                    dead.exitStatus();
                    next.send("go");
                    next.await("listening");
                    driver.reconnect();
                }
                flow(driver, 5000);
                while (driver.queue(1).ring.outstanding() > 0) {
                    exchange(driver, false);
                }
                for (int i = 0; i < 1000; i++) {
                    exchange(driver, false);
                }
                assertEquals(PACKETS, driver.pool().available() + driver.queue(0).ring.outstanding());
                assertEquals(0, driver.receiveDropped(0));
                System.out.printf("%s rings, %s copies: %d kills, %,d packets sent, %,d lost with one%n",
                        rings, kind, ROUNDS, sent, sent - received);
                assertTrue(sent - received <= ROUNDS * 4 * RING, "lost: " + (sent - received));
            }
        } finally {
            present.close();
        }
    }
}
