package io.vhost.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.server.VhostServer;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What queues have counted that come and go. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class QueueReadingTest {
    @TempDir
    private Path directory;

    private static QueueReading reading(VirtQueue queue, boolean... gone) {
        QueueReading reading = new QueueReading(queue.index(), queue.isToGuest());
        for (boolean each : gone) {
            reading.add(queue, each);
        }
        return reading;
    }

    @Test
    void locksAreHeldOneByOneAndWaitedForNow() throws Exception {
        BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();
        Path socket = directory.resolve("socket");
        try (VhostServer _ = VhostServer.listen(socket, VhostConfig.builder().lockTiming(true).build(),
                new DeviceListener() {
                    @Override
                    public void newDevice(VhostDevice device) {
                        devices.add(device);
                    }
                });
                VirtioUser _ = VirtioUser.connect(socket, DriverConfig.defaults())) {
            VirtQueue queue = devices.take().queue(1);
            Thread waiter = new Thread(() -> {
                queue.access_lock.lock();
                try {
                    assertTrue(queue.access_lock.acquired() > 0);
                } finally {
                    queue.access_lock.unlock();
                }
            });
            queue.access_lock.lock();
            try {
                waiter.start();
                Await.until("it waits", () -> queue.access_lock.waiters() == 1);
                assertEquals(1, reading(queue, true, false).lockWaiters());
                assertEquals(0, reading(queue, true).lockWaiters());
                assertEquals(0, reading(queue, false).copy().lockWaiters());
            } finally {
                queue.access_lock.unlock();
            }
            waiter.join();
            long before = queue.access_lock.longestHold().toNanos();
            QueueReading twice = reading(queue, true, false);
            long after = queue.access_lock.longestHold().toNanos();
            assertTrue(before > 0 && before <= twice.lockLongestHold() && twice.lockLongestHold() <= after,
                    () -> before + ", " + twice.lockLongestHold() + ", " + after);
            assertEquals(twice.lockLongestHold(), twice.copy().lockLongestHold());
            assertTrue(twice.lockAcquired() >= 2 * 2, "twice each of two");
        }
    }
}
