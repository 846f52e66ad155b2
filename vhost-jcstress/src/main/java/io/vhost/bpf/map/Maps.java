package io.vhost.bpf.map;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicInteger;

/** Small maps for states, made once each, and keys and values for them. */
final class Maps {
    private static final int SPARE = 2048;

    private Maps() {}

    /** Eight bytes with a number. */
    static MemorySegment word(long number) {
        MemorySegment word = Arena.global().allocate(8, 8);
        word.set(ValueLayout.JAVA_LONG, 0, number);
        return word;
    }

    static BpfTable create(MapType type, int keySize, int valueSize, int entries) {
        try {
            return new MapFactory(2, 1 << 20).create(new MapSpec("m", type.id(), keySize, valueSize, entries,
                    0));
        } catch (MapException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Maps that are used round and round: more of them than the harness has states alive at a stride. */
    static final class Pool {
        private final BpfTable[] tables = new BpfTable[SPARE];
        private final AtomicInteger next = new AtomicInteger();

        Pool(MapType type, int keySize, int valueSize, int entries) {
            for (int i = 0; i < SPARE; i++) {
                tables[i] = create(type, keySize, valueSize, entries);
            }
        }

        BpfTable next() {
            return tables[Math.floorMod(next.getAndIncrement(), SPARE)];
        }
    }
}
