package io.vhost.bpf.map;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** HASH_OF_MAPS: what is found under a key is the map that was put there. */
class MapHashTest {
    private static final int CHANGES = 20_000;

    private final MemorySegment key = Arena.ofAuto().allocate(8, 8);

    private static BpfTable inner(String name) throws MapException {
        return new MapFactory(1, 1 << 16).create(new MapSpec(name, 2, 4, 8, 1, 0));
    }

    private static MapOfMaps outer(int entries) throws MapException {
        return (MapOfMaps) new MapFactory(1, 1 << 16).create(new MapSpec("outer", MapType.HASH_OF_MAPS.id(),
                8, 4, entries, 0));
    }

    private MemorySegment key(long number) {
        key.set(ValueLayout.JAVA_LONG, 0, number);
        return key;
    }

    @Test
    void mapsArePutReplacedAndTakenOut() throws MapException {
        MapOfMaps outer = outer(2);
        BpfTable one = inner("one");
        BpfTable two = inner("two");
        assertNull(outer.inner(key(7), 0));
        assertEquals(0, outer.put(key(7), 0, one));
        assertEquals(0, outer.put(key(8), 0, one));
        assertEquals(-7, outer.put(key(9), 0, one));
        for (int i = 0; i < 100; i++) {
            assertEquals(0, outer.put(key(7), 0, i % 2 == 0 ? two : one));
        }
        assertEquals(0, outer.put(key(7), 0, two));
        assertSame(two, outer.inner(key(7), 0));
        assertSame(one, outer.inner(key(8), 0));
        assertEquals(0, outer.delete(key(7), 0));
        assertEquals(-2, outer.delete(key(7), 0));
        assertNull(outer.inner(key(7), 0));
        assertEquals(0, outer.put(key(9), 0, two));
    }

    @Test
    void programsSeeNoMemoryAndStoreNothing() throws MapException {
        MapOfMaps outer = outer(1);
        outer.put(key(1), 0, inner("one"));
        assertEquals(BpfTable.ABSENT, outer.lookup(key(1), 0, 0));
        assertEquals(-22, outer.update(key(1), 0, key, 0, 0, 0));
        assertEquals(0, outer.values().byteSize());
    }

    /** Two keys that are replaced all the time: a reader never gets the other one's map. */
    @Test
    void aReaderNeverGetsTheMapOfAnotherKey() throws Exception {
        MapOfMaps outer = outer(2);
        BpfTable[] maps = {inner("0"), inner("1")};
        outer.put(key(0), 0, maps[0]);
        outer.put(key(1), 0, maps[1]);
        AtomicBoolean stop = new AtomicBoolean();
        AtomicReference<String> wrong = new AtomicReference<>();
        Thread reader = Thread.ofPlatform().start(() -> {
            MemorySegment own = Arena.ofAuto().allocate(8, 8);
            while (!stop.get()) {
                for (int i = 0; i < 2; i++) {
                    own.set(ValueLayout.JAVA_LONG, 0, i);
                    BpfTable found = outer.inner(own, 0);
                    if (found == null || !found.spec().name().equals(maps[i].spec().name())) {
                        wrong.set("under " + i + ": " + found);
                    }
                }
            }
        });
        for (int i = 0; i < CHANGES; i++) {
            outer.put(key(i & 1), 0, maps[i & 1]);
        }
        stop.set(true);
        reader.join();
        assertNull(wrong.get());
    }
}
