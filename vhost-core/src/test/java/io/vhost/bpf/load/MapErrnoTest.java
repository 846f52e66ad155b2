package io.vhost.bpf.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.map.MapType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What operations on maps are refused with: the kernel's numbers, asked for each. */
@Tag("peer")
class MapErrnoTest {
    private static final int[] KEYS = {0, 1, 3, 4, 5, 0, 3, 33, 1 << 30};
    private static final long[] FLAGS = {0, 1, 2, 3, 8, 1L << 40};

    private static byte[] key(MapType type, int number) {
        if (type == MapType.RINGBUF) {
            return new byte[0];
        }
        ByteBuffer key = ByteBuffer.allocate(16).order(ByteOrder.nativeOrder());
        key.putInt(number);
        return type == MapType.LPM_TRIE ? key.putInt(number * 77).array() : key.array();
    }

    @ParameterizedTest
    @CsvSource({"HASH, 4, 8, 4, 0", "ARRAY, 4, 8, 4, 0", "PERCPU_ARRAY, 4, 8, 4, 0",
        "PERCPU_HASH, 4, 8, 4, 0",
        "LRU_HASH, 4, 8, 64, 0", "LPM_TRIE, 8, 8, 4, 1", "HASH, 4, 8, 4, 1", "RINGBUF, 0, 0, 4096, 0"})
    void theKernelAnswersTheSame(MapType type, int keySize, int valueSize, int entries, int flags)
            throws Exception {
        BpfTable own = new MapFactory(1, 1 << 20).create(new MapSpec("m", type.id(), keySize, valueSize,
                entries, flags));
        try (KernelRun kernel = new KernelRun()) {
            kernel.map("m", type.id(), keySize, valueSize, entries, flags);
            byte[] value = new byte[1024];
            int refused = 0;
            for (int number : KEYS) {
                for (long flag : FLAGS) {
                    byte[] key = key(type, number);
                    String what = type + " " + number + " with " + flag;
                    int expected = kernel.tryUpdate("m", key, value, flag);
                    refused += expected < 0 ? 1 : 0;
                    assertEquals(expected, own.update(Ours.segment(key), 0, Ours.segment(value), 0, flag, 0),
                            what);
                    boolean there = kernel.tryLookup("m", key) == 0;
                    assertEquals(there, own.lookup(Ours.segment(key), 0, 0) != BpfTable.ABSENT, what);
                    if (flag == 2 || flag == 8) {
                        assertEquals(kernel.tryDelete("m", key), own.delete(Ours.segment(key), 0), what);
                    }
                }
            }
            assertNotEquals(0, refused);
        }
    }
}
