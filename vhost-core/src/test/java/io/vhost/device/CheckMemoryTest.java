package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.state.RingViolation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a polling thread asks whose error of lost memory came outside a burst. */
class CheckMemoryTest extends EachFormat {
    private static final long PAGE = 4096;

    @Test
    void memoryThatIsThereDisturbsNobody() throws Exception {
        try (TestGuest guest = running()) {
            assertTrue(guest.device.checkMemory());
            assertFalse(guest.device.isFailed());
            for (TestQueue queue : guest.queues) {
                assertTrue(queue.queue.isRunning());
                assertEquals(0, queue.queue.access_lock.getHoldCount());
            }
        }
    }

    /** All of it, all but the first page, the second region, and the last page. */
    @ParameterizedTest
    @ValueSource(longs = {0, PAGE, TestGuest.BORDER, TestGuest.SIZE - PAGE})
    void memoryThatIsGoneFencesTheQueuesAndFailsTheDevice(long left) throws Exception {
        try (TestGuest guest = running()) {
            guest.truncate(left);
            assertFalse(guest.device.checkMemory());
            assertTrue(guest.device.isFailed());
            for (TestQueue queue : guest.queues) {
                assertFalse(queue.queue.isRunning());
                assertEquals(RingViolation.MEMORY_LOST, queue.queue.violation());
            }
        }
    }

    @Test
    void aDeviceWithoutRingsHasNothingToLose() throws Exception {
        try (TestGuest guest = running()) {
            for (TestQueue queue : guest.queues) {
                guest.control.stopRing(queue.queue.index());
            }
            guest.truncate();
            assertTrue(guest.device.checkMemory());
            assertNull(guest.fromGuest().queue.violation());
        }
    }
}
