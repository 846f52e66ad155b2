package io.vhost.monitor.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Events that nobody takes. */
@Timeout(60)
class EventQueueTest {
    private final EventQueue queue = new EventQueue();

    @Test
    void beyondItsNumberEventsAreCountedAndTheFirstOnesStay() {
        for (int i = 0; i < EventQueue.MOST + 5; i++) {
            queue.offer(MonitorEvent.of("X", Map.of("i", i)));
        }
        assertEquals(5, queue.takeDropped());
        assertEquals(0, queue.takeDropped());
        for (int i = 0; i < EventQueue.MOST; i++) {
            assertTrue(queue.poll().message().contains("{\"i\": " + i + "}"));
        }
        assertNull(queue.poll());
        assertTrue(queue.isEmpty());
        queue.offer(MonitorEvent.of("Y"));
        assertEquals("Y", queue.poll().name());
    }

    @Test
    void beyondItsBytesToo() {
        String large = "x".repeat(EventQueue.MOST_BYTES / 4);
        for (int i = 0; i < 5; i++) {
            queue.offer(MonitorEvent.of("X", Map.of("text", large)));
        }
        assertEquals(2, queue.takeDropped());
        queue.offer(MonitorEvent.of("X", Map.of("text", large.repeat(5))));
        assertEquals(1, queue.takeDropped(), "one that is too large by itself");
        queue.offer(MonitorEvent.of("SMALL"));
        assertEquals(0, queue.takeDropped());
        int found = 0;
        while (queue.poll() != null) {
            found++;
        }
        assertEquals(4, found);
        for (int i = 0; i < 3; i++) {
            queue.offer(MonitorEvent.of("X", Map.of("text", large)));
        }
        assertEquals(0, queue.takeDropped(), "there is room again");
    }

    private static MonitorEvent weighing(int bytes) {
        int least = MonitorEvent.of("X", Map.of("text", "")).weight();
        return MonitorEvent.of("X", Map.of("text", "x".repeat(bytes - least)));
    }

    @Test
    void anEventMayTakeAllBytesButNotOneMore() {
        queue.offer(weighing(EventQueue.MOST_BYTES + 1));
        assertEquals(1, queue.takeDropped());
        for (int i = 0; i < 2; i++) {
            queue.offer(weighing(EventQueue.MOST_BYTES));
            assertEquals(0, queue.takeDropped());
            queue.offer(MonitorEvent.of("SMALL"));
            assertEquals(1, queue.takeDropped());
            assertEquals("X", queue.poll().name());
        }
        queue.offer(weighing(EventQueue.MOST_BYTES - 1000));
        queue.offer(weighing(1000));
        assertEquals(0, queue.takeDropped());
        queue.poll();
        queue.offer(weighing(EventQueue.MOST_BYTES - 999));
        assertEquals(1, queue.takeDropped());
    }

    /** What is dropped for its number takes no bytes. */
    @Test
    void eventsThatAreDroppedWeighNothing() {
        for (int i = 0; i < EventQueue.MOST; i++) {
            queue.offer(MonitorEvent.of("X"));
        }
        for (int i = 0; i < 1000; i++) {
            queue.offer(weighing(10_000));
        }
        assertEquals(1000, queue.takeDropped());
        while (queue.poll() != null) {
            // All goes.
        }
        queue.offer(weighing(EventQueue.MOST_BYTES));
        assertEquals(0, queue.takeDropped());
    }

    @Test
    void whatIsMadeOfAnApplicationsDataDoesNotChangeAnyMore() {
        List<Object> list = new ArrayList<>(List.of(1));
        queue.offer(MonitorEvent.of("X", Map.of("list", list)));
        list.add(2);
        assertTrue(queue.poll().message().contains("{\"list\": [1]}"));
    }

    @Test
    void fromManyThreadsEachIsThereOrCounted() throws InterruptedException {
        int threads = 4;
        int each = 20_000;
        List<Thread> posting = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            posting.add(Thread.ofPlatform().start(() -> {
                for (int j = 0; j < each; j++) {
                    queue.offer(MonitorEvent.of("X"));
                }
            }));
        }
        long found = 0;
        long dropped = 0;
        while (posting.stream().anyMatch(Thread::isAlive) || !queue.isEmpty()) {
            found += queue.poll() == null ? 0 : 1;
            dropped += queue.takeDropped();
        }
        for (Thread thread : posting) {
            thread.join();
        }
        assertEquals((long) threads * each, found + dropped);
        for (int i = 0; i < EventQueue.MOST; i++) {
            queue.offer(MonitorEvent.of("X"));
        }
        assertEquals(0, queue.takeDropped(), "all that was taken is given back");
    }
}
