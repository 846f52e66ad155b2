package io.vhost.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.channel.ChannelAccess;
import io.vhost.dma.channel.CopyChannel;
import io.vhost.dma.channel.CopyListener;
import io.vhost.dma.engine.DmaEngine;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.testing.FaultyDmaEngine;
import io.vhost.testing.FaultyDmaEngine.Breach;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Channels and their registry: whose copy is whose,
 * and what happens to copies when engines fail or are taken away.
 */
class DmaChannelTest {
    private final MemorySegment memory = Arena.ofAuto().allocate(64 * 1024, 64);
    private final DmaRegistry registry = new DmaRegistry();
    private final List<String> done = new ArrayList<>();

    private void copy(DmaChannel channel, int from, int to, CopyListener owner, int slot) {
        CopyChannel copies = ChannelAccess.channel(channel);
        copies.lock.lock();
        try {
            assertTrue(copies.capacity() > 0);
            copies.copy(memory, from, memory, to, 64, owner, slot);
            copies.submit();
        } finally {
            copies.lock.unlock();
        }
    }

    private CopyListener owner(String name) {
        return (slot, failed) -> done.add(name + slot + (failed ? " failed" : ""));
    }

    @Test
    void eachOwnerIsToldOfItsOwnCopiesWhoeverDrains() {
        DmaChannel channel = registry.configure("a", FaultyDmaEngine.seeded(1).build());
        memory.set(ValueLayout.JAVA_LONG, 0, 77);
        for (int i = 0; i < 4; i++) {
            copy(channel, 0, 1024 + 64 * i, owner("x"), i);
            copy(channel, 0, 2048 + 64 * i, owner("y"), i);
        }
        assertEquals(8, channel.inFlight());
        ChannelAccess.channel(channel).drain();
        assertEquals(Set.of("x0", "x1", "x2", "x3", "y0", "y1", "y2", "y3"), Set.copyOf(done));
        assertEquals(8, done.size());
        assertEquals(77, memory.get(ValueLayout.JAVA_LONG, 2048 + 64 * 3));
        assertEquals(0, channel.inFlight());
        registry.close();
    }

    /** Whoever gets his copies back may free the memory, which the engine must not touch any more then. */
    @Test
    void anEngineThatFailedIsClosedBeforeItsCopiesAreGivenBack() {
        FaultyDmaEngine engine = FaultyDmaEngine.seeded(1).build();
        DmaChannel channel = registry.configure("a", engine);
        engine.hold(true);
        CopyListener owner = (slot, failed) -> done.add(slot + (failed ? " failed" : "")
                + (engine.isClosed() ? " after the engine's end" : " before"));
        copy(channel, 0, 1024, owner, 0);
        copy(channel, 0, 2048, owner, 1);
        ChannelAccess.channel(channel).abandon(new IllegalStateException("on purpose"));
        assertEquals(Set.of("0 failed after the engine's end", "1 failed after the engine's end"),
                Set.copyOf(done));
        registry.close();
    }

    @Test
    void aChannelWithCopiesOrPacketsInFlightIsNotUnconfigured() {
        FaultyDmaEngine engine = FaultyDmaEngine.seeded(1).build();
        DmaChannel channel = registry.configure("a", engine);
        engine.hold(true);
        copy(channel, 0, 1024, owner("x"), 0);
        ChannelAccess.channel(channel).retain(1);
        assertEquals("DMA channel a has 1 copies and 1 packets in flight: poll or clear its queues first",
                assertThrows(IllegalStateException.class, () -> registry.unconfigure(channel)).getMessage());
        assertFalse(channel.isClosed());
        assertFalse(engine.isClosed());
        engine.hold(false);
        assertThrows(IllegalStateException.class, registry::close, "the packet is not given back");
        assertEquals(List.of("x0"), done);
        ChannelAccess.channel(channel).release(1);
        registry.unconfigure(channel);
        assertTrue(channel.isClosed());
        assertTrue(engine.isClosed());
        assertEquals(Set.of(), registry.channels());
        assertThrows(IllegalStateException.class, () -> registry.unconfigure(channel));
        ChannelAccess.channel(channel).abandon(new IllegalStateException("too late"));
        assertNull(channel.failure());
    }

    @Test
    void theRegistryClosesTheOthersWhenOneRefuses() {
        DmaChannel busy = registry.configure("busy", FaultyDmaEngine.seeded(1).build());
        DmaChannel idle = registry.configure("idle", new InlineDmaEngine());
        ChannelAccess.channel(busy).retain(2);
        assertThrows(IllegalStateException.class, registry::close);
        assertTrue(idle.isClosed());
        assertEquals(Set.of(busy), registry.channels());
        ChannelAccess.channel(busy).release(2);
        registry.close();
        try (DmaRegistry other = new DmaRegistry()) {
            DmaChannel foreign = other.configure("foreign", new InlineDmaEngine());
            assertThrows(IllegalArgumentException.class, () -> registry.unconfigure(foreign));
            assertThrows(NullPointerException.class, () -> other.configure("none", null));
        }
    }

