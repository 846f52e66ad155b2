package io.vhost.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A driver that waits instead of polling, with a back-end of ours. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VirtioUserWaitTest extends VirtioUserFixture {
    private static final int FOREVER = -1;

    private final BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();

    private VhostServer server() throws java.io.IOException {
        return VhostServer.listen(path, VhostConfig.defaults(), new DeviceListener() {
            @Override
            public void newDevice(VhostDevice device) {
                devices.add(device);
            }
        });
    }

    private static DriverConfig config(boolean packed) {
        return packed ? CONFIG.withPackedRings() : CONFIG;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void packetsEndTheWaitWhetherTheyCameBeforeOrDuringIt(boolean packed) throws Exception {
        try (VhostServer _ = server();
                PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.connect(path, config(packed))) {
            VhostDevice device = devices.take();
            Packet packet = pool.take();
            packet.reset(60);
            Packet[] burst = {packet};
            driver.awaitPackets(0, 0);
            assertFalse(driver.awaitPackets(0, 0));
            int received = 0;
            for (int i = 0; i < 200; i++) {
                FutureTask<Integer> send = new FutureTask<>(() -> device.queue(0).enqueueBurst(burst, 0, 1));
                Thread.ofPlatform().start(send);
                int before = received;
                while (received == before) {
                    assertTrue(driver.awaitPackets(0, FOREVER));
                    int count = driver.receiveBurst(0, packets, 0, 4);
                    driver.pool().release(packets, 0, count);
                    received += count;
                }
                assertEquals(1, send.get());
            }
            packet.release();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void roomEndsTheWaitOfASenderWhoseRingIsFull(boolean packed) throws Exception {
        try (VhostServer _ = server();
                PacketPool pool = PacketPool.create(64, 2048);
                VirtioUser driver = VirtioUser.connect(path, config(packed))) {
            VhostDevice device = devices.take();
            assertTrue(driver.awaitRoom(0, FOREVER), "of an empty ring");
            int sent = 0;
            int accepted;
            do {
                accepted = driver.transmitBurst(0, new Packet[] {packet(driver, 60, 1)}, 0, 1);
                sent += accepted;
            } while (accepted == 1);
            packets[0].release();
            assertEquals(16, sent);
            driver.awaitRoom(0, 0);
            assertFalse(driver.awaitRoom(0, 0));
            FutureTask<Integer> take = new FutureTask<>(() -> {
                Packet[] taken = new Packet[1];
                int count = device.queue(1).dequeueBurst(pool, taken, 0, 1);
                pool.release(taken, 0, count);
                return count;
            });
            Thread.ofPlatform().start(take);
            assertTrue(driver.awaitRoom(0, FOREVER));
            assertEquals(1, driver.transmitBurst(0, new Packet[] {packet(driver, 60, 1)}, 0, 1));
            assertEquals(1, take.get());
        }
    }

    @Test
    @SuppressWarnings("try") // The server ends in the middle.
    void aWakeUpAnInterruptAndTheEndOfTheBackEndEndTheWait() throws Exception {
        try (VhostServer server = server(); VirtioUser driver = VirtioUser.connect(path, CONFIG)) {
            driver.awaitPackets(0, 0);
            driver.wakeUp();
            assertTrue(driver.awaitPackets(0, FOREVER));
            assertFalse(driver.awaitPackets(0, 0));
            Thread.currentThread().interrupt();
            assertTrue(driver.awaitPackets(0, FOREVER));
            assertTrue(Thread.interrupted());
            FutureTask<Boolean> wait = new FutureTask<>(() -> driver.awaitPackets(0, FOREVER));
            Thread thread = Thread.ofPlatform().start(wait);
            server.close();
            assertTrue(wait.get());
            thread.join();
            assertFalse(driver.isConnected());
            assertTrue(driver.awaitPackets(0, FOREVER), "again at once");
        }
    }

    @Test
    void aPairThatIsNotThereIsNamedWithThoseThatAre() throws Exception {
        try (VhostServer _ = server(); VirtioUser driver = VirtioUser.connect(path, CONFIG)) {
            for (int pair : new int[] {-1, 1, Integer.MAX_VALUE}) {
                String text = assertThrows(IndexOutOfBoundsException.class,
                        () -> driver.transmitBurst(pair, packets, 0, 0)).getMessage();
                assertEquals("pair=" + pair + " is not 0 to 0: DriverConfig.withQueues says how many queue"
                        + " pairs there are", text);
                assertThrows(IndexOutOfBoundsException.class, () -> driver.receiveBurst(pair, packets, 0, 1));
                assertThrows(IndexOutOfBoundsException.class, () -> driver.awaitRoom(pair, 0));
                assertThrows(IndexOutOfBoundsException.class, () -> driver.awaitPackets(pair, 0));
                assertThrows(IndexOutOfBoundsException.class, () -> driver.reclaim(pair));
                assertThrows(IndexOutOfBoundsException.class, () -> driver.receiveDropped(pair));
            }
            VhostDevice device = devices.take();
            String text = assertThrows(IndexOutOfBoundsException.class, () -> device.queue(2)).getMessage();
            assertTrue(text.endsWith(" has no queue 2, but 0 to 1: VhostConfig.queuePairs says how many pairs"
                    + " there are"), text);
        }
    }
}
