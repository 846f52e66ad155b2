package io.vhost.app.polling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vhost.device.VhostConfig;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.StuckCopies;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;

/** A program whose guest goes while a copy of its packet stands still. */
public final class StuckGuest {
    private static final int STUCK = 777;

    private final StuckCopies copies = new StuckCopies(STUCK);
    private final DmaRegistry registry = new DmaRegistry();
    private final DmaChannel channel = registry.configureReplaceable("shared", copies::engine);

    /** What the program is to offer. */
    public VhostConfig config() {
        return VhostConfig.builder().asyncCopy(registry).copyTimeout(Duration.ofMillis(20)).build();
    }

    /** Has a copy of a packet from a guest get stuck, and the guest go. */
    public void comeAndGo(Path socket) throws IOException, InterruptedException {
        try (VirtioUser guest = VirtioUser.connect(socket, DriverConfig.defaults())) {
            guest.start();
            Packet[] packets = {guest.pool().take()};
            packets[0].reset(STUCK);
            assertEquals(1, guest.transmitBurst(0, packets, 0, 1));
            copies.awaitStuck();
        }
    }

    /** The program ends with a message for its user; and completely once the copy has ended. */
    public void assertEnds(AutoCloseable program) throws Exception {
        // Of this kind is what the user gets in one line, with status 1.
        UncheckedIOException late = assertThrows(LateCopyException.class, program::close);
        assertEquals("1 packets are given up with this process: a guest has gone whose memory holds up a"
                + " copy, which has not ended", late.getCause().getMessage());
        assertThrows(IllegalStateException.class, registry::close);
        copies.release();
        while (DmaChannel.leftBehind() > 0) {
            Thread.onSpinWait();
        }
        program.close();
        assertEquals(0, channel.packetsInFlight());
        registry.close();
    }
}
