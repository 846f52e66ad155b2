package io.vhost.monitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.control.DeviceControl;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.monitor.event.MonitorEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Of a queue whose lock cannot be had it is told in the second look without it, not sooner. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StuckWatchTest {
    private final List<MonitorEvent> events = new ArrayList<>();
    private final DeviceRegistry registry = new DeviceRegistry();
    private final StuckWatch watch = new StuckWatch(registry, events::add);
    private DeviceControl control;

    @BeforeEach
    void connect() {
        DeviceListener listener = registry.watch(new DeviceListener() {});
        control = DeviceControl.create("stuck", VhostConfig.defaults(), listener);
        control.connected();
    }

    @AfterEach
    void disconnect() {
        control.disconnected();
    }

    /** While another thread has the lock of a queue. */
    private void lookWhileBusy(int queue) throws InterruptedException {
        ReentrantLock lock = control.device().queue(queue).access_lock;
        CountDownLatch locked = new CountDownLatch(1);
        CountDownLatch looked = new CountDownLatch(1);
        Thread owner = Thread.ofPlatform().name("owner of " + queue).start(() -> {
            lock.lock();
            try {
                locked.countDown();
                looked.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            } finally {
                lock.unlock();
            }
        });
        locked.await();
        watch.look();
        looked.countDown();
        owner.join();
    }

    @Test
    void aQueueThatIsBusyInTwoLooksIsStuck() throws InterruptedException {
        lookWhileBusy(0);
        assertEquals(0, events.size());
        lookWhileBusy(0);
        assertEquals(1, events.size());
        assertEquals("VHOST_QUEUE_STUCK", events.getFirst().name());
        lookWhileBusy(0);
        assertEquals(2, events.size(), "it still is");
    }

    @Test
    void oneThatWasFreeInBetweenIsNot() throws InterruptedException {
        lookWhileBusy(0);
        watch.look();
        lookWhileBusy(0);
        assertEquals(0, events.size());
        lookWhileBusy(0);
        assertEquals(1, events.size());
    }

    @Test
    void twoQueuesThatAreBusyInTurnAreNot() throws InterruptedException {
        lookWhileBusy(0);
        lookWhileBusy(1);
        lookWhileBusy(0);
        assertEquals(0, events.size());
    }
}
