package io.vhost.app.polling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.os.CpuAffinity;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class PollingThreadTest {
    @Test
    void itPollsUntilItIsClosed() {
        AtomicInteger polls = new AtomicInteger();
        PollingThread thread =
                new PollingThread("p", OptionalInt.empty(), Idle.alone(), polls::incrementAndGet)
                        .start();
        Await.until("three polls", () -> polls.get() >= 3);
        thread.close();
        int after = polls.get();
        thread.close();
        assertEquals(after, polls.get());
        thread.check();
    }

    @Test
    void anInterruptDuringACloseIsKeptAndTheThreadHasEnded() {
        AtomicBoolean ended = new AtomicBoolean();
        AtomicBoolean closing = new AtomicBoolean();
        AtomicBoolean polls = new AtomicBoolean();
        PollingThread thread = new PollingThread("p", OptionalInt.empty(), Idle.alone(), () -> {
            polls.set(true);
            Await.until("somebody closes", closing::get);
            ended.set(true);
            return 1;
        }).start();
        Await.until("it polls", polls::get);
        Thread.currentThread().interrupt();
        closing.set(true);
        thread.close();
        assertTrue(Thread.interrupted());
        assertTrue(ended.get());
    }

    @Test
    void aThreadThatWasNeverStartedCanBeClosed() {
        new PollingThread("p", OptionalInt.empty(), Idle.sharing(), () -> 0).close();
    }

    @Test
    void itRunsOnItsCpu() {
        int[] allowed = CpuAffinity.allowedCpus();
        AtomicReference<int[]> seen = new AtomicReference<>();
        int cpu = allowed[allowed.length - 1];
        try (PollingThread thread =
                new PollingThread(
                                "p",
                                OptionalInt.of(cpu),
                                Idle.sharing(),
                                () -> {
                                    seen.set(CpuAffinity.allowedCpus());
                                    return 0;
                                })
                        .start()) {
            Await.until("a poll", () -> seen.get() != null);
            assertNull(thread.failure());
        }
        assertArrayEquals(new int[] {cpu}, seen.get());
    }

    @Test
    void aFailureEndsItAndIsKept() {
        IllegalArgumentException failure = new IllegalArgumentException("x");
        try (PollingThread thread =
                new PollingThread(
                                "p",
                                OptionalInt.empty(),
                                Idle.sharing(),
                                () -> {
                                    throw failure;
                                })
                        .start()) {
            Await.until("it fails", () -> thread.failure() != null);
            assertEquals(failure, assertThrows(IllegalStateException.class, thread::check).getCause());
        }
    }

    /** The JVM's text, which tells it from faults of the JVM. */
    @Test
    void memoryThatIsGoneEndsNoThreadThatKnowsWhomToAsk() {
        AtomicInteger polls = new AtomicInteger();
        AtomicInteger asked = new AtomicInteger();
        try (PollingThread thread = new PollingThread("p", OptionalInt.empty(), Idle.sharing(), () -> {
            if (polls.incrementAndGet() <= 3) {
                throw new InternalError("a fault occurred in a recent unsafe memory access operation in"
                        + " compiled Java code");
            }
            return 0;
        }, asked::incrementAndGet).start()) {
            Await.until("it goes on", () -> polls.get() > 3);
            assertEquals(3, asked.get());
            assertNull(thread.failure());
        }
    }

    @Test
    void anotherFaultOfTheJvmEndsIt() {
        InternalError failure = new InternalError("another");
        AtomicInteger asked = new AtomicInteger();
        try (PollingThread thread = new PollingThread("p", OptionalInt.empty(), Idle.sharing(), () -> {
            throw failure;
        }, asked::incrementAndGet).start()) {
            Await.until("it fails", () -> thread.failure() != null);
            assertEquals(failure, thread.failure());
            assertEquals(0, asked.get());
        }
    }
}
