package io.vhost.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PacketPoolTest {
    private static final int BUFFER = 2048;

    @Test
    void aNewPoolHasAllItsPackets() {
        try (PacketPool pool = PacketPool.create(5, BUFFER)) {
            assertEquals(5, pool.size());
            assertEquals(5, pool.available());
            assertEquals(0, pool.outstanding());
            assertEquals(BUFFER, pool.bufferSize());
            assertEquals(128, pool.headroom());
        }
    }

    @Test
    void takingAndReleasingIsCounted() {
        try (PacketPool pool = PacketPool.create(4, BUFFER)) {
            Packet[] burst = new Packet[6];
            assertEquals(3, pool.take(burst, 1, 3));
            assertNull(burst[0]);
            assertNull(burst[4]);
            assertEquals(1, pool.available());
            assertEquals(3, pool.outstanding());
            pool.release(burst, 2, 2);
            assertEquals(3, pool.available());
            burst[1].release();
            assertEquals(0, pool.outstanding());
        }
    }

    @Test
    void anEmptyPoolGivesWhatItHasAndThenNothing() {
        try (PacketPool pool = PacketPool.create(3, BUFFER)) {
            Packet[] burst = new Packet[8];
            assertEquals(3, pool.take(burst, 0, 8));
            assertNull(pool.take());
            assertEquals(0, pool.take(burst, 3, 5));
            pool.release(burst, 0, 3);
            assertEquals(3, pool.available());
        }
    }

    @Test
    void thePacketReleasedLastIsTakenFirst() {
        try (PacketPool pool = PacketPool.create(8, BUFFER)) {
            Packet[] burst = new Packet[8];
            pool.take(burst, 0, 8);
            pool.release(burst[3]);
            pool.release(burst[6]);
            assertSame(burst[6], pool.take());
            assertSame(burst[3], pool.take());
            pool.release(burst, 0, 8);
        }
    }

    @Test
    void eachPacketHasItsOwnIndexAndBuffer() {
        try (PacketPool pool = PacketPool.create(64, BUFFER)) {
            Packet[] burst = new Packet[64];
            pool.take(burst, 0, 64);
            Set<Integer> indices = new HashSet<>();
            for (Packet packet : burst) {
                assertTrue(indices.add(packet.index()));
                assertSame(pool.segment(), packet.segment());
                packet.reset(packet.capacity());
                packet.asSlice().fill((byte) packet.index());
            }
            for (Packet packet : burst) {
                assertEquals(packet.index(), packet.byteAt(0));
                assertEquals(packet.index(), packet.byteAt(packet.length() - 1));
            }
            assertEquals(64, indices.size());
            pool.release(burst, 0, 64);
        }
    }

    @Test
    void buffersAreAlignedToCacheLinesAndSpreadOverThePage() {
        for (int bufferSize : new int[] {129, 2048, 2112, 2176, 4096, 65_536 + 128}) {
            try (PacketPool pool = PacketPool.create(64, bufferSize)) {
                Packet[] burst = new Packet[64];
                pool.take(burst, 0, 64);
                Set<Long> linesInPage = new HashSet<>();
                for (Packet packet : burst) {
                    long address = packet.segment().address() + packet.dataOffset();
                    assertEquals(0, address % 64);
                    linesInPage.add(address % 4096);
                }
                assertEquals(64, linesInPage.size(), "bufferSize=" + bufferSize);
                pool.release(burst, 0, 64);
            }
        }
    }

    @Test
    void aSecondReleaseIsRefused() {
        try (PacketPool pool = PacketPool.create(2, BUFFER)) {
            Packet packet = pool.take();
            pool.release(packet);
            String text = assertThrows(IllegalStateException.class, () -> pool.release(packet)).getMessage();
            assertTrue(text.contains("packet " + packet.index()) && text.contains("exactly once"), text);
            assertTrue(text.contains(pool.toString()), text);
            assertEquals(2, pool.available());
        }
    }

    @Test
    void aForeignPacketIsRefused() {
        try (PacketPool pool = PacketPool.create(2, BUFFER);
                PacketPool other = PacketPool.create(2, BUFFER)) {
            Packet foreign = other.take();
            RuntimeException refusal =
                    assertThrows(IllegalArgumentException.class, () -> pool.release(foreign));
            String text = refusal.getMessage();
            assertTrue(text.contains("another pool, " + other + ", and this is " + pool), text);
            assertNotEquals(pool.toString(), other.toString());
            assertEquals(1, other.outstanding());
            foreign.release();
        }
    }

    @Test
    void nullIsRefused() {
        try (PacketPool pool = PacketPool.create(1, BUFFER)) {
            assertThrows(IllegalArgumentException.class, () -> pool.release(null));
            assertThrows(IllegalArgumentException.class, () -> pool.release(new Packet[1], 0, 1));
        }
    }

    @Test
    void aBurstIsReleasedAsAWholeOrNotAtAll() {
        try (PacketPool pool = PacketPool.create(8, BUFFER);
                PacketPool other = PacketPool.create(1, BUFFER)) {
            Packet released = pool.take();
            pool.release(released);
            Packet again = pool.take();
            assertSame(released, again);
            Packet[] burst = new Packet[4];
            pool.take(burst, 0, 4);
            burst[2].reset(77);
            burst[2].prepend(14);
            burst[2].offload(5, 6);
            Packet spare = burst[3];
            Packet foreign = other.take();
            pool.release(again);
            for (Packet bad : new Packet[] {null, foreign, again, burst[1]}) {
                burst[3] = bad;
                RuntimeException refusal =
                        assertThrows(RuntimeException.class, () -> pool.release(burst, 0, 4));
                assertTrue(refusal.getMessage().contains("position 3"), refusal.getMessage());
                assertEquals(4, pool.outstanding());
                assertEquals(91, burst[2].length());
                assertEquals(114, burst[2].headroom());
                assertEquals(5, burst[2].offload());
                assertEquals(6, burst[2].checksumOffset());
            }
            burst[3] = spare;
            pool.release(burst, 0, 4);
            assertEquals(8, pool.available());
            foreign.release();
        }
    }

    @Test
    void aRefusedBurstLeavesTheStackUsable() {
        try (PacketPool pool = PacketPool.create(4, BUFFER)) {
            Packet[] burst = new Packet[4];
            pool.take(burst, 0, 4);
            Packet[] twice = {burst[0], burst[1], burst[0]};
            assertThrows(IllegalStateException.class, () -> pool.release(twice, 0, 3));
            assertNull(pool.take());
            pool.release(burst, 0, 4);
            Set<Packet> all = new HashSet<>();
            for (int i = 0; i < 4; i++) {
                assertTrue(all.add(pool.take()));
            }
            pool.release(burst, 0, 4);
        }
    }

    @Test
    void aRangeOutsideTheArrayIsRefused() {
        try (PacketPool pool = PacketPool.create(4, BUFFER)) {
            Packet[] burst = new Packet[2];
            assertThrows(IndexOutOfBoundsException.class, () -> pool.take(burst, 1, 2));
            assertThrows(IndexOutOfBoundsException.class, () -> pool.take(burst, 0, -1));
            assertThrows(IndexOutOfBoundsException.class, () -> pool.release(burst, -1, 1));
            assertEquals(4, pool.available());
        }
    }

    @Test
    void closingWithPacketsOutstandingNamesThemAndKeepsTheMemory() {
        PacketPool pool = PacketPool.create(4, BUFFER);
        Packet[] burst = new Packet[4];
        pool.take(burst, 0, 4);
        Packet leaked = burst[2];
        Packet alsoLeaked = burst[0];
        burst[1].release();
        burst[3].release();
        String text = assertThrows(IllegalStateException.class, pool::close).getMessage();
        assertTrue(text.contains(pool + ": 2 of 4"), text);
        assertTrue(text.contains("[" + Math.min(leaked.index(), alsoLeaked.index()) + ", "
                + Math.max(leaked.index(), alsoLeaked.index()) + "]"), text);
        leaked.reset(1);
        leaked.putByte(0, 9);
        assertEquals(9, leaked.byteAt(0));
        pool.take().release();
        leaked.release();
        alsoLeaked.release();
        pool.close();
    }

    @Test
    void manyLeaksAreCutShort() {
        PacketPool pool = PacketPool.create(20, BUFFER);
        Packet[] burst = new Packet[20];
        pool.take(burst, 0, 20);
        String text = assertThrows(IllegalStateException.class, pool::close).getMessage();
        assertTrue(text.contains("20 of 20") && text.contains("[0, 1, 2, 3, 4, 5, 6, 7] and others"), text);
        pool.release(burst, 0, 20);
        pool.close();
    }

    @Test
    void asManyLeaksAsAreNamedAreAllThereAre() {
        PacketPool pool = PacketPool.create(8, BUFFER);
        Packet[] burst = new Packet[8];
        pool.take(burst, 0, 8);
        String text = assertThrows(IllegalStateException.class, pool::close).getMessage();
        assertTrue(text.contains("[0, 1, 2, 3, 4, 5, 6, 7];"), text);
        pool.release(burst, 0, 8);
        pool.close();
    }

    @Test
    void aClosedPoolGivesNothingAndClosesAgainWithoutEffect() {
        PacketPool pool = PacketPool.create(1, BUFFER);
        pool.close();
        pool.close();
        assertThrows(IllegalStateException.class, pool::take);
        assertThrows(IllegalStateException.class, () -> pool.take(new Packet[1], 0, 1));
        assertThrows(IllegalStateException.class, () -> pool.segment().get(ValueLayout.JAVA_BYTE, 0));
    }

    @Test
    void aPoolOverForeignMemoryUsesItAndLeavesItAlive() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment slab = arena.allocate(PacketPool.slabSize(3, 256), 64);
            Packet last = null;
            try (PacketPool pool = PacketPool.over(slab, 3, 256, 12)) {
                assertSame(slab, pool.segment());
                Packet[] burst = new Packet[3];
                pool.take(burst, 0, 3);
                for (Packet packet : burst) {
                    assertEquals(packet.index() * 320L + 12, packet.dataOffset());
                    assertEquals(244, packet.capacity());
                    last = packet.index() == 2 ? packet : last;
                }
                last.reset(244);
                last.putByte(243, 0x5A);
                pool.release(burst, 0, 3);
            }
            assertEquals(0x5A, slab.get(ValueLayout.JAVA_BYTE, 2 * 320 + 255));
        }
    }

    @Test
    void sizesAreBounded() {
        try (PacketPool least = PacketPool.over(Arena.ofAuto().allocate(64, 64), 1, 1, 0)) {
            assertEquals(1, least.bufferSize());
        }
        try (PacketPool room = PacketPool.over(Arena.ofAuto().allocate(64, 64), 1, 64, 63)) {
            assertEquals(63, room.headroom());
        }
        assertEquals(64, PacketPool.slabSize(1, 64));
        assertEquals(3 * 64, PacketPool.slabSize(1, 65));
        assertEquals(2 * 3 * 64, PacketPool.slabSize(2, 129));
        PacketPool.create(1, PacketPool.MAX_BUFFER_SIZE).close();
        for (int size : new int[] {PacketPool.MAX_BUFFER_SIZE + 1, 0, -1}) {
            assertThrows(IllegalArgumentException.class, () -> PacketPool.create(1, size));
        }
        assertThrows(IllegalArgumentException.class, () -> PacketPool.create(0, 256));
    }

    @Test
    void unusableMemoryAndSizesAreRefused() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment slab = arena.allocate(PacketPool.slabSize(2, 256), 64);
            assertThrows(IllegalArgumentException.class, () -> PacketPool.over(slab, 3, 256, 12));
            assertThrows(IllegalArgumentException.class, () -> PacketPool.over(slab.asSlice(1), 1, 256, 12));
            MemorySegment readOnly = slab.asReadOnly();
            assertThrows(IllegalArgumentException.class, () -> PacketPool.over(readOnly, 1, 256, 12));
            assertThrows(IllegalArgumentException.class, () -> PacketPool.over(slab, 2, 256, 256));
            assertThrows(IllegalArgumentException.class, () -> PacketPool.over(slab, 2, 256, -1));
            MemorySegment heap = MemorySegment.ofArray(new long[1024]);
            assertThrows(IllegalArgumentException.class, () -> PacketPool.over(heap, 1, 256, 12));
        }
        assertThrows(IllegalArgumentException.class, () -> PacketPool.create(0, BUFFER));
        assertThrows(IllegalArgumentException.class, () -> PacketPool.create(1, 128));
        assertThrows(IllegalArgumentException.class, () -> PacketPool.create(1, Integer.MAX_VALUE));
    }
}