    @ParameterizedTest
    @EnumSource(Breach.class)
    void aBreachOfContractClosesTheEngineAndFailsEachCopyOnce(Breach breach) {
        FaultyDmaEngine engine = FaultyDmaEngine.seeded(11).capacity(200).depth(201).build();
        DmaChannel channel = registry.configure("a", engine);
        int submitted = 0;
        engine.breakContract(breach);
        while (channel.failure() == null) {
            submitted += submitOne(channel, submitted);
            if (submitted % 4 == 0) {
                ChannelAccess.channel(channel).drain();
            }
        }
        assertTrue(engine.isClosed());
        assertEquals(0, channel.inFlight());
        assertEquals(submitted, done.size());
        assertEquals(submitted, Set.copyOf(done).size(), "each once");
        Throwable first = channel.failure();
        ChannelAccess.channel(channel).abandon(new IllegalStateException("again"));
        assertSame(first, channel.failure());
        ChannelAccess.channel(channel).drain();
        assertEquals(0, submitOne(channel, 0));
        assertEquals(submitted, done.size());
        registry.close();
    }

    private int submitOne(DmaChannel channel, int slot) {
        CopyChannel copies = ChannelAccess.channel(channel);
        copies.lock.lock();
        try {
            if (copies.capacity() == 0) {
                return 0;
            }
            copies.copy(memory, 0, memory, 1024, 64, owner("x"), slot);
            copies.submit();
            return 1;
        } finally {
            copies.lock.unlock();
        }
    }

    /** A token that was just free is not used again at once, so a second report of it means nothing yet. */
    @Test
    void aLateSecondReportOfATokenIsCaughtAlthoughOthersAreUnderWay() {
        int[] report = new int[1];
        List<Integer> tokens = new ArrayList<>();
        DmaChannel channel = registry.configure("twice", new DmaEngine() {
            @Override
            public int depth() {
                return 8;
            }

            @Override
            public int capacity() {
                return 8;
            }

            @Override
            public void copy(
                    MemorySegment from, long fromOffset,
                    MemorySegment to, long toOffset, int bytes, int token) {
                tokens.add(token);
            }

            @Override
            public void submit() {}

            @Override
            public int completed(int[] into, int offset, int count) {
                into[offset] = report[0];
                return 1;
            }

            @Override
            public void close() {}
        });
        copy(channel, 0, 1024, owner("x"), 0);
        report[0] = tokens.getFirst();
        ChannelAccess.channel(channel).drain();
        copy(channel, 0, 1024, owner("x"), 1);
        copy(channel, 0, 1024, owner("x"), 2);
        ChannelAccess.channel(channel).drain();
        assertNotNull(channel.failure());
        assertEquals(List.of("x0", "x1 failed", "x2 failed"), done);
        registry.close();
    }

    /** Reports are taken 128 at a time. */
    @ParameterizedTest
    @ValueSource(ints = {1, 127, 128, 129, 200})
    void allThatIsDoneIsToldInOneDrain(int copies) {
        DmaChannel channel = registry.configure("a", new InlineDmaEngine());
        for (int i = 0; i < copies; i++) {
            copy(channel, 0, 1024, owner("x"), i);
        }
        ChannelAccess.channel(channel).drain();
        assertEquals(copies, done.size());
        assertNull(channel.failure());
        registry.close();
    }

    /** The last place, and what has none any more. */
    @Test
    void aChannelTakesAsManyCopiesAsItsEngineHasPlaces() {
        FaultyDmaEngine engine = FaultyDmaEngine.seeded(5).capacity(8).depth(3).build();
        CopyChannel copies = ChannelAccess.channel(registry.configure("a", engine));
        engine.hold(true);
        copies.lock.lock();
        try {
            assertEquals(3, copies.depth());
            for (int left = 3; left > 0; left--) {
                assertEquals(left, copies.capacity());
                copies.copy(memory, 0, memory, 1024, 64, owner("x"), left);
            }
            assertEquals(0, copies.capacity());
            copies.copy(memory, 0, memory, 1024, 64, owner("y"), 1);
            assertEquals(List.of("y1 failed"), done);
            copies.submit();
        } finally {
            copies.lock.unlock();
        }
        copies.retain(3);
        assertEquals(3, copies.packetsInFlight());
        copies.release(3);
        engine.hold(false);
        copies.drain();
        assertEquals(4, done.size());
        assertSame(registry, copies.registry());
        registry.close();
    }

    @Test
    void anEngineWithoutPlacesIsRefused() {
        assertThrows(IllegalArgumentException.class,
                () -> registry.configure("none", FaultyDmaEngine.seeded(1).depth(0).build()));
        assertEquals(Set.of(), registry.channels());
    }
}
