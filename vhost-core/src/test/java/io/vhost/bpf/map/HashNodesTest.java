package io.vhost.bpf.map;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Chains of keys that have the same hash, as keys of a program that means harm may. */
class HashNodesTest {
    private static final int HASH = 0x12345677;
    private static final int STRIDE = 32;

    private static MemorySegment memory(long size) {
        return Arena.ofAuto().allocate(size, 8);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17})
    void keysOfOneHashAreToldApartByEachByte(int size) {
        HashNodes nodes = new HashNodes(memory(4 * 8), memory(STRIDE * 32), memory(2 * 32),
                memory(HashNodes.LOCK * 8), STRIDE, 7, size);
        nodes.clear();
        MemorySegment key = memory(size);
        // The node of number i has a key of which byte i is another one than in all others; one has none.
        for (int node = 0; node <= size; node++) {
            key.fill((byte) 5);
            if (node < size) {
                key.set(ValueLayout.JAVA_BYTE, node, (byte) 6);
            }
            assertEquals(HashNodes.NONE, nodes.find(HASH, key, 0));
            assertEquals(HashNodes.NONE, nodes.findLocked(HASH, key, 0));
            nodes.link(node, HASH, key, 0);
            assertEquals(node, nodes.find(HASH, key, 0));
            assertEquals(node, nodes.findLocked(HASH, key, 0));
            // Of the same chain, and another hash.
            assertEquals(HashNodes.NONE, nodes.find(HASH ^ 1 << 20, key, 0));
        }
    }
}
