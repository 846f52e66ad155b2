package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.DeviceQueue;
import io.vhost.ring.RingFormat;
import io.vhost.state.AccessLock;
import io.vhost.state.QueueCounters.Counter;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every public method of a queue whose name ends in ThreadUnsafe, found by that name: it serves the thread
 * that holds the lock and nobody else. Trap of DPDK's check, which asks whether anybody holds it.
 */
class ThreadUnsafeTest extends AsyncFixture {
    private final List<LogRecord> errors = new ArrayList<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord line) {
            if (line.getLevel().equals(Level.SEVERE)) {
                errors.add(line);
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    private final List<String> refused = new ArrayList<>();
    private final Recording recording = new Recording();
    private boolean eventsCompared = true;

    @TempDir
    private Path directory;

    static Stream<Method> unsafeMethods() {
        return Arrays.stream(VirtQueue.class.getMethods())
                .filter(method -> method.getName().endsWith("ThreadUnsafe"))
                .sorted(Comparator.comparing(Method::getName));
    }

    private interface Step {
        void run() throws Exception;
    }

    private static Object argument(Class<?> type, PacketPool pool, DmaChannel channel) {
        if (type == int.class) {
            return 0;
        }
        return type == Packet[].class ? new Packet[4]
                : type == DmaChannel.class ? channel : type == PacketPool.class ? pool
                : type == Duration.class ? Duration.ZERO
                : type == Consumer.class ? (Consumer<Packet>) Packet::release : null;
    }

    /** What the method throws; null if nothing. */
    private Throwable call(Method method, int queue) {
        Object[] arguments = Arrays.stream(method.getParameterTypes())
                .map(type -> argument(type, pool, channel)).toArray();
        try {
            method.invoke(queue(queue), arguments);
            return null;
        } catch (InvocationTargetException e) {
            return e.getCause();
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }

    /** One call is refused: text, log, counter; nothing has changed. */
    private void assertRefused(Method method, int queue) {
        errors.clear();
        long before = queue(queue).counters().get(Counter.LOCK_MISUSE);
        int holds = queue(queue).access_lock.getHoldCount();
        Throwable thrown = call(method, queue);
        refused.add(method.getName() + " " + queue);
        String begin = "(test-guest) queue " + queue + ": " + method.getName()
                + "() called without access lock taken, which ";
        String end = " call " + method.getName().replace("ThreadUnsafe", "") + "(), which takes it";
        assertEquals(IllegalMonitorStateException.class, thrown == null ? null : thrown.getClass());
        String text = thrown.getMessage();
        assertTrue(text.startsWith(begin) && text.endsWith(end), text);
        assertEquals(List.of(text), errors.stream().map(LogRecord::getMessage).toList());
        assertEquals(before + 1, queue(queue).counters().get(Counter.LOCK_MISUSE));
        assertEquals(holds, queue(queue).access_lock.getHoldCount());
    }

    /** Recording takes long to start, so there is one for all refusals of a test. */
    @BeforeEach
    void record() {
        Logger.getLogger("io.vhost.device").addHandler(handler);
        recording.enable("io.vhost.LockMisuse").withStackTrace();
        recording.start();
    }

    @AfterEach
    void eachRefusalIsAnEventWithItsStack() throws IOException {
        Logger.getLogger("io.vhost.device").removeHandler(handler);
        recording.stop();
        Path file = directory.resolve("recording.jfr");
        recording.dump(file);
        recording.close();
        List<RecordedEvent> events = RecordingFile.readAllEvents(file).stream()
                .filter(event -> event.getEventType().getName().equals("io.vhost.LockMisuse")).toList();
        if (!eventsCompared) {
            return;
        }
        // Events of several threads are in no order.
        assertEquals(refused.stream().sorted().toList(), events.stream()
                .map(event -> event.getString("call") + " " + event.getInt("index")).sorted().toList());
        for (RecordedEvent event : events) {
            assertEquals("test-guest", event.getString("device"));
            assertTrue(event.getStackTrace().getFrames().stream()
                    .anyMatch(frame -> frame.getMethod().getName().equals(event.getString("call"))));
        }
    }

    private void assertServed(Method method, int queue) {
        errors.clear();
        long before = queue(queue).counters().get(Counter.LOCK_MISUSE);
        int holds = queue(queue).access_lock.getHoldCount();
        Throwable thrown = call(method, queue);
        assertTrue(thrown == null || thrown.getClass() == IllegalStateException.class,
                () -> method + ": " + thrown);
        assertEquals(holds, queue(queue).access_lock.getHoldCount());
        assertEquals(before, queue(queue).counters().get(Counter.LOCK_MISUSE));
    }

    private void holding(int times, Step step) throws Exception {
        for (int i = 0; i < times; i++) {
            queue(0).access_lock.lock();
        }
        try {
            step.run();
            assertEquals(times, queue(0).access_lock.getHoldCount());
        } finally {
            for (int i = 0; i < times; i++) {
                queue(0).access_lock.unlock();
            }
        }
    }

    @Test
    void thereIsOneForEachControlCallAndEachHasASafeTwin() throws Exception {
        assertEquals(List.of("clearQueueThreadUnsafe", "drainThreadUnsafe", "getInflightThreadUnsafe",
                "registerAsyncThreadUnsafe", "unregisterAsyncThreadUnsafe"),
                unsafeMethods().map(Method::getName).toList());
        for (Method method : unsafeMethods().toList()) {
            String safe = method.getName().replace("ThreadUnsafe", "");
            assertEquals(method.getReturnType(),
                    VirtQueue.class.getMethod(safe, method.getParameterTypes()).getReturnType());
        }
    }

    @ParameterizedTest
    @MethodSource("unsafeMethods")
    void withoutTheLockItIsRefused(Method method) throws Exception {
        start(features(), 64, io.vhost.testing.FaultyDmaEngine.seeded(1));
        assertRefused(method, 0);
        assertRegistered(false);
        queue(0).registerAsync();
        assertRefused(method, 0);
        assertRegistered(true);
        assertEquals(0, queue(0).getInflight());
    }

    private void assertRegistered(boolean registered) {
        try {
            queue(0).getInflight();
            assertTrue(registered);
        } catch (IllegalStateException e) {
            assertTrue(!registered, e.getMessage());
        }
    }

    @ParameterizedTest
    @MethodSource("unsafeMethods")
    void theLockOfAnotherThreadDoesNotCount(Method method) throws Exception {
        started(0);
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        Thread holder = Thread.ofPlatform().start(() -> {
            queue(0).access_lock.lock();
            try {
                held.countDown();
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                queue(0).access_lock.unlock();
            }
        });
        held.await();
        try {
            assertTrue(queue(0).access_lock.isLocked());
            assertRefused(method, 0);
            assertEquals(holder, queue(0).access_lock.owner());
        } finally {
            release.countDown();
            holder.join();
        }
        assertRegistered(true);
    }

    @ParameterizedTest
    @MethodSource("unsafeMethods")
    void theLockOfAnotherQueueDoesNotCount(Method method) throws Exception {
        started(0);
        holding(1, () -> assertRefused(method, 1));
    }

    @ParameterizedTest
    @MethodSource("unsafeMethods")
    void heldOnceOrTwiceItIsServedAndTheHoldCountStays(Method method) throws Exception {
        start(features(), 64, io.vhost.testing.FaultyDmaEngine.seeded(1));
        for (int times = 1; times <= 2; times++) {
            holding(times, () -> assertServed(method, 0));
            queue(0).unregisterAsync();
        }
        queue(0).registerAsync();
        for (int times = 1; times <= 2; times++) {
            holding(times, () -> assertServed(method, 0));
        }
        assertEquals(0, guest.holds());
    }

    /** Exactly one callback has the lock, and of exactly one queue. */
    @ParameterizedTest
    @MethodSource("unsafeMethods")
    void inEachCallbackItIsServedOrRefusedAsTheContractSays(Method method) throws Exception {
        channel = registry.configure("test", io.vhost.testing.FaultyDmaEngine.seeded(1).build());
        guest = new TestGuest(features(), 64, VhostConfig.builder().asyncCopy(registry).build());
        List<String> seen = new ArrayList<>();
        List<Throwable> failures = new ArrayList<>();
        guest.listener.action = callback -> {
            try {
                seen.add(callback.split(" ")[0]);
                for (int i = 0; i < 2; i++) {
                    if (callback.startsWith("vring " + i)) {
                        assertServed(method, i);
                    } else {
                        assertRefused(method, i);
                    }
                }
            } catch (Throwable e) {
                failures.add(e);
            }
        };
        guest.start();
        guest.control.enable(0, false);
        guest.shareMemory();
        guest.control.stopRing(1);
        guest.control.disconnected();
        assertEquals(List.of(), failures);
        assertTrue(seen.containsAll(List.of("newConnection", "featuresChanged", "newDevice", "vring",
                "destroyDevice", "destroyConnection")), seen::toString);
    }

    /**
     * No public method leaves the lock held, or takes a hold away:
     * after a result, a refusal and an exception.
     */
    @Test
    void everyPublicMethodLeavesTheHoldCountAsItWas() throws Exception {
        // Once: a recording that begins when all this is compiled may miss the first events.
        eventsCompared = format == RingFormat.SPLIT;
        start(features(), 64, io.vhost.testing.FaultyDmaEngine.seeded(1));
        for (int round = 0; round < 6; round++) {
            if (round == 3) {
                guest.control.disconnected();
            }
            for (int queue = 0; queue < 2; queue++) {
                for (Method method : publicMethods()) {
                    for (int times = 0; times <= 2; times++) {
                        assertHoldsStay(method, queue, times);
                    }
                }
            }
        }
        guest.device.queue(0).unregisterAsync();
    }

    /** Those that every object has left out. */
    private static List<Method> publicMethods() {
        return Stream.of(VirtQueue.class, DeviceQueue.class)
                .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
                .filter(method -> java.lang.reflect.Modifier.isPublic(method.getModifiers()))
                .toList();
    }

    private void assertHoldsStay(Method method, int queue, int times) {
        AccessLock lock = queue(queue).access_lock;
        for (int i = 0; i < times; i++) {
            lock.lock();
        }
        if (method.getName().endsWith("ThreadUnsafe") && times == 0) {
            refused.add(method.getName() + " " + queue);
        }
        call(method, queue);
        assertEquals(times, lock.getHoldCount(), method::toString);
        for (int i = 0; i < times; i++) {
            lock.unlock();
        }
    }
}
