package io.vhost.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.device.Feature;
import io.vhost.net.Packet;
import io.vhost.os.Descriptor;
import io.vhost.os.Proc;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A driver of ours and a place for its back-end, after which nothing is left. */
abstract class VirtioUserFixture {
    static final DriverConfig CONFIG =
            DriverConfig.defaults().withPackets(64, 2048, Integer.MAX_VALUE).withQueues(1, 16);
    static final long MODERN =
            Feature.mask(Feature.VIRTIO_F_VERSION_1, Feature.VHOST_USER_F_PROTOCOL_FEATURES);
    static final int SIZE = 1000;

    @TempDir
    private Path directory;

    Path path;
    int descriptorsBefore;
    final Packet[] packets = new Packet[64];

    @BeforeEach
    void countDescriptors() {
        path = directory.resolve("back.sock");
        descriptorsBefore = Descriptor.openDescriptors();
    }

    @AfterEach
    void nothingIsLeft() throws IOException {
        assertEquals(descriptorsBefore, Descriptor.openDescriptors(), "open descriptors");
        assertEquals(List.of(), Proc.mapsOf("virtio-user"), "mappings");
    }

    static void assertAllAreBack(VirtioUser driver) {
        assertEquals(driver.pool().size(), driver.pool().available(), "packets in the pool");
    }

    Packet packet(VirtioUser driver, int size, int seed) {
        assertEquals(1, driver.pool().take(packets, 0, 1));
        packets[0].reset(size);
        for (int i = 0; i < size; i++) {
            packets[0].putByte(i, seed * 31 + i);
        }
        return packets[0];
    }

    static void assertPattern(Packet packet, int size, int seed) {
        assertEquals(size, packet.length());
        for (int i = 0; i < size; i++) {
            assertEquals((byte) (seed * 31 + i), (byte) packet.byteAt(i), "byte " + i);
        }
    }
}
