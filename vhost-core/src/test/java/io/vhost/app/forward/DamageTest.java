package io.vhost.app.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.demo.Exchange;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.driver.DriverConfig;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.peer.TestPmd;
import io.vhost.server.VhostServer;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@link DpdkTest} takes for intact is intact: one byte of one packet is noticed. */
@Tag("peer")
class DamageTest {
    private static final int PACKETS = 10_000;
    private static final int NONE = -1;

    @TempDir
    private Path directory;

    @BeforeEach
    void needs() {
        TestPmd.require();
    }

    /** Moves packets between two front-ends, and damages one byte of one packet of the second one. */
    private static final class Bridge implements Runnable {
        private final AtomicReferenceArray<VhostDevice> devices = new AtomicReferenceArray<>(2);
        private final int damaged;
        private int passed;
        private volatile boolean stopped;

        Bridge(int damaged) {
            this.damaged = damaged;
        }

        DeviceListener side(int number) {
            return new DeviceListener() {
                @Override
                public void newDevice(VhostDevice device) {
                    devices.set(number, device);
                }

                @Override
                public void destroyDevice(VhostDevice device) {
                    devices.set(number, null);
                }
            };
        }

        @Override
        public void run() {
            Packet[] packets = new Packet[32];
            try (PacketPool pool = PacketPool.create(64, 2048)) {
                while (!stopped) {
                    VhostDevice theirs = devices.get(0);
                    VhostDevice ours = devices.get(1);
                    if (theirs == null || ours == null) {
                        Thread.onSpinWait();
                        continue;
                    }
                    move(theirs, ours, pool, packets);
                    passed += move(ours, theirs, pool, packets);
                }
            }
        }

        private int move(VhostDevice from, VhostDevice to, PacketPool pool, Packet[] packets) {
            int count = from.queue(1).dequeueBurst(pool, packets, 0, packets.length);
            if (from == devices.get(1) && damaged >= passed && damaged < passed + count) {
                Packet packet = packets[damaged - passed];
                int last = packet.length() - 1;
                packet.putByte(last, packet.byteAt(last) ^ 1);
            }
            to.queue(0).enqueueBurst(packets, 0, count);
            pool.release(packets, 0, count);
            return count;
        }
    }

    @ParameterizedTest
    @CsvSource(value = {"packed_vq=0", "packed_vq=1"}, delimiter = ';')
    void oneByteOfOnePacketIsNoticed(String path) throws Exception {
        assertEquals(PACKETS, pass(path, NONE));
        AssertionError damage = assertThrows(AssertionError.class, () -> pass(path, PACKETS / 2));
        assertTrue(damage.getMessage().contains("expected: <0> but was: <1>"), damage.getMessage());
    }

    private long pass(String path, int damaged) throws Exception {
        Path theirs = directory.resolve("theirs");
        Path ours = directory.resolve("ours");
        boolean packed = path.equals("packed_vq=1");
        DriverConfig driver = DriverConfig.defaults();
        Bridge bridge = new Bridge(damaged);
        Thread poller = Thread.ofPlatform().name("bridge").start(bridge);
        try (VhostServer _ = VhostServer.listen(theirs, VhostConfig.defaults(), bridge.side(0));
                VhostServer _ = VhostServer.listen(ours, VhostConfig.defaults(), bridge.side(1));
                TestPmd front = TestPmd.frontEnd(theirs).cpu(1).device(path).mode("macswap").start()) {
            front.start();
            try (Exchange exchange = Exchange.loop(
                    ours, packed ? driver.withPackedRings() : driver, 0, PACKETS, true).start()) {
                return exchange.finish();
            }
        } finally {
            bridge.stopped = true;
            poller.join();
        }
    }
}
