package io.vhost.dma.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaRegistry;
import io.vhost.dma.ManualClock;
import io.vhost.dma.engine.CopySink;
import io.vhost.dma.engine.DmaEngine;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.dma.engine.StuckCopies;
import io.vhost.memory.GuestMemory;
import io.vhost.state.MemoryRegion;
import io.vhost.testing.FaultyDmaEngine;
import io.vhost.testing.FaultyDmaEngine.Breach;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Channels that go on with another engine. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ReplacedEngineTest {
    private static final int STUCK = 77;

    private final MemorySegment memory = Arena.ofAuto().allocate(64 * 1024, 64);
    private final DmaRegistry registry = new DmaRegistry();
    private final List<String> done = new CopyOnWriteArrayList<>();
    private final List<DmaEngine> engines = new ArrayList<>();

    private final class Owner implements CopyListener {
        private final String name;

        Owner(String name) {
            this.name = name;
        }

        @Override
        public void copyDone(int slot, boolean failed) {
            done.add(name + slot + (failed ? " failed" : ""));
        }

        @Override
        public void evicted() {
            done.add(name + " evicted");
        }
    }

    private void copy(CopyChannel channel, int to, int length, CopyListener owner, int slot) {
        channel.lock.lock();
        try {
            channel.copy(memory, 0, memory, to, length, owner, slot);
            channel.submit();
        } finally {
            channel.lock.unlock();
        }
    }

    private int capacity(CopyChannel channel) {
        channel.lock.lock();
        try {
            return channel.capacity();
        } finally {
            channel.lock.unlock();
        }
    }

    private static TimeoutException late() {
        return new TimeoutException("test");
    }

    @Test
    void onlyTheCopyInProgressIsLateAndOthersAreMadeByTheNextEngine() throws InterruptedException {
        StuckCopies copies = new StuckCopies(STUCK);
        CopyChannel channel = ChannelAccess.channel(registry.configureReplaceable("a", copies::engine));
        Owner slow = new Owner("slow ");
        Owner other = new Owner("other ");
        memory.set(ValueLayout.JAVA_LONG, 0, 42);
        copy(channel, 1024, STUCK, slow, 0);
        copies.awaitStuck();
        for (int i = 0; i < 40; i++) {
            copy(channel, 2048 + 64 * i, 64, other, i);
        }
        for (int i = 1; i < 4; i++) {
            copy(channel, 1024, 64, slow, i);
        }
        assertSame(slow, channel.served());
        channel.expire(channel.served(), 0, late());
        assertEquals(List.of("slow  evicted", "slow 1 failed", "slow 2 failed", "slow 3 failed"),
                done.stream().filter(text -> text.startsWith("slow")).toList());
        assertTrue(channel.isLate(slow));
        while (channel.inFlight() > 1) {
            channel.drain();
        }
        assertEquals(40, done.stream().filter(text -> text.matches("other \\d+")).count());
        assertEquals(42, memory.get(ValueLayout.JAVA_LONG, 2048 + 64 * 39));
        copies.release();
        while (channel.inFlight() > 0) {
            Thread.onSpinWait();
        }
        assertEquals(1, done.stream().filter("slow 0 failed"::equals).count());
        while (CopyChannel.leftBehind() > 0) {
            Thread.onSpinWait();
        }
        registry.close();
    }

    /** Who is not to blame has its late copies made again, when the old engine has ended. */
    @Test
    void aLateCopyOfAnInnocentOwnerIsMadeAgain() throws InterruptedException {
        StuckCopies copies = new StuckCopies(STUCK);
        CopyChannel channel = ChannelAccess.channel(registry.configureReplaceable("a", copies::engine));
        copy(channel, 1024, STUCK, new Owner("x"), 0);
        copies.awaitStuck();
        channel.expire(null, 0, late());
        channel.drain();
        assertEquals(List.of(), done);
        copies.release();
        while (channel.inFlight() > 0) {
            channel.drain();
        }
        assertEquals(List.of("x0"), done);
        assertEquals(2, copies.made().size());
        registry.close();
    }

    /** Who waits no longer leaves its memory to the copy until that has ended. */
    @Test
    void whoLeavesALateCopyKeepsItsMemoryMappedForIt() throws InterruptedException {
        GuestMemory guest = GuestMemory.of(memory, new MemoryRegion(0, 0, 64 * 1024, 0));
        StuckCopies copies = new StuckCopies(STUCK);
        CopyChannel channel = ChannelAccess.channel(registry.configureReplaceable("a", copies::engine));
        Owner slow = new Owner("slow ");
        Owner other = new Owner("other ");
        assertFalse(channel.holds(slow));
        copy(channel, 1024, STUCK, slow, 0);
        copies.awaitStuck();
        assertTrue(channel.holds(slow));
        assertFalse(channel.holds(other));
        assertFalse(channel.isLate(slow));
        assertFalse(channel.leave(slow, guest), "nothing is late");
        channel.expire(slow, 0, late());
        assertTrue(channel.isLate(slow) && channel.holds(slow));
        assertFalse(channel.isLate(other) || channel.holds(other));
        copy(channel, 2048, 64, slow, 1);
        assertFalse(channel.leave(slow, guest), "another copy of its is under way");
        while (channel.inFlight() > 1) {
            channel.drain();
        }
        assertEquals(List.of("slow  evicted", "slow 1"), done);
        assertFalse(channel.leave(other, guest));
        assertTrue(channel.leave(slow, guest));
        guest.release();
        guest.retain();
        guest.release();
        copies.release();
        while (channel.inFlight() > 0) {
            Thread.onSpinWait();
        }
        assertEquals(List.of("slow  evicted", "slow 1", "slow 0 failed"), done);
        while (isKept(guest)) {
            Thread.onSpinWait();
        }
        registry.close();
    }

    private static boolean isKept(GuestMemory guest) {
        try {
            guest.retain();
        } catch (IllegalStateException gone) {
            return false;
        }
        guest.release();
        return true;
    }

    @Test
    void aChannelWithoutAnotherEngineFailsAtOnceAndAClosedOneNever() {
        CopyChannel only = ChannelAccess.channel(registry.configure("only", new InlineDmaEngine()));
        assertFalse(only.isReplaceable());
        TimeoutException cause = late();
        only.expire(null, Long.MAX_VALUE, cause);
        assertSame(cause, only.failure());
        CopyChannel closed = ChannelAccess.channel(
                registry.configureReplaceable("closed", InlineDmaEngine::new));
        assertTrue(closed.isReplaceable());
        assertEquals("closed", closed.toString());
        assertEquals("closed", closed.name());
        registry.close();
        closed.expire(null, -1, late());
        assertEquals(0, closed.replacements());
        assertNull(closed.failure());
        assertEquals(0, capacity(closed));
    }

    /** Exactly at the time nobody is late; and who comes second finds a new engine. */
    @Test
    void anEngineHasItsTime() {
        CopyChannel channel = ChannelAccess.channel(registry.configureReplaceable("a", InlineDmaEngine::new));
        channel.expire(null, Long.MAX_VALUE, late());
        assertEquals(0, channel.replacements());
        channel.expire(null, -1, late());
        assertEquals(1, channel.replacements());
        channel.expire(null, 60_000_000_000L, late());
        assertEquals(1, channel.replacements());
        registry.close();
    }

    /** By the clock: each engine has its time from its own beginning. */
    @Test
    void aNewEngineHasTheWholeTimeAgain() {
        ManualClock clock = new ManualClock();
        DmaRegistry timed = clock.registry();
        CopyChannel channel = ChannelAccess.channel(timed.configureReplaceable("a", InlineDmaEngine::new));
        clock.advance(100);
        channel.expire(null, 100, late());
        assertEquals(0, channel.replacements());
        channel.expire(null, 99, late());
        assertEquals(1, channel.replacements());
        channel.expire(null, 99, late());
        assertEquals(1, channel.replacements());
        clock.advance(100);
        channel.expire(null, 99, late());
        assertEquals(2, channel.replacements());
        timed.close();
    }

    /** It must touch nothing more before others are told that their copies are made elsewhere. */
    @Test
    void anEngineIsStoppedBeforeItsCopiesAreTaken() {
        List<String> calls = new CopyOnWriteArrayList<>();
        CopyChannel channel = ChannelAccess.channel(registry.configureReplaceable("a", () -> {
            int number = engines.size();
            DmaEngine engine = new DmaEngine() {
                @Override
                public int depth() {
                    return 1;
                }

                @Override
                public int capacity() {
                    return 1;
                }

                @Override
                public void copy(MemorySegment source, long sourceOffset,
                        MemorySegment target, long targetOffset, int length, int token) {}

                @Override
                public void submit() {}

                @Override
                public int completed(int[] tokens, int offset, int count) {
                    return 0;
                }

                @Override
                public void stop() {
                    calls.add("stop " + number);
                }

                @Override
                public void handOver(CopySink rest) {
                    calls.add("take " + number);
                }

                @Override
                public void close() {}
            };
            engines.add(engine);
            return engine;
        }));
        channel.expire(null, -1, late());
        assertEquals(List.of("stop 0", "take 0"), calls.subList(0, 2));
        registry.close();
    }

    @Test
    void tooManyEnginesLeftBehindFailTheChannelForGood() throws InterruptedException {
        List<StuckCopies> all = new ArrayList<>();
        CopyChannel channel = ChannelAccess.channel(registry.configureReplaceable("a", () -> {
            all.add(new StuckCopies(STUCK));
            return all.getLast().engine();
        }));
        for (int i = 0; i <= EngineSuccession.LEFT_BEHIND; i++) {
            assertNull(channel.failure());
            assertTrue(capacity(channel) > 0);
            copy(channel, 1024, STUCK, new Owner("x"), i);
            all.getLast().awaitStuck();
            channel.expire(null, -1, late());
        }
        assertTrue(channel.failure().getMessage().contains("left behind"), channel.failure()::getMessage);
        assertEquals(0, capacity(channel));
        assertEquals(EngineSuccession.LEFT_BEHIND + 1, channel.inFlight());
        all.forEach(StuckCopies::release);
        while (channel.inFlight() > 0 || CopyChannel.leftBehind() > 0) {
            Thread.onSpinWait();
        }
        assertEquals(EngineSuccession.LEFT_BEHIND + 1, done.size());
        registry.close();
    }

    @ParameterizedTest
    @EnumSource(Breach.class)
    void anEngineThatFailsIsReplacedAFewTimes(Breach breach) {
        CopyChannel channel = ChannelAccess.channel(registry.configureReplaceable("a", () -> {
            FaultyDmaEngine engine = FaultyDmaEngine.seeded(3).build();
            engine.breakContract(breach);
            engines.add(engine);
            return engine;
        }));
        Owner owner = new Owner("x");
        int submitted = 0;
        while (channel.failure() == null) {
            if (capacity(channel) > 0) {
                copy(channel, 1024, 64, owner, submitted++);
            }
            if (submitted % 4 == 0) {
                channel.drain();
            }
        }
        assertEquals(EngineSupply.FAILURES, channel.replacements());
        assertEquals(EngineSupply.FAILURES + 1, engines.size());
        // Each engine is closed by a thread of its own, which may come late on a busy machine.
        while (channel.inFlight() > 0 || CopyChannel.leftBehind() > 0) {
            Thread.onSpinWait();
        }
        assertEquals(submitted, done.size());
        assertTrue(engines.stream().allMatch(engine -> ((FaultyDmaEngine) engine).isClosed()));
        registry.close();
    }

    @Test
    void aFactoryThatMakesNoEngineOfTheSameDepthFailsTheChannel() {
        CopyChannel channel = ChannelAccess.channel(registry.configureReplaceable("a", () -> {
            engines.add(FaultyDmaEngine.seeded(1).depth(8 + engines.size()).build());
            return engines.getLast();
        }));
        channel.abandon(late());
        assertNotNull(channel.failure());
        assertTrue(engines.stream().allMatch(engine -> ((FaultyDmaEngine) engine).isClosed()));
        registry.close();
    }
}
